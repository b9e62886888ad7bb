/**
 * `gatehouse demo`: a private RabbitMQ, a gateway in front of it, and a page in which one logs in and sees who the broker
 * thinks one is. Everything is on loopback unless told otherwise, and everything it started ends with it.
 */
import { startGateway } from '../gateway/gateway.ts'
import type { Gateway } from '../gateway/ports.ts'
import { LOOPBACK, namesOf, tryPort } from './addresses.ts'
import { PageServer } from './page-server.ts'
import {
  demoConfig,
  demoSecrets,
  EXCHANGE,
  OPERATORS,
  PEOPLE,
  prepareBroker,
  SERVICE,
  tidyBroker,
  VHOST,
} from './people.ts'
import { type Rabbit, startRabbit } from './rabbitmq.ts'

const DEFAULT_PORT = 8080

export interface DemoOptions {
  /** Where page and gateway listen. Default 127.0.0.1. */
  readonly host?: string
  /** The page's port; 0 takes a free one. Default 8080. */
  readonly port?: number
  /** The gateway's port; 0, the default, takes a free one. */
  readonly gatewayPort?: number
  /** The port of the gateway's console; 0, the default, takes a free one. */
  readonly adminPort?: number
  /** Told what happens and, at the end, the URL and the users. Default: standard output. */
  readonly say?: (line: string) => void
  readonly env?: NodeJS.ProcessEnv
  /** An existing broker, which the demo leaves running. */
  readonly rabbit?: Rabbit
}

export interface Demo {
  /** The page. */
  readonly url: string
  /** The gateway's service, `ws://127.0.0.1:…/amqp`. */
  readonly webSocketUrl: string
  /** Where operators look at the gateway. */
  readonly consoleUrl: string
  readonly rabbit: Rabbit
  /** Ends page, gateway and broker, and removes what they made. Idempotent. */
  close(): Promise<void>
}

/** Starts the demo. @throws with a text for whoever typed the command; nothing is left behind then. */
export async function startDemo(options: DemoOptions = {}): Promise<Demo> {
  const say = options.say ?? ((line: string) => process.stdout.write(`${line}\n`))
  const env = options.env ?? process.env
  const endings: (() => Promise<void>)[] = []
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= endInTurn(endings)
    return closing
  }

  try {
    const { host = LOOPBACK, port = DEFAULT_PORT, gatewayPort = 0, adminPort = 0 } = options
    const page = await PageServer.start(host, port)
    endings.unshift(() => page.close())
    await tryPort('the gateway', { host, port: gatewayPort }, '--gateway-port')
    await tryPort('the console', { host, port: adminPort }, '--admin-port')
    const rabbit = options.rabbit ?? (await startBroker(say, env))
    if (options.rabbit === undefined) endings.unshift(() => rabbit.stop())
    const users = await prepareBroker(rabbit)
    if (options.rabbit !== undefined || rabbit.kind === 'external') endings.unshift(() => tidyBroker(rabbit))

    const log = new LogLines()
    const config = await demoConfig(rabbit, page.origins, { host, port: gatewayPort, adminPort })
    const gateway = await startGateway(config, { env: demoSecrets(users), logTo: log })
    endings.unshift(() => gateway.close())
    const address = gatewayUrls(gateway, host)
    page.serve(answers(rabbit, address, log), [address.http, address.webSocket])

    const demo = { url: page.url, webSocketUrl: `${address.webSocket}${SERVICE}`, consoleUrl: address.console }
    announce(say, demo)
    return { ...demo, rabbit, close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * The command: runs until SIGINT or SIGTERM, then ends everything; resolves with the exit code. A signal before the demo
 * is up, or a second one, ends the process at once; what it started ends with it all the same.
 */
export async function runDemo(options: DemoOptions = {}): Promise<number> {
  let stop: () => void = () => process.exit(130)
  const onSignal = () => stop()
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    const demo = await startDemo(options)
    await new Promise<void>((resolve) => {
      stop = () => {
        stop = () => process.exit(130)
        resolve()
      }
    })
    await demo.close()
    return 0
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

async function startBroker(say: (line: string) => void, env: NodeJS.ProcessEnv): Promise<Rabbit> {
  say('Starting RabbitMQ …')
  const rabbit = await startRabbit({ env })
  say(`RabbitMQ ${rabbit.version} is up (${KINDS[rabbit.kind]}).`)
  return rabbit
}

const KINDS = {
  external: 'the one at RABBITMQ_URL',
  node: 'private, on loopback, in a temporary folder',
  container: 'private, in a container, on loopback',
} as const

interface GatewayUrls {
  readonly http: string
  readonly webSocket: string
  readonly console: string
}

function gatewayUrls({ addresses: [address], adminAddress }: Gateway, host: string): GatewayUrls {
  if (address === undefined || adminAddress === undefined) throw new Error('the gateway listens nowhere')
  const [name] = namesOf(host)
  const authority = `${name}:${address.port}`
  const console = `http://${name}:${adminAddress.port}/console/`
  return { http: `http://${authority}`, webSocket: `ws://${authority}`, console }
}

/** What the page asks its server for. */
function answers(rabbit: Rabbit, address: GatewayUrls, log: LogLines) {
  return {
    '/demo.json': () => ({
      gateway: address.http,
      webSocket: `${address.webSocket}${SERVICE}`,
      service: SERVICE,
      exchange: EXCHANGE,
      broker: `RabbitMQ ${rabbit.version}`,
      people: PEOPLE,
      console: address.console,
      operators: OPERATORS,
    }),
    '/broker/connections': async () => {
      const connections = await rabbit.management.connections(VHOST)
      return connections.map(({ name, user, client_properties }) => ({
        name: client_properties?.['connection_name'] ?? name,
        user,
        gatehouse: client_properties?.['gatehouse'] ?? null,
      }))
    },
    '/gateway/log': () => log.lines,
  }
}

function announce(
  say: (line: string) => void,
  { url, webSocketUrl, consoleUrl }: Pick<Demo, 'url' | 'webSocketUrl' | 'consoleUrl'>,
): void {
  const width = Math.max(...PEOPLE.map(({ name }) => name.length))
  say('')
  say(`  Open ${url}`)
  say('')
  say(`  Log in as (password: ${PEOPLE[0]?.password ?? ''})`)
  for (const { name, becomes, note } of PEOPLE)
    say(`    ${name.padEnd(width)}  →  ${(becomes ?? 'refused').padEnd(8)} ${note}`)
  say('')
  say(`  Operators look at ${consoleUrl}`)
  for (const { name, role } of OPERATORS) say(`    ${name.padEnd(width)}  is ${role}`)
  say('')
  say(`  The gateway listens at ${webSocketUrl}. Ctrl-C ends everything.`)
}

/** The last lines of the gateway's log, for the page to show. */
class LogLines {
  readonly #kept: string[] = []

  get lines(): readonly string[] {
    return this.#kept
  }

  write(line: string): void {
    this.#kept.push(line.trim())
    if (this.#kept.length > 100) this.#kept.shift()
  }
}

async function endInTurn(endings: readonly (() => Promise<void>)[]): Promise<void> {
  const errors: unknown[] = []
  for (const end of endings) await end().catch((error: unknown) => errors.push(error))
  if (errors.length > 0) throw new AggregateError(errors, 'the demo did not end cleanly')
}
