/** A consumer that does not read, in front of a broker that has much to say: little is held, nothing is lost or reordered. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ConsumeMessage } from 'amqplib'
import type { AmqplibConnection } from '../support/amqplib-over-websocket.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { until, within } from '../support/until.ts'

/** More than the sockets of both legs hold together. */
const MESSAGES = 8_000
const BODY_BYTES = 8_000
/** The high watermark, one read of the broker's socket and one frame. */
const HELD_BYTES_MAX = 256 * 1024 + 64 * 1024 + 128 * 1024

function body(n: number): Buffer {
  const bytes = Buffer.alloc(BODY_BYTES, n % 251)
  bytes.writeUInt32BE(n)
  return bytes
}

describe('a slow consumer', () => {
  let live: LiveGateway
  before(async () => {
    live = await startLiveGateway()
    const judge = await live.broker.judge()
    const channel = await judge.createConfirmChannel()
    for (const queue of ['firehose', 'deserted']) {
      await channel.assertQueue(queue)
      for (let n = 0; n < MESSAGES; n++) channel.sendToQueue(queue, body(n))
    }
    await channel.waitForConfirms()
    await judge.close()
  })
  after(() => live.stop())

  /** A consumer whose socket is not read once its first message was. */
  async function stalled(queue: string): Promise<{ client: AmqplibConnection; received: number[]; waiting: number }> {
    const client = await live.connect('ada')
    const channel = await client.connection.createChannel()
    const received: number[] = []
    const onMessage = (message: ConsumeMessage | null) => {
      if (received.length === 0) client.socket.pause()
      const { content } = message as ConsumeMessage
      const n = content.readUInt32BE()
      if (!content.equals(body(n))) throw new Error(`message ${n} is not what was published`)
      received.push(n)
    }
    await channel.consume(queue, onMessage, { noAck: true })
    return { client, received, waiting: await settled(queue) }
  }

  /** The number of messages that stay with the broker when nothing moves any more. */
  async function settled(queue: string): Promise<number> {
    const judge = await live.broker.judge()
    const channel = await judge.createChannel()
    let last = -1
    let same = 0
    await until(
      async () => {
        const { messageCount } = await channel.checkQueue(queue)
        same = messageCount === last ? same + 1 : 0
        last = messageCount
        return same === 30
      },
      'a standstill',
      30_000,
    )
    await judge.close()
    return last
  }

  it('D9 leaves most of a firehose with the broker, is held little for, and gets all of it in order in the end', async () => {
    const { client, received, waiting } = await stalled('firehose')

    assert.ok(waiting > MESSAGES / 10, `${waiting} of ${MESSAGES} messages are still with the broker`)
    const held = await live.metric('gatehouse_buffered_bytes')
    assert.ok(held > 128 * 1024 && held <= HELD_BYTES_MAX, `${held} bytes are held`)

    client.socket.resume()
    await until(() => received.length === MESSAGES, 'all messages', 30_000)
    assert.deepEqual(
      received,
      Array.from({ length: MESSAGES }, (_, n) => n),
    )
    await client.connection.close()
    await until(async () => (await live.metric('gatehouse_buffered_bytes')) === 0, 'nothing held')
  })

  it('does not slow down others, and is gone at once when it goes', async () => {
    const { client } = await stalled('deserted')

    const other = await live.connect('bob')
    const channel = await other.connection.createConfirmChannel()
    const { queue } = await channel.assertQueue('', { exclusive: true })
    for (let n = 0; n < 200; n++) channel.sendToQueue(queue, body(n))
    await within(channel.waitForConfirms(), "the others' confirms", 5_000)
    await other.connection.close()

    client.socket.terminate()
    await until(() => live.gateway.sessionCount === 0, 'no session')
    await until(async () => (await live.broker.queue('deserted'))?.consumers === 0, 'no consumer')
    assert.equal(await live.metric('gatehouse_buffered_bytes'), 0)
  })
})
