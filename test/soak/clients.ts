/** The load: publishers with confirms and consumers with acknowledgements, which come back after every fault. */
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import type { Ledger } from './ledger.ts'

export const QUEUE = 'soak'

const AUTHORIZATION = `Basic ${Buffer.from('soak:soak').toString('base64')}`
/** Unconfirmed messages of one publisher. */
const WINDOW = 200
const PAUSE_MS = 200

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MS))

export class Load {
  readonly #url: (id: number) => string
  readonly #ledger: Ledger
  /** How often a client had to connect. */
  connects = 0
  readonly #clients: Promise<void>[] = []
  #publishing = true
  #consuming = true

  /** @param url where a client goes, by its number */
  constructor(url: (id: number) => string, ledger: Ledger) {
    this.#url = url
    this.#ledger = ledger
  }

  start(publishers: number, consumers: number): void {
    for (let id = 1; id <= publishers; id++)
      this.#clients.push(
        this.#again(
          () => this.#publishing,
          () => this.#publish(id),
        ),
      )
    for (let id = 1; id <= consumers; id++)
      this.#clients.push(
        this.#again(
          () => this.#consuming,
          () => this.#consume(id),
        ),
      )
  }

  stopPublishing(): void {
    this.#publishing = false
  }

  async stop(): Promise<void> {
    this.#publishing = false
    this.#consuming = false
    await Promise.all(this.#clients)
  }

  async #again(goesOn: () => boolean, once: () => Promise<void>): Promise<void> {
    while (goesOn()) {
      // Whatever ended it is a fault of the run's own making: the ledger says whether it did harm.
      await once().catch(() => undefined)
      if (goesOn()) await pause()
    }
  }

  async #connect(id: number) {
    const connected = await connectAmqplib(this.#url(id), { websocket: { headers: { authorization: AUTHORIZATION } } })
    this.connects++
    return connected
  }

  async #publish(id: number): Promise<void> {
    const { connection, closed, socket } = await this.#connect(id)
    let isOpen = true
    void closed.then(() => {
      isOpen = false
    })
    const channel = await connection.createConfirmChannel()
    channel.on('error', () => undefined)
    let waiting = 0
    while (this.#publishing && isOpen) {
      const message = this.#ledger.next(id)
      const body = Buffer.alloc(16 + (waiting % 7) * 900, 'x')
      waiting++
      channel.sendToQueue(QUEUE, body, { persistent: true, messageId: message }, (error: unknown) => {
        waiting--
        if (error === null || error === undefined) this.#ledger.confirm(message)
      })
      if (waiting >= WINDOW || socket.bufferedAmount > 1_000_000) await new Promise((resolve) => setTimeout(resolve, 5))
      else if (waiting % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    if (isOpen) await connection.close()
  }

  async #consume(id: number): Promise<void> {
    const { connection, closed } = await this.#connect(id)
    const channel = await connection.createChannel()
    channel.on('error', () => undefined)
    await channel.prefetch(100)
    const latest = new Map<number, number>()
    await channel.consume(QUEUE, (message) => {
      if (message === null) return
      this.#ledger.deliver(String(message.properties.messageId), message.fields.redelivered, latest)
      channel.ack(message)
    })
    const stopped = setInterval(() => {
      if (!this.#consuming) void connection.close().catch(() => undefined)
    }, PAUSE_MS)
    await closed
    clearInterval(stopped)
  }
}
