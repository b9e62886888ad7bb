/** A gateway of several processes, as `gatehouse serve` runs it, in front of a real broker. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashPassword } from '../../auth/index.ts'
import type { ConfigInput } from '../../src/index.ts'
import { type AmqplibConnection, connectAmqplib, UpgradeRefused } from './amqplib-over-websocket.ts'
import type { TestBroker } from './broker.ts'
import { CommandProcess } from './command-process.ts'
import { basic, PASSWORD } from './door.ts'
import { until } from './until.ts'

export interface Answered {
  readonly status: number
  readonly json: Record<string, unknown>
}

/** As the overview shows it. */
export interface WorkerRow {
  readonly number: number
  readonly pid: number
  readonly sessions: number
}

const PEOPLE = ['root', 'ann', 'bob', 'cat', 'dan', 'eve', 'fay'] as const
export type Person = (typeof PEOPLE)[number]

export class WorkerGateway {
  readonly command: CommandProcess
  readonly #folder: string
  readonly #config: ConfigInput

  private constructor(command: CommandProcess, folder: string, config: ConfigInput) {
    this.command = command
    this.#folder = folder
    this.#config = config
  }

  static async start(broker: TestBroker, more: Partial<ConfigInput> = {}): Promise<WorkerGateway> {
    const user = await broker.user('workers')
    const password = await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 })
    const people = PEOPLE.map((name) => [name, { password, roles: 'trader' }] as const)
    const config: ConfigInput = {
      listen: { host: '127.0.0.1', port: 0 },
      admin: { port: 0, authenticate: ['staff'], roles: { administrator: { subject: 'root' } } },
      log: { level: 'debug' },
      workers: 2,
      brokers: {
        main: {
          urls: [broker.url],
          credentials: { user: { username: user.username, password: { env: 'BROKER_PASSWORD' } } },
        },
      },
      authenticators: {
        staff: { type: 'basic', users: Object.fromEntries(people) },
        tickets: { type: 'ticket' },
      },
      services: [
        {
          path: '/amqp',
          broker: 'main',
          vhost: broker.vhost,
          authenticate: ['staff', 'tickets'],
          promote: [{ to: 'user' }],
          limits: { sessionsPerIdentity: 12, perIdentity: { queues: 4 } },
        },
      ],
      drain: '1s',
      ...more,
    }
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-workers-'))
    const file = join(folder, 'gatehouse.yaml')
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
    const command = new CommandProcess(['serve', '-c', file], { BROKER_PASSWORD: user.password })
    const gateway = new WorkerGateway(command, folder, config)
    try {
      await until(() => gateway.#urlOf('admin-started'), 'the gateway', 60_000)
    } catch (error) {
      await gateway.kill()
      throw error
    }
    return gateway
  }

  /** Writes another configuration into the file. */
  write(change: (config: ConfigInput) => unknown): void {
    writeFileSync(join(this.#folder, 'gatehouse.yaml'), JSON.stringify(change(structuredClone(this.#config))))
  }

  /** `ws://…` */
  get url(): string {
    return String(this.#urlOf('gateway-started'))
  }

  async connect(person: Person): Promise<AmqplibConnection> {
    return await connectAmqplib(`${this.url}/amqp`, { websocket: { headers: { authorization: basic(person) } } })
  }

  async connectMany(person: Person, count: number): Promise<readonly AmqplibConnection[]> {
    return await Promise.all(Array.from({ length: count }, () => this.connect(person)))
  }

  /** `in`, or the status of the refusal. */
  async tried(person: Person): Promise<string> {
    try {
      const client = await this.connect(person)
      await client.connection.close()
      await client.closed
      return 'in'
    } catch (error) {
      if (error instanceof UpgradeRefused) return String(error.status)
      throw error
    }
  }

  /** Of a person who may use it. */
  async api(method: string, path: string, body?: unknown): Promise<Answered> {
    const response = await fetch(`${this.#urlOf('admin-started')}/api/v1${path}`, {
      method,
      headers: { authorization: basic('root'), 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, json: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
  }

  /** By the session's id: the number of its worker. */
  async sessions(subject: Person): Promise<ReadonlyMap<string, number>> {
    const { json } = await this.api('GET', `/sessions?subject=${subject}&pageSize=500`)
    const items = json['items'] as readonly { readonly id: string; readonly worker: number }[]
    return new Map(items.map(({ id, worker }) => [id, worker]))
  }

  async workers(): Promise<readonly WorkerRow[]> {
    return (await this.api('GET', '/overview')).json['workers'] as readonly WorkerRow[]
  }

  /** The sum of a metric over its labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.#urlOf('admin-started')}/metrics`)).text()
    const values = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  /** All processes that the primary has started. */
  get children(): readonly number[] {
    const { pid } = this.command
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  }

  async ready(): Promise<number> {
    return (await fetch(`${this.#urlOf('admin-started')}/health/ready`)).status
  }

  async kill(): Promise<void> {
    await this.command.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Ends it as a supervisor does. */
  async stop() {
    this.command.signal('SIGTERM')
    const exit = await this.command.exit()
    rmSync(this.#folder, { recursive: true, force: true })
    return exit
  }

  #urlOf(event: string): unknown {
    return this.command.events().find((line) => line.event === event)?.['url']
  }
}

/** Whether there is such a process, one that has ended and was not waited for left out. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
