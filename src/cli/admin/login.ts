/** `gatehouse login` and `logout`: an OpenID login for the commands that ask a running gateway. */
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import type { Command } from '../command.ts'
import { CommandFailed, EXIT } from '../exit.ts'
import { parseOptions } from '../options.ts'
import { complain, say, type Terminal } from '../terminal.ts'
import { type AdminAnswer, AdminClient } from './client.ts'
import { KeptLogins } from './kept-logins.ts'
import { adminUrl, WHERE_OPTIONS, warnOfPlain } from './where.ts'

const OPTIONS = { admin: WHERE_OPTIONS.admin, config: WHERE_OPTIONS.config, with: { type: 'string' } } as const
const USAGE = '(--admin URL | -c FILE)'
const WHERE = `  --admin URL        the admin listener, such as http://127.0.0.1:8081
  -c, --config FILE  the configuration whose \`admin\` says it`

const FORM = 'application/x-www-form-urlencoded'
/** [RFC 8628 §3.5] */
const SLOWER_SECONDS = 5
const SLOWEST_SECONDS = 60

const begun = z.object({
  userCode: z.string().max(64),
  verificationUri: z.url(),
  verificationUriComplete: z.url().optional(),
  expiresIn: z.number(),
  interval: z.number().min(1).max(SLOWEST_SECONDS),
  handle: z.string(),
})
const finished = z.object({ subject: z.string(), cookie: z.string() })

export const loginCommand: Command = {
  name: 'login',
  summary: 'Log in at a running gateway by its OpenID provider.',
  usage: [`login ${USAGE} [--with NAME]`],
  help: `${WHERE}
  --with NAME        which authenticator, where there are several

Open the address in a browser on any device, and confirm the code there. The command waits. It keeps the login in
gatehouse/logins.json below XDG_STATE_HOME or ~/.local/state, in a file that only you can read. The other commands use
it until it ends.`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'login', options: OPTIONS })
    const url = await adminUrl('login', values, terminal)
    warnOfPlain(url, terminal)
    const client = new AdminClient(url, {})
    const query = new URLSearchParams(values.with === undefined ? {} : { with: values.with })
    const started = begun.safeParse(okOf(await client.send('POST', '/auth/device', { query })))
    if (!started.success) throw new CommandFailed(`${url.host} answers, but not as a Gatehouse that has logins`)
    const { userCode, verificationUri, verificationUriComplete } = started.data
    complain(terminal, `Open ${shown(verificationUriComplete ?? verificationUri)}`)
    complain(terminal, `and confirm the code ${shown(userCode)}`)
    const { subject, cookie } = await waitFor(client, query, started.data)
    new KeptLogins(terminal.env).keep(url, cookie)
    say(terminal, `logged in at ${url.host} as ${shown(subject)}`)
    return EXIT.ok
  },
}

export const logoutCommand: Command = {
  name: 'logout',
  summary: 'End the login of `gatehouse login`.',
  usage: [`logout ${USAGE}`],
  help: `${WHERE}

The gateway ends the login, and the command forgets it.`,
  async run(args, terminal) {
    const { values } = parseOptions(args, { command: 'logout', options: OPTIONS })
    const url = await adminUrl('logout', values, terminal)
    return await logOut(url, terminal)
  },
}

async function logOut(url: URL, terminal: Terminal): Promise<number> {
  const kept = new KeptLogins(terminal.env)
  const cookie = kept.of(url)
  if (cookie === undefined) {
    say(terminal, `there is no login at ${url.host}`)
    return EXIT.ok
  }
  // It ends by itself in time, even where the gateway cannot be told.
  kept.forget(url)
  okOf(await new AdminClient(url, { cookie }).send('POST', '/auth/logout'))
  say(terminal, `logged out at ${url.host}`)
  return EXIT.ok
}

/** Asks until the person has agreed, has refused, or took too long. */
async function waitFor(
  client: AdminClient,
  query: URLSearchParams,
  { handle, interval, expiresIn }: z.output<typeof begun>,
): Promise<z.output<typeof finished>> {
  const endsAtMs = performance.now() + expiresIn * 1000
  const sent = { type: FORM, text: new URLSearchParams({ handle }).toString() }
  let seconds = interval
  while (performance.now() < endsAtMs) {
    await wait(seconds * 1000)
    const answer = await client.send('POST', '/auth/device/token', { query, sent })
    if (answer.status === 200) return finished.parse(answer.value)
    const { slowDown } = okOf(answer) as { readonly slowDown?: boolean }
    if (slowDown === true) seconds = Math.min(SLOWEST_SECONDS, seconds + SLOWER_SECONDS)
  }
  throw new CommandFailed('nobody has confirmed the code in time', { code: EXIT.forbidden })
}

/** @throws CommandFailed for a no */
function okOf({ status, value }: AdminAnswer): unknown {
  if (status < 300) return value
  const { detail = 'it says no' } = (value ?? {}) as { readonly detail?: string }
  throw new CommandFailed(`${detail} (${status})`, { code: status === 403 ? EXIT.forbidden : EXIT.failure })
}

/** What somebody else wrote is text, whatever a terminal would make of it. */
function shown(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '')
}
