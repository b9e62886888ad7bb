/** Messages that flow while a broker connection's secret is renewed, and what the broker makes of the one it has. */
import assert from 'node:assert/strict'
import type { AmqplibConnection } from './amqplib-over-websocket.ts'
import { until, within } from './until.ts'

/** Publishes and consumes until told to stop; every message has to arrive, once and in order. */
export class Flow {
  readonly #stopped: Promise<number>
  #isStopping = false
  sent = 0
  received = 0

  constructor(connection: AmqplibConnection['connection'], queue: string) {
    this.#stopped = this.#run(connection, queue)
    this.#stopped.catch(() => undefined)
  }

  async #run(connection: AmqplibConnection['connection'], queue: string): Promise<number> {
    const channel = await connection.createConfirmChannel()
    await channel.assertQueue(queue, { exclusive: true })
    await channel.consume(
      queue,
      (message) => {
        assert.equal(message?.content.toString(), String(this.received))
        this.received++
      },
      { noAck: true },
    )
    while (!this.#isStopping) {
      channel.sendToQueue(queue, Buffer.from(String(this.sent++)))
      await channel.waitForConfirms()
    }
    await until(() => this.received === this.sent, 'all messages')
    return this.sent
  }

  /** Resolves when a message that was sent from now on has come back. */
  async goesOn(): Promise<void> {
    const before = this.sent
    await Promise.race([until(() => this.received > before, 'more messages'), this.#stopped])
  }

  async stop(): Promise<number> {
    this.#isStopping = true
    return within(this.#stopped, 'the flow of messages')
  }
}

/** Declares a queue of a new name, which the broker judges by the token it has now: 0, or the reply code. */
export async function declares(connection: AmqplibConnection['connection']): Promise<number> {
  const channel = await connection.createChannel()
  const closed = new Promise<number>((resolve) => {
    channel.once('error', (error: { code?: number }) => resolve(error.code ?? -1))
  })
  const declared = channel.assertQueue(`new-${Math.random()}`, { exclusive: true }).then(
    () => 0,
    () => closed,
  )
  return within(declared, 'queue.declare')
}

/** How often a broker has taken a fresh secret on a connection through a tap. */
export const updates = (connection: { readonly fromTarget: Buffer }): number =>
  connection.fromTarget.toString('latin1').split('\x01\0\0\0\0\0\x04\0\x0a\0\x47\xce').length - 1
