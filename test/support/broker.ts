/**
 * The RabbitMQ that tests share: a fresh vhost and fresh users for each test file, and amqplib straight to the broker as
 * the judge of what really happened. The runner hands it on by RABBITMQ_URL; a test file that runs alone starts its own.
 * Tests that configure, stop or kill a broker start one of their own: `startRabbit({ source: 'private' })`.
 */
import { randomBytes } from 'node:crypto'
import { type ChannelModel, connect } from 'amqplib'
import { type BrokerConnection, type BrokerPermission, EVERYTHING } from '../../src/demo/management.ts'
import { type Rabbit, startRabbit } from '../../src/demo/rabbitmq.ts'
import { CANARY, refuseCanaries, withoutUnreadableTokens } from './canary.ts'

export interface BrokerUser {
  readonly username: string
  readonly password: string
}

export interface UserOptions {
  readonly tags?: readonly string[]
  /** In this broker's vhost; `null` for none. Default: everything. */
  readonly permission?: BrokerPermission | null
  readonly password?: string
}

export class TestBroker {
  readonly rabbit: Rabbit
  /** A vhost that only this test file uses. */
  readonly vhost: string
  readonly #suffix: string
  readonly #users: string[] = []
  readonly #vhosts: string[] = []
  readonly #judges = new Set<ChannelModel>()
  readonly #ownsRabbit: boolean

  constructor(rabbit: Rabbit, ownsRabbit: boolean) {
    this.rabbit = rabbit
    this.#ownsRabbit = ownsRabbit
    this.#suffix = randomBytes(4).toString('hex')
    this.vhost = `test-${this.#suffix}`
  }

  get host(): string {
    return this.rabbit.host
  }

  get port(): number {
    return this.rabbit.port
  }

  /** For `brokers.*.urls`: no credentials in it. */
  get url(): string {
    return `amqp://${this.host}:${this.port}`
  }

  /** Adds a broker user; the name gets a suffix of this test file's, because users are the broker's, not the vhost's. */
  async user(name: string, options: UserOptions = {}): Promise<BrokerUser> {
    const username = `${name}-${this.#suffix}`
    const password = options.password ?? `${CANARY}-${randomBytes(12).toString('hex')}`
    this.#users.push(username)
    await this.rabbit.management.addUser(username, password, options.tags)
    const permission = options.permission === undefined ? EVERYTHING : options.permission
    if (permission !== null) await this.rabbit.management.permit(username, this.vhost, permission)
    return { username, password }
  }

  /** Adds one more vhost, in which the administrator may do everything. */
  async addVhost(name = ''): Promise<string> {
    const vhost = `${this.vhost}${name}`
    this.#vhosts.push(vhost)
    await this.rabbit.management.addVhost(vhost)
    await this.rabbit.management.permit(this.rabbit.admin.username, vhost)
    return vhost
  }

  /** amqplib's address for a user, straight to the broker. */
  addressFor({ username, password }: BrokerUser, vhost = this.vhost): string {
    const credentials = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`
    return `amqp://${credentials}@${this.host}:${this.port}/${encodeURIComponent(vhost)}`
  }

  /** An amqplib connection straight to the broker, as the administrator or as somebody; closed by `stop`. */
  async judge(user: BrokerUser = this.rabbit.admin, vhost = this.vhost): Promise<ChannelModel> {
    const connection = await connect(this.addressFor(user, vhost))
    connection.on('error', () => undefined)
    this.#judges.add(connection)
    connection.on('close', () => this.#judges.delete(connection))
    return connection
  }

  /** How many messages wait in a queue, and how many consume from it; undefined when there is no such queue. */
  async queue(name: string, vhost = this.vhost): Promise<{ messages: number; consumers: number } | undefined> {
    const connection = await this.judge(this.rabbit.admin, vhost)
    try {
      const channel = await connection.createChannel()
      channel.on('error', () => undefined)
      const { messageCount, consumerCount } = await channel.checkQueue(name)
      return { messages: messageCount, consumers: consumerCount }
    } catch (error) {
      if ((error as { code?: number }).code === 404) return undefined
      throw error
    } finally {
      await connection.close()
    }
  }

  /** The broker's connections in a vhost, without the judges'. */
  async connections(vhost = this.vhost): Promise<BrokerConnection[]> {
    const all = await this.rabbit.management.connections(vhost)
    return all.filter((connection) => connection.user !== this.rabbit.admin.username)
  }

  /** Removes the vhosts and the users, and ends the broker where it was started for this file alone. Idempotent. */
  async stop(): Promise<void> {
    for (const judge of [...this.#judges]) await judge.close().catch(() => undefined)
    if (this.#ownsRabbit) {
      const log = this.rabbit.log()
      await this.rabbit.stop()
      refuseCanaries('the log of the broker', withoutUnreadableTokens(log))
      return
    }
    for (const vhost of this.#vhosts.splice(0)) await this.rabbit.management.removeVhost(vhost)
    for (const user of this.#users.splice(0)) await this.rabbit.management.removeUser(user)
  }
}

/** The shared broker with a vhost of its own for the caller; call `stop` in `after`. */
export async function testBroker(): Promise<TestBroker> {
  const rabbit = await startRabbit()
  const broker = new TestBroker(rabbit, rabbit.kind !== 'external')
  await broker.addVhost()
  return broker
}
