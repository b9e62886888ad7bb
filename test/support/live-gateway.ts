/**
 * A gateway in front of a real RabbitMQ, with people, broker users and the log at hand, and, where asked for, a tap
 * between the two that records every byte of the broker leg. The broker itself, by amqplib and its management API, is
 * the judge of what really happened.
 */
import { hashPassword } from '../../auth/index.ts'
import type { BrokerConnection } from '../../src/demo/management.ts'
import type { RabbitOptions } from '../../src/demo/rabbit.ts'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { type ConfigInput, type Gateway, startGateway } from '../../src/index.ts'
import { type AmqplibConnection, type AmqplibOptions, connectAmqplib } from './amqplib-over-websocket.ts'
import { type BrokerUser, TestBroker, testBroker } from './broker.ts'
import { refuseCanariesOf } from './canary.ts'
import { basic, type LogLine, ORIGIN, PASSWORD } from './door.ts'
import { metricAt } from './metric.ts'
import { startTap, type Tap, type TapBehaviour } from './tap.ts'
import { until } from './until.ts'

type ServiceInput = Extract<ConfigInput['services'], readonly unknown[]>[number]

/** What the client says it is, and what no peer behind the gateway may ever hear of. */
export const CLAIMED = {
  username: 'CANARY-claimed-user',
  password: 'CANARY-claimed-password',
  vhost: '/CANARY-claimed-vhost',
} as const

export interface LiveOptions {
  /** Default: the shared broker. It is the live gateway's from here on: `stop` stops it. */
  readonly broker?: TestBroker
  /** Puts a tap between gateway and broker. */
  readonly tap?: TapBehaviour
  readonly origins?: readonly string[]
  /** Added to the one service `/amqp`, or replacing what it says. */
  readonly service?: Partial<ServiceInput>
  readonly drain?: ConfigInput['drain']
}

export class LiveGateway {
  readonly gateway: Gateway
  readonly broker: TestBroker
  readonly lines: readonly LogLine[]
  /** Broker users: `joe.smith` is mapped to `smithj`; `ada` and `bob` share `webuser`; `eve` is nobody's. */
  readonly users: { readonly smithj: BrokerUser; readonly webuser: BrokerUser }
  readonly #tap: Tap | undefined

  constructor(parts: {
    gateway: Gateway
    broker: TestBroker
    lines: readonly LogLine[]
    users: LiveGateway['users']
    tap: Tap | undefined
  }) {
    this.gateway = parts.gateway
    this.broker = parts.broker
    this.lines = parts.lines
    this.users = parts.users
    this.#tap = parts.tap
  }

  /** The tap that was asked for. */
  get tap(): Tap {
    if (this.#tap === undefined) throw new Error('this live gateway was started without a tap')
    return this.#tap
  }

  /** `ws://…/amqp`, or another path. */
  url(path = '/amqp'): string {
    return `${this.gateway.addresses[0]?.url}${path}`
  }

  /** The same by HTTP. */
  http(path: string): string {
    return this.url(path).replace(/^ws/, 'http')
  }

  /** amqplib as one of the people, with invented credentials in AMQP. */
  async connect(subject = 'joe.smith', options: AmqplibOptions = {}): Promise<AmqplibConnection> {
    const { websocket, ...rest } = options
    const headers = { authorization: basic(subject) }
    return connectAmqplib(this.url(), { ...CLAIMED, ...rest, websocket: { headers, ...websocket } })
  }

  /** The first line of an event that is logged and passes the check. */
  async line(event: string, check: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    return until(() => this.lines.find((line) => line['event'] === event && check(line)), `log line ${event}`)
  }

  /** The sum of a metric over its labels, or one series of it: `gatehouse_sessions{service="/amqp"}`. */
  async metric(name: string): Promise<number> {
    return await metricAt(this.gateway.adminAddress, name)
  }

  async stop(): Promise<void> {
    try {
      await refuseCanariesOf(this.gateway, this.lines)
    } finally {
      await this.gateway.close()
      await this.#tap?.close()
      await this.broker.stop()
    }
  }
}

/** The gateway's table in a row of the broker's list; empty while the row misses its details. */
export function gatehouseTable({ client_properties: properties }: BrokerConnection): Record<string, unknown> {
  return (properties?.['gatehouse'] ?? {}) as Record<string, unknown>
}

/** A broker of the caller's own, to be configured, stopped or killed. */
export async function privateBroker(options: Omit<RabbitOptions, 'source'> = {}): Promise<TestBroker> {
  const broker = new TestBroker(await startRabbit({ ...options, source: 'private' }), true)
  await broker.addVhost()
  return broker
}

/**
 * Writes what the broker knows of queues, users and bindings to its disk, which RabbitMQ does in its own time: only then
 * does a kill take nothing of it. Brokers that keep it in Khepri have done so already.
 */
export async function settleOnDisk(broker: TestBroker): Promise<void> {
  await broker.rabbit.evaluate('case mnesia:system_info(is_running) of yes -> mnesia:sync_log(); _ -> ok end.')
}

/** Starts it; nothing is dialled before somebody connects. Call `stop` in `after`. */
export async function startLiveGateway(options: LiveOptions = {}): Promise<LiveGateway> {
  const broker = options.broker ?? (await testBroker())
  const users = { smithj: await broker.user('smithj'), webuser: await broker.user('webuser') }
  const tap = options.tap === undefined ? undefined : await startTap(broker, options.tap)
  const password = await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 })
  const lines: LogLine[] = []
  const config: ConfigInput = {
    listen: { host: '127.0.0.1', port: 0 },
    admin: { port: 0 },
    log: { level: 'debug' },
    brokers: { main: { urls: [tap?.url ?? broker.url], credentials: users } },
    authenticators: {
      staff: {
        type: 'basic',
        realm: 'Staff',
        users: {
          'joe.smith': { password, roles: ['dealer'] },
          ada: { password, roles: ['trader'] },
          bob: { password, roles: ['trader'] },
          eve: { password, roles: [] },
        },
      },
      tickets: { type: 'ticket' },
    },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost: broker.vhost,
        origins: [...(options.origins ?? [ORIGIN])],
        authenticate: ['staff', 'tickets'],
        promote: [
          { when: { subject: 'joe.smith' }, to: 'smithj' },
          { when: { role: 'trader' }, to: 'webuser' },
        ],
        ...options.service,
      },
    ],
    drain: options.drain ?? '0s',
  }
  const logTo = { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) }
  return new LiveGateway({ gateway: await startGateway(config, { logTo }), broker, lines, users, tap })
}
