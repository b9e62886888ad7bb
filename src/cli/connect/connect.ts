/** `gatehouse connect`: a local AMQP port for clients that know no WebSocket. */
import { randomBytes } from 'node:crypto'
import { Secret } from '../../../auth/index.ts'
import { Connect, type ConnectOptions } from '../../tunnel/connect/connect.ts'
import type { Farewell } from '../../tunnel/connect/local-client.ts'
import type { LocalAddress } from '../../tunnel/connect/local-door.ts'
import { LoginFailed } from '../../tunnel/connect/login/login.ts'
import { firstWord } from '../../tunnel/connect/login/token-file.ts'
import type { Command } from '../command.ts'
import { CommandFailed, EXIT, UsageError } from '../exit.ts'
import { parseOptions } from '../options.ts'
import { complain, type Terminal } from '../terminal.ts'
import { gatewayUrl, listenAddress } from './address.ts'
import { runChild } from './child.ts'
import { loginFrom, secureContextFrom } from './login.ts'

const command = 'connect'

const OPTIONS = {
  listen: { type: 'string' },
  unix: { type: 'string' },
  'listen-any': { type: 'boolean' },
  user: { type: 'string' },
  'token-file': { type: 'string' },
  'token-command': { type: 'string' },
  login: { type: 'string' },
  'client-id': { type: 'string' },
  scope: { type: 'string' },
  negotiate: { type: 'boolean' },
  ca: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  'local-password-file': { type: 'string' },
  once: { type: 'boolean' },
  status: { type: 'string' },
} as const

type Values = ReturnType<typeof parseOptions<typeof OPTIONS>>['values']

export const connectCommand: Command = {
  name: command,
  summary: 'Open a local AMQP port whose connections go to a gateway as you.',
  usage: ['connect wss://HOST/PATH LOGIN [OPTIONS]', 'connect wss://HOST/PATH LOGIN [OPTIONS] -- PROGRAM [ARGUMENTS]'],
  help: `Clients that speak AMQP 0-9-1 over TCP connect there with any user and password. All of them use one login.

Where clients connect:
  --listen HOST:PORT   an address of this machine (127.0.0.1:5672; port 0 takes a free one)
  --unix PATH          instead, a UNIX socket that only you may open
  --listen-any         allows an address that other machines reach: everybody there is you at the gateway
  --local-password-file FILE
                       the password that clients have to use, for machines with several users

LOGIN, who you are:
  --user NAME          whose password is in GATEHOUSE_PASSWORD, or else asked for
  --token-file FILE    a file with a bearer token; read again when it changes
  --token-command CMD  a shell command that prints a bearer token; run again before a token ends
  --login ISSUER --client-id ID [--scope SCOPE]
                       a device login: prints an address and a code for any browser; renewed by a refresh token.
                       Where the provider has no such codes: an address for a browser of this machine
  --negotiate          the Kerberos ticket of this machine; needs the package kerberos
  --cert FILE --key FILE
                       a certificate of yours, alone or beside one of the others
  --ca FILE            the authority of the gateway's certificate, instead of those that Node knows

How it runs:
  --once               ends with the first connection, with its exit code
  -- PROGRAM …         runs the program with AMQP_URL, on a port that nobody else can use, and ends with its exit code
  --status HOST:PORT   answers GET /health with JSON

A client reads a gateway's refusal as connection.close 403, and 320 where the gateway is away for 8 s.
SIGTERM and SIGINT tell all clients (320) and end; a second one drops them.`,
  async run(args, terminal) {
    const end = args.indexOf('--')
    const program = end === -1 ? undefined : args.slice(end + 1)
    const own = end === -1 ? args : args.slice(0, end)
    const { values, positionals } = parseOptions(own, { command, options: OPTIONS, words: 1 })
    if (program?.length === 0) throw new UsageError('connect: expected a program after --', { command })
    const url = gatewayUrl(positionals[0])
    const listen = listenFrom(values, program !== undefined)
    const any = values['listen-any'] === true
    const status = values.status === undefined ? undefined : listenAddress(values.status, '--status', any)
    const login = await inWords(loginFrom(values, url, terminal))
    const first = firstEnd()
    const localPassword = await passwordFrom(values['local-password-file'], program !== undefined)
    const options: ConnectOptions = {
      ...{ url, listen, login, status, localPassword },
      secureContext: secureContextFrom(values),
      write: (line) => complain(terminal, `gatehouse: ${line}`),
      clientEnded: first.ended,
    }
    const connect = await started(options)
    const { address, statusPort } = connect
    complain(terminal, `gatehouse: AMQP clients connect to ${address}; they reach ${url.host} by ${login.kind}`)
    if (statusPort !== undefined) complain(terminal, `gatehouse: GET /health on port ${statusPort}`)
    if (program !== undefined) return await withProgram(connect, program, localPassword, terminal)
    return await untilStopped(connect, values.once === true ? first.end : undefined)
  },
}

