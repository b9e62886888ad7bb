/** The load of `npm run bench:reload`: sessions that publish with confirms, one message at a time, and remember what was confirmed. */
import type { ConfirmChannel } from 'amqplib'
import { type AmqplibConnection, connectAmqplib } from '../support/amqplib-over-websocket.ts'

/** So many connect at once. */
const AT_ONCE = 16

export class Publisher {
  readonly client: AmqplibConnection
  readonly confirmed: string[] = []
  readonly waitsMs: number[] = []
  readonly #channel: ConfirmChannel
  readonly #name: string
  #count = 0
  #hasFailed = false

  private constructor(name: string, client: AmqplibConnection, channel: ConfirmChannel) {
    this.#name = name
    this.client = client
    this.#channel = channel
    const failed = () => {
      this.#hasFailed = true
    }
    channel.on('error', failed)
    void client.closed.then(failed)
  }

  static async connect(url: string, name: string): Promise<Publisher> {
    const client = await connectAmqplib(url, { deadlineMs: 120_000 })
    return new Publisher(name, client, await client.connection.createConfirmChannel())
  }

  /** Whether its session or its channel has ended, which no reload of this run may do. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** One message to the queue, and its confirm. */
  async publish(queue: string): Promise<void> {
    const id = `${this.#name}-${this.#count++}`
    const sinceMs = performance.now()
    await new Promise<void>((resolve) => {
      this.#channel.publish('', queue, Buffer.from(id), {}, (error: unknown) => {
        if (!error) this.confirmed.push(id)
        resolve()
      })
    })
    this.waitsMs.push(performance.now() - sinceMs)
  }

  /** Whether it may read the queue from now on: a passive declaration, on a channel of its own. */
  async mayRead(queue: string): Promise<boolean> {
    const channel = await this.client.connection.createChannel()
    channel.on('error', () => undefined)
    try {
      await channel.checkQueue(queue)
      await channel.close()
      return true
    } catch {
      return false
    }
  }
}

/** All of them in order, some at a time. */
export async function connectAll(count: number, urlOf: (index: number) => string): Promise<Publisher[]> {
  const publishers = new Map<number, Publisher>()
  let next = 0
  const workers = Array.from({ length: AT_ONCE }, async () => {
    while (next < count) {
      const index = next++
      publishers.set(index, await Publisher.connect(urlOf(index), `p${index}`))
    }
  })
  await Promise.all(workers)
  return [...publishers].sort(([one], [other]) => one - other).map(([, publisher]) => publisher)
}
