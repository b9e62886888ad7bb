/**
 * Channels that are closed from two sides at once, with a distance on both legs, against a live broker and with amqplib as
 * the client: what happens on one channel costs no other its connection.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Channel, ChannelModel } from 'amqplib'
import type { AmqplibConnection } from '../support/amqplib-over-websocket.ts'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { basic } from '../support/door.ts'
import { CLAIMED, type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { startTap, type Tap } from '../support/tap.ts'
import { until, within } from '../support/until.ts'

/** One way, on each leg. */
const DELAY_MS = 7
/** Longer than a frame takes to the broker and back. */
const LONGEST_PAUSE_MS = 40
const ROUNDS = Number(process.env['CROSSING_ROUNDS'] ?? 50)
const QUEUES = ['busy-1', 'busy-2', 'busy-3']

let live: LiveGateway
let front: Tap

before(async () => {
  live = await startLiveGateway({
    tap: { delayMs: DELAY_MS, records: false },
    service: {
      permissions: [
        {
          configure: [{ queue: '*' }],
          read: [{ queue: '*' }],
          write: [{ queue: '*' }, { exchange: 'amq.fanout' }],
        },
      ],
    },
  })
  const { hostname, port } = new URL(live.url())
  front = await startTap({ host: hostname, port: Number(port) }, { delayMs: DELAY_MS, records: false })
  const judge = await (await live.broker.judge()).createChannel()
  for (const queue of QUEUES) {
    await judge.assertQueue(queue)
    for (let count = 0; count < 100; count++) judge.sendToQueue(queue, Buffer.alloc(100))
  }
})

after(async () => {
  await front.close()
  await live.stop()
})

/** amqplib, far away from a gateway that is far away from its broker. */
async function connectFar(): Promise<AmqplibConnection> {
  return connectAmqplib(`ws://${front.host}:${front.port}/amqp`, {
    ...CLAIMED,
    websocket: { headers: { authorization: basic('joe.smith') } },
  })
}

/** A channel whose errors are no surprise. */
async function channelOf(connection: ChannelModel): Promise<{ channel: Channel; closed: Promise<unknown> }> {
  const channel = await within(connection.createChannel(), 'a channel')
  channel.on('error', () => undefined)
  return { channel, closed: new Promise((resolve) => channel.once('close', resolve)) }
}

/** Consumes, and acknowledges each message, for as long as the channel lives. */
async function keepBusy(channel: Channel, queue: string): Promise<{ readonly seen: number }> {
  const count = { seen: 0 }
  let isOpen = true
  channel.once('close', () => {
    isOpen = false
  })
  channel.once('error', () => {
    isOpen = false
  })
  await within(channel.prefetch(5), 'the prefetch')
  const consumed = channel.consume(queue, (message) => {
    count.seen++
    if (message !== null && isOpen) channel.nack(message, false, true)
  })
  await within(consumed, `a consumer of ${queue}`)
  return count
}

describe('closings that cross, at a distance', () => {
  it('C23 a publish is refused, and the client closes the channel before it knows: other channels live', async () => {
    const { connection, errors } = await connectFar()
    const { channel: bystander } = await channelOf(connection)
    await within(bystander.checkQueue('busy-1'), 'the answer on the channel that lives')

    for (let round = 0; round < ROUNDS; round++) {
      const { channel } = await channelOf(connection)
      channel.publish('amq.topic', 'forbidden', Buffer.from('x'))
      await pause((round * LONGEST_PAUSE_MS) / ROUNDS)
      await within(
        Promise.resolve(channel.close()).catch(() => undefined),
        'the end of the channel',
      )
    }

    await within(bystander.checkQueue('busy-1'), 'the answer on the channel that lives')
    assert.deepEqual(errors, [])
    await within(connection.close(), 'the end of the connection')
  })

  it('C23 the broker closes a channel with busy consumers, on a connection with others: they live', async () => {
    const { connection, errors } = await connectFar()
    const { channel: bystander } = await channelOf(connection)
    const others = await keepBusy(bystander, 'busy-1')

    for (let round = 0; round < ROUNDS; round++) {
      // amqplib may send the open of a number before the close-ok for the last channel that had it, which no broker takes:
      // by the answer on another channel that has gone out.
      await within(bystander.checkQueue('busy-1'), 'the answer on the channel that lives')
      const { channel, closed } = await channelOf(connection)
      const [one, other] = [await keepBusy(channel, 'busy-2'), await keepBusy(channel, 'busy-3')]
      await until(() => one.seen + other.seen > 0, 'deliveries')
      const missing = channel.checkQueue('no-such-queue').catch((error: Error) => error.message)
      // Half of them are closed by their client, too, some before it knows, some after.
      if (round % 2 === 1) {
        await pause((round * LONGEST_PAUSE_MS) / ROUNDS)
        await within(
          new Promise((resolve) => resolve(channel.close())).catch(() => undefined),
          'the end of the channel',
        )
      } else {
        assert.match(String(await within(missing, 'the exception')), /404/)
        await within(closed, 'the end of the channel')
      }
    }

    const { seen } = others
    await until(() => others.seen > seen, 'deliveries on the channel that lives')
    assert.deepEqual(errors, [])
    await within(connection.close(), 'the end of the connection')
  })

  it('C23 what is tried is what happened: no session ended but by its client', () => {
    const ends = live.lines.filter((line) => line['event'] === 'session-ended')
    assert.deepEqual(new Set(ends.map((line) => line['reason'])), new Set(['client-closed']))
  })
})