function listenFrom({ listen, unix, 'listen-any': any }: Values, hasProgram: boolean): LocalAddress {
  if (unix === undefined) {
    const own = hasProgram ? '127.0.0.1:0' : '127.0.0.1:5672'
    return listenAddress(listen ?? own, '--listen', any === true)
  }
  if (listen !== undefined) throw new UsageError('connect: either --listen or --unix, not both', { command })
  if (unix === '') throw new UsageError('connect: expected --unix PATH', { command })
  if (hasProgram) throw new UsageError('connect: a program gets a port: --unix goes without --', { command })
  return { path: unix }
}

/** A program's way is its own: the password is made for it. */
async function passwordFrom(file: string | undefined, hasProgram: boolean): Promise<Secret | undefined> {
  if (file === undefined) return hasProgram ? new Secret(randomBytes(24).toString('base64url')) : undefined
  return new Secret(await inWords(firstWord(file)))
}

async function started(options: ConnectOptions): Promise<Connect> {
  return await inWords(Connect.start(options))
}

async function inWords<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    throw error instanceof LoginFailed
      ? new CommandFailed(error.message, { code: EXIT.forbidden, cause: error })
      : error
  }
}

async function withProgram(
  connect: Connect,
  program: readonly string[],
  localPassword: Secret | undefined,
  terminal: Terminal,
): Promise<number> {
  const password = encodeURIComponent(localPassword?.reveal().toString() ?? '')
  try {
    return await runChild(program, `amqp://gatehouse:${password}@${connect.address}/`, terminal)
  } finally {
    await connect.close()
  }
}

/** Until a signal, or the end of the first client where one is waited for. */
async function untilStopped(connect: Connect, end: Promise<Farewell> | undefined): Promise<number> {
  let stop = () => {}
  const stopped = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined)
  })
  let stops = 0
  const onStop = () => {
    stops += 1
    if (stops > 1) connect.cut()
    stop()
  }
  process.on('SIGTERM', onStop)
  process.on('SIGINT', onStop)
  try {
    const ended = await Promise.race(end === undefined ? [stopped] : [stopped, end])
    await connect.close()
    return ended === undefined ? EXIT.ok : exitCodeOf(ended)
  } finally {
    process.off('SIGTERM', onStop)
    process.off('SIGINT', onStop)
  }
}

function exitCodeOf({ fault, lost }: Farewell): number {
  if (fault?.code === 'access-refused') return EXIT.forbidden
  return fault !== undefined || lost ? EXIT.failure : EXIT.ok
}

function firstEnd(): { readonly end: Promise<Farewell>; readonly ended: (end: Farewell) => void } {
  let ended: (end: Farewell) => void = () => {}
  const end = new Promise<Farewell>((resolve) => {
    ended = resolve
  })
  return { end, ended: (one) => ended(one) }
}
