/** Which gateway is meant, and who asks: the options that all commands of the management API have in common. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { isLoopback } from '../../config/schema/units.ts'
import { CommandFailed, UsageError } from '../exit.ts'
import { readSecret } from '../prompt.ts'
import { complain, type Terminal } from '../terminal.ts'
import { AdminClient } from './client.ts'
import { KeptLogins } from './kept-logins.ts'

export const WHERE_OPTIONS = {
  admin: { type: 'string' },
  config: { type: 'string', short: 'c' },
  user: { type: 'string' },
  'token-file': { type: 'string' },
  json: { type: 'boolean' },
} as const

export const WHERE_USAGE = '(--admin URL | -c FILE) [--user NAME | --token-file FILE] [--json]'

export const WHERE_HELP = `Which gateway, and who asks:
  --admin URL          the admin listener, such as http://127.0.0.1:8081
  -c, --config FILE    the configuration whose \`admin\` says it
  --user NAME          whose password is in GATEHOUSE_PASSWORD, or else asked for
  --token-file FILE    a file with a bearer token; without both, the login of \`gatehouse login\`, if there is one
  --json               the answer of the API as it is

Exit code 77: the credential is wrong, or its role does not suffice.`

export interface WhereValues {
  readonly admin?: string | undefined
  readonly config?: string | undefined
  readonly user?: string | undefined
  readonly 'token-file'?: string | undefined
}

const PASSWORD = 'GATEHOUSE_PASSWORD'
const TOKEN_BYTES = 64 * 1024

/** @throws UsageError, ConfigError, CommandFailed */
export async function adminClient(command: string, values: WhereValues, terminal: Terminal): Promise<AdminClient> {
  const url = await adminUrl(command, values, terminal)
  const { user, 'token-file': tokenFile } = values
  if (user !== undefined && tokenFile !== undefined)
    throw new UsageError(`${command}: either --user or --token-file, not both`, { command })
  const authorization = user === undefined ? bearer(tokenFile) : await basic(user, command, terminal)
  const cookie = authorization === undefined ? new KeptLogins(terminal.env).of(url) : undefined
  if (authorization !== undefined || cookie !== undefined) warnOfPlain(url, terminal)
  return new AdminClient(url, { authorization, cookie })
}

/** A login goes to whoever is on the way. */
export function warnOfPlain(url: URL, terminal: Terminal): void {
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    complain(terminal, `warning: whoever is on the way to ${url.host} can read your login: it is plain http`)
}

/** @throws UsageError, ConfigError, CommandFailed */
export async function adminUrl(command: string, { admin, config: file }: WhereValues, { env }: Terminal): Promise<URL> {
  if ((admin === undefined) === (file === undefined))
    throw new UsageError(`${command} needs either --admin URL or -c FILE`, { command })
  if (admin !== undefined) return judgedUrl(admin, command)
  // Most of what a configuration means is the gateway's.
  const { loadConfig } = await import('../../config/reading/load.ts')
  const { config } = loadConfig(file ?? '', env, { files: false })
  if (config.admin === undefined)
    throw new CommandFailed(`${file}: it has no \`admin\`: nobody can manage this gateway`)
  const { host, port, tls } = config.admin
  if (port === 0)
    throw new CommandFailed(`${file}: \`admin.port\` is 0, which is another port at each start: give --admin URL`)
  return new URL(`${tls === undefined ? 'http' : 'https'}://${reachable(host)}:${port}`)
}

function judgedUrl(text: string, command: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isFit = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  if (!isFit)
    throw new UsageError(`${command}: expected a URL such as http://127.0.0.1:8081 after --admin, without a password`, {
      command,
    })
  return url
}

/** An address to listen at is none to call where it means all of them. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return isIP(host) === 6 ? `[${host}]` : host
}

function bearer(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  const token = readFileSync(file).subarray(0, TOKEN_BYTES).toString('latin1').trim()
  if (!/^[\x21-\x7e]+$/.test(token)) throw new CommandFailed(`${file}: expected one token`)
  return `Bearer ${token}`
}

async function basic(user: string, command: string, terminal: Terminal): Promise<string> {
  if (user === '' || user.includes(':'))
    throw new UsageError(`${command}: expected a name without a colon after --user`, { command })
  const password = terminal.env[PASSWORD] ?? (await readSecret(terminal, 'Password', false))
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}
