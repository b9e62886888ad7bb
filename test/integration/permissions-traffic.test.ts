/**
 * Refusals at random during heavy traffic both ways on 64 channels of one session: a client that is strict about frames
 * never sees one out of place, what was confirmed was stored, deliveries keep their order, other channels go on, and the
 * broker never complains.
 *
 * Some seconds by default; `npm run test:traffic` takes a minute. The client is not amqplib, which itself sends frames out of
 * place when a channel is closed under it, straight at a broker, too.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Channel } from 'amqplib'
import { basic } from '../support/door.ts'
import { consume } from '../support/filter-session.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { Dice } from '../support/permission-script.ts'
import { RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

const SECONDS = Number(process.env['TRAFFIC_SECONDS'] ?? 4)
const PUBLISHERS = Array.from({ length: 56 }, (_, n) => n + 1)
const CONSUMERS = Array.from({ length: 8 }, (_, n) => n + 100)
const STORES = ['mine.store.0', 'mine.store.1', 'mine.store.2', 'mine.store.3']
const BODY_BYTES = [0, 1, 100, 5_000, 200_000]

let live: LiveGateway
let judge: Channel
let ada: RawClient

before(async () => {
  const mine = [{ queue: 'mine.*' }]
  live = await startLiveGateway({ service: { permissions: [{ configure: mine, write: mine, read: mine }] } })
  judge = await (await live.broker.judge()).createChannel()
  for (const queue of [...STORES, ...CONSUMERS.map(readBy), 'secret']) await judge.assertQueue(queue)
  ada = await RawClient.overWebSocket(live.url(), { authorization: basic('ada') })
})

after(async () => {
  ada.close()
  await live.stop()
})

function readBy(channel: number): string {
  return `mine.read.${channel}`
}

/** Publishes until it is refused, opens the channel again, and so on. Keeps what was confirmed; counts refusals. */
async function publisher(channel: number, untilMs: number, confirmed: Set<string>): Promise<number> {
  const dice = new Dice(channel)
  if (channel !== 1) await ada.openChannel(channel)
  let refusals = 0
  for (let message = 0; performance.now() < untilMs; refusals += 1) {
    await ada.call('confirm.select', { noWait: false }, 'confirm.select-ok', channel)
    const ids: string[] = []
    const refusedAt = dice.roll(20)
    for (let n = 0; n < 20; n += 1) {
      const body = 'x'.repeat(dice.pick(BODY_BYTES))
      if (n === refusedAt) ada.publish('', 'secret', { channel, body })
      else {
        // What comes behind the refused one is sent all the same, as by a client that does not know yet.
        const messageId = `${channel}-${message++}`
        if (n < refusedAt) ids.push(messageId)
        ada.publish('', dice.pick(STORES), { channel, body, properties: { messageId } })
      }
    }
    await untilClosed(channel, ids, confirmed)
  }
  return refusals
}

async function untilClosed(channel: number, ids: readonly string[], confirmed: Set<string>): Promise<void> {
  let tag = 0
  for (;;) {
    const { name, fields } = await ada.next(channel)
    if (name === 'channel.close') return ada.reopen(channel)
    assert.equal(name, 'basic.ack')
    const upTo = Number(fields['deliveryTag'])
    if (fields['multiple'] !== true) tag = upTo - 1
    for (; tag < upTo; tag += 1) confirmed.add(ids[tag] ?? `channel ${channel}: nothing was published as ${tag + 1}`)
  }
}

/** The ids of every message of a queue. */
async function stored(queue: string, ids: Set<string>): Promise<void> {
  for (;;) {
    const message = await judge.get(queue, { noAck: true })
    if (message === false) return
    ids.add(String(message.properties.messageId))
  }
}

describe('refusals in heavy traffic', () => {
  it('C21 C22 C23 C25 B31 no frame out of place, nothing confirmed that was not stored, order kept', async (test) => {
    const logged = live.broker.rabbit.log().length
    for (const channel of CONSUMERS) {
      await ada.openChannel(channel)
      await ada.call('basic.consume', consume(readBy(channel), { noAck: true }), 'basic.consume-ok', channel)
    }
    const confirmed = new Set<string>()
    const untilMs = performance.now() + SECONDS * 1000
    let sent = 0
    const feeding = (async (): Promise<void> => {
      while (performance.now() < untilMs) {
        for (let burst = 0; burst < 20; burst += 1, sent += 1) {
          for (const channel of CONSUMERS) judge.sendToQueue(readBy(channel), Buffer.from(String(sent)))
        }
        await judge.checkQueue('secret')
      }
    })()

    const refusals = await Promise.all(PUBLISHERS.map((channel) => publisher(channel, untilMs, confirmed)))
    await feeding

    const received = (): string[][] => CONSUMERS.map((channel) => ada.bodiesOf.get(channel) ?? [])
    await until(() => received().every((bodies) => bodies.length === sent), 'all deliveries', 30_000)
    const inOrder = Array.from({ length: sent }, (_, n) => String(n))
    for (const bodies of received()) assert.deepEqual(bodies, inOrder)
    const ids = new Set<string>()
    for (const queue of STORES) await stored(queue, ids)
    assert.deepEqual(
      [...confirmed].filter((id) => !ids.has(id)),
      [],
    )
    assert.ok(refusals.every((count) => count > 0))
    const refused = refusals.reduce((sum, count) => sum + count, 0)
    const delivered = sent * CONSUMERS.length
    test.diagnostic(`${refused} refusals, ${confirmed.size} confirmed, ${ids.size} stored, ${delivered} delivered`)
    assert.equal((await judge.checkQueue('secret')).messageCount, 0)
    assert.ok(!ada.isClosed)
    assert.doesNotMatch(
      live.broker.rabbit.log().slice(logged),
      /frame_error|unexpected_frame|syntax_error|channel_error/,
    )
  })
})
