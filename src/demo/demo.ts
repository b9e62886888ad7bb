/**
 * `gatehouse demo`: a private RabbitMQ, a gateway in front of it, and a page in which one logs in and sees who the broker
 * thinks one is. Everything is on loopback unless told otherwise, and everything it started ends with it.
 */
import { startGateway } from '../gateway/gateway.ts'
import type { Gateway } from '../gateway/ports.ts'
import { LOOPBACK, namesOf, tryGatewayPort } from './addresses.ts'
import { PageServer } from './page-server.ts'
import { demoConfig, demoSecrets, EXCHANGE, PEOPLE, prepareBroker, SERVICE, tidyBroker, VHOST } from './people.ts'
import { type Rabbit, startRabbit } from './rabbitmq.ts'

const DEFAULT_PORT = 8080

export interface DemoOptions {
  /** Where page and gateway listen. Default 127.0.0.1. */
  readonly host?: string
  /** The page's port; 0 takes a free one. Default 8080. */
  readonly port?: number
  /** The gateway's port; 0, the default, takes a free one. */
  readonly gatewayPort?: number
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
    const { host = LOOPBACK, port = DEFAULT_PORT, gatewayPort = 0 } = options
    const page = await PageServer.start(host, port)
    endings.unshift(() => page.close())
    await tryGatewayPort(host, gatewayPort)
    const rabbit = options.rabbit ?? (await startBroker(say, env))
    if (options.rabbit === undefined) endings.unshift(() => rabbit.stop())
    const users = await prepareBroker(rabbit)
    if (options.rabbit !== undefined || rabbit.kind === 'external') endings.unshift(() => tidyBroker(rabbit))

    const log = new LogLines()
    const config = await demoConfig(rabbit, page.origins, { host, port: gatewayPort })
    const gateway = await startGateway(config, { env: demoSecrets(users), logTo: log })
    endings.unshift(() => gateway.close())
    const address = gatewayUrls(gateway, host)
    page.serve(answers(rabbit, address, log), [address.http, address.webSocket])

    announce(say, page.url, `${address.webSocket}${SERVICE}`)
    return { url: page.url, webSocketUrl: `${address.webSocket}${SERVICE}`, rabbit, close }
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

function gatewayUrls(gateway: Gateway, host: string): { http: string; webSocket: string } {
  const [address] = gateway.addresses
  if (address === undefined) throw new Error('the gateway listens nowhere')
  const authority = `${namesOf(host)[0]}:${address.port}`
  return { http: `http://${authority}`, webSocket: `ws://${authority}` }
}

/** What the page asks its server for. */
function answers(rabbit: Rabbit, address: { http: string; webSocket: string }, log: LogLines) {
  return {
    '/demo.json': () => ({
      gateway: address.http,
      webSocket: `${address.webSocket}${SERVICE}`,
      service: SERVICE,
      exchange: EXCHANGE,
      broker: `RabbitMQ ${rabbit.version}`,
      people: PEOPLE,
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

function announce(say: (line: string) => void, url: string, webSocketUrl: string): void {
  const width = Math.max(...PEOPLE.map(({ name }) => name.length))
  say('')
  say(`  Open ${url}`)
  say('')
  say(`  Log in as (password: ${PEOPLE[0]?.password ?? ''})`)
  for (const { name, becomes, note } of PEOPLE)
    say(`    ${name.padEnd(width)}  →  ${(becomes ?? 'refused').padEnd(8)} ${note}`)
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
