/**
 * A gateway in front of a fake broker that records every dial, with two users, tickets and the log at hand: for what is
 * decided before and around a session. And HTTP written byte by byte, for requests that no client library sends.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { hashPassword } from '../../auth/index.ts'
import { type ConfigInput, type Gateway, startGateway } from '../../src/index.ts'
import { refuseCanariesOf } from './canary.ts'
import { type FakeBroker, type FakeBrokerOptions, startFakeBroker } from './fake-broker.ts'
import { metricAt } from './metric.ts'
import { until, within } from './until.ts'

export const ORIGIN = 'https://app.example.com'
export const PASSWORD = 'CANARY-password-of-joe'
export const BROKER_PASSWORD = 'CANARY-password-of-smithj'

type ServiceInput = Extract<ConfigInput['services'], readonly unknown[]>[number]

export interface DoorOptions {
  readonly broker?: FakeBrokerOptions
  /** Added to the one service `/amqp`, or replacing what it says. */
  readonly service?: Partial<ServiceInput>
  readonly moreServices?: readonly ServiceInput[]
  readonly listen?: ConfigInput['listen']
  readonly admin?: ConfigInput['admin']
  readonly basePath?: string
  readonly basePathStripped?: boolean
  readonly authenticators?: ConfigInput['authenticators']
  readonly drain?: ConfigInput['drain']
  /** The file in which blocks are kept. */
  readonly blocks?: string
  /** More nodes of the broker, behind the fake one; how they are probed. */
  readonly moreNodes?: readonly string[]
  readonly probe?: { readonly every?: string; readonly timeout?: string }
  readonly level?: 'info' | 'debug'
  /** What it shares with others. */
  readonly state?: ConfigInput['state']
}

export type LogLine = Readonly<Record<string, unknown>>

export class Door {
  readonly gateway: Gateway
  readonly broker: FakeBroker
  readonly lines: LogLine[]

  constructor(gateway: Gateway, broker: FakeBroker, lines: LogLine[]) {
    this.gateway = gateway
    this.broker = broker
    this.lines = lines
  }

  get port(): number {
    return this.gateway.addresses[0]?.port ?? 0
  }

  /** `ws://…/amqp`, or another path. */
  url(path = '/amqp'): string {
    return `${this.gateway.addresses[0]?.url}${path}`
  }

  /** The same by HTTP. */
  http(path: string): string {
    return this.url(path).replace(/^ws/, 'http')
  }

  /** The first line of an event that is logged and passes the check. */
  async line(event: string, check: (line: LogLine) => boolean = () => true): Promise<LogLine> {
    return await until(() => this.lines.find((line) => line['event'] === event && check(line)), `log line ${event}`)
  }

  /** The sum of a metric over its labels, or one series of it: `gatehouse_sessions{service="/amqp"}`. */
  async metric(name: string): Promise<number> {
    return await metricAt(this.gateway.adminAddress, name)
  }

  /** The configuration of a door like this one, for a reload. */
  async configOf(options: DoorOptions): Promise<ConfigInput> {
    return await doorConfig(this.broker.url, options)
  }

  async stop(): Promise<void> {
    try {
      await refuseCanariesOf(this.gateway, this.lines)
    } finally {
      await this.gateway.close()
      await this.broker.close()
    }
  }
}

/** @param t the test it is for: it stops the door also when it fails, else the process would never end */
export async function startDoor(options: DoorOptions = {}, t?: TestContext): Promise<Door> {
  const broker = await startFakeBroker(options.broker)
  t?.after(() => broker.close())
  const lines: LogLine[] = []
  const config = await doorConfig(broker.url, options)
  const logTo = { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) }
  const gateway = await startGateway(config, { logTo }).catch(async (error: unknown) => {
    // Nobody gets a door to stop.
    await broker.close()
    throw error
  })
  const door = new Door(gateway, broker, lines)
  t?.after(() => door.stop())
  return door
}

/** Made once, so that two configurations have the same users. */
const HASH = hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 })

async function doorConfig(brokerUrl: string, options: DoorOptions = {}): Promise<ConfigInput> {
  const password = await HASH
  return {
    listen: options.listen ?? { port: 0 },
    admin: options.admin ?? { port: 0 },
    log: { level: options.level ?? 'debug' },
    basePath: options.basePath,
    basePathStripped: options.basePathStripped,
    state: options.state,
    brokers: {
      main: {
        urls: [brokerUrl, ...(options.moreNodes ?? [])],
        probe: options.probe ?? {},
        credentials: {
          smithj: { username: 'smithj', password: BROKER_PASSWORD },
          other: { username: 'other', password: BROKER_PASSWORD },
        },
      },
    },
    authenticators: {
      staff: {
        type: 'basic',
        realm: 'Staff',
        users: { 'joe.smith': { password, roles: ['trader'] }, guest: { password, roles: [] } },
      },
      tickets: { type: 'ticket' },
      ...options.authenticators,
    },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost: '/',
        origins: [ORIGIN],
        authenticate: ['staff', 'tickets'],
        promote: [{ when: { subject: 'joe.smith' }, to: 'smithj' }],
        ...options.service,
      },
      ...(options.moreServices ?? []),
    ],
    drain: options.drain ?? '0s',
    blocks: options.blocks,
  }
}

/** An Authorization header's value. */
export function basic(user = 'joe.smith', password = PASSWORD): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

export interface RawAnswer {
  readonly status: number
  /** Lower-case names; values of a repeated header in order. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly body: string
}

/** Sends bytes as they are and reads one HTTP answer. With `hold`, the socket stays open. */
export async function sendRaw(port: number, bytes: string): Promise<RawAnswer & { readonly socket: Socket }> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  let text = ''
  socket.setEncoding('latin1')
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (chunk: string) => {
      text += chunk
      if (isWhole(text)) resolve()
    })
    socket.once('close', () => resolve())
  })
  socket.write(bytes, 'latin1')
  await within(answered, 'an HTTP answer')
  return { ...parseAnswer(text), socket }
}

/** An upgrade request as text. `without` names headers to leave out; `more` are added as they are. */
export function upgradeRequest(
  path = '/amqp',
  { without = [], more = [], line }: { without?: string[]; more?: [string, string][]; line?: string } = {},
): string {
  const headers: [string, string][] = [
    ['Host', '127.0.0.1'],
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ]
  const kept = [...headers.filter(([name]) => !without.includes(name)), ...more]
  const lines = [line ?? `GET ${path} HTTP/1.1`, ...kept.map(([name, value]) => `${name}: ${value}`)]
  return `${lines.join('\r\n')}\r\n\r\n`
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return false
  const length = /^content-length: (\d+)/im.exec(text.slice(0, end))
  return length === null || text.length >= end + 4 + Number(length[1])
}

function parseAnswer(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = new Map<string, string[]>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()])
  }
  return { status: Number(first.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n') }
}
