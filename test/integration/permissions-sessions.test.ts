/** Replies, identities, refusals in traffic, and rights that end: permissions as a session goes on, against a live broker. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Channel } from 'amqplib'
import { basic } from '../support/door.ts'
import { consume, queueDeclare, text } from '../support/filter-session.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { isClosed, RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

const REPLY_TO = 'amq.rabbitmq.reply-to'
const PERMISSIONS = [
  {
    configure: [{ queue: 'ui.${subject}.*' }],
    write: [{ queue: 'ui.${subject}.*' }, { queue: 'requests' }, { exchange: 'open' }],
    read: [{ queue: 'ui.${subject}.*' }],
  },
  { for: { subject: 'bob' }, read: [{ queue: 'requests' }] },
]

describe('permissions: sessions', () => {
  let live: LiveGateway
  let judge: Channel
  let ada: RawClient
  let bob: RawClient

  before(async () => {
    live = await startLiveGateway({ service: { permissions: PERMISSIONS } })
    judge = await (await live.broker.judge()).createChannel()
    await judge.assertExchange('open', 'fanout')
    for (const queue of ['requests', 'secret', 'ui.ada.1', 'opened']) await judge.assertQueue(queue)
    await judge.bindQueue('opened', 'open', '')
    ada = await RawClient.overWebSocket(live.url(), { authorization: basic('ada') })
    bob = await RawClient.overWebSocket(live.url(), { authorization: basic('bob') })
  })

  after(async () => {
    ada.close()
    bob.close()
    await live.stop()
  })

  it('B18 a server answers to the address it was given, and to no other', async () => {
    assert.ok(!isClosed(await ada.call('basic.consume', consume(REPLY_TO, { noAck: true }), 'basic.consume-ok')))
    assert.ok(!isClosed(await bob.call('basic.consume', consume('requests', { noAck: true }), 'basic.consume-ok')))
    bob.publish('', `${REPLY_TO}.g1h2AA5yZXBseUA4.forged==`)
    const forged = await bob.verdict()
    assert.ok(!isClosed(await bob.call('basic.consume', consume('requests', { noAck: true }), 'basic.consume-ok')))

    ada.publish('', 'requests', { properties: { replyTo: REPLY_TO }, body: 'question' })
    await until(() => bob.bodies.includes('question'))
    const address = bob.replyTos.at(-1) ?? ''
    bob.publish('', address, { body: 'answer' })

    await until(() => ada.bodies.includes('answer'))
    assert.ok(isClosed(forged))
    assert.equal(await bob.verdict(), 'open')
    ada.publish('', address, { body: 'not ours to use' })
    assert.ok(isClosed(await ada.verdict()))
  })

  it('B19 a request asks for no answer where the asker may not read', async () => {
    ada.publish('', 'requests', { properties: { replyTo: 'secret' }, body: 'deputy' })

    const refused = await ada.verdict()

    assert.ok(isClosed(refused))
    assert.match(refused.text, /^ACCESS_REFUSED - reply-to: read on queue 'secret' refused for 'ada'$/)
    ada.publish('', 'requests', { properties: { replyTo: 'ui.ada.1' }, body: 'honest' })
    assert.equal(await ada.verdict(), 'open')
    await until(() => bob.bodies.includes('honest'))
    assert.ok(!bob.bodies.includes('deputy'))
  })

  it('B20 a user-id is one’s own and becomes the broker user’s, or 406', async () => {
    ada.publish('open', '', { properties: { userId: 'ada' }, body: 'mine' })
    ada.publish('open', '', { properties: { userId: live.users.webuser.username }, body: 'mine, too' })
    assert.equal(await ada.verdict(), 'open')
    ada.publish('open', '', { properties: { userId: 'bob' }, body: 'not mine' })
    const refused = await ada.verdict()

    assert.ok(isClosed(refused))
    assert.equal(refused.code, 406)
    assert.doesNotMatch(refused.text, /webuser/)
    for (const body of ['mine', 'mine, too']) {
      const message = await until(() => judge.get('opened', { noAck: true }))
      assert.equal(message.content.toString(), body)
      assert.equal(message.properties.userId, live.users.webuser.username)
    }
    assert.equal(await judge.get('opened'), false)
  })

  it('B35 a consumer tag used twice ends its channel only', async () => {
    await ada.call('basic.consume', consume('ui.ada.1', { consumerTag: 'twice' }), 'basic.consume-ok')

    const twice = await ada.call('basic.consume', consume('ui.ada.1', { consumerTag: 'twice' }), 'basic.consume-ok')

    assert.ok(isClosed(twice))
    assert.deepEqual([twice.refused, twice.code], ['channel.close', 403])
  })

  it('B31 B33 what was confirmed was stored, whatever was refused in between', async () => {
    const confirmed: number[] = []
    for (let round = 0; round < 20; round += 1) {
      await ada.call('confirm.select', { noWait: false }, 'confirm.select-ok')
      // The third is refused: what follows it on the channel is lost with it, and is not confirmed either.
      const [first, second, lost] = [0, 1, 3].map((n) => round * 10 + n)
      let tag = 0
      const confirm = (upTo: number): void => {
        for (; tag < upTo; tag += 1) confirmed.push([first, second, lost][tag] ?? Number.NaN)
      }
      ada.publish('', 'ui.ada.1', { body: String(first) })
      if (round % 2 === 0) confirm(Number((await ada.expect('basic.ack')).deliveryTag))
      ada.publish('', 'ui.ada.1', { body: String(second) })
      ada.publish('', 'secret', { body: 'x'.repeat(100_000) })
      ada.publish('', 'ui.ada.1', { body: String(lost) })
      for (;;) {
        const { name, fields } = await ada.next()
        if (name === 'basic.ack') confirm(Number(fields['deliveryTag']))
        if (name === 'channel.close') break
      }
      ada.send('channel.close-ok', {})
      await ada.openChannel(1)
    }

    const stored: number[] = []
    for (;;) {
      const message = await judge.get('ui.ada.1', { noAck: true })
      if (message === false) break
      stored.push(Number(message.content.toString()))
    }
    assert.ok(confirmed.length >= 10)
    assert.deepEqual(
      confirmed.filter((n) => !stored.includes(n)),
      [],
    )
    assert.equal(await live.broker.queue('secret').then((queue) => queue?.messages), 0)
  })

  it('B26 a refusal on one channel leaves the others their deliveries and confirms', async () => {
    await ada.openChannel(3)
    await ada.call('basic.consume', consume('ui.ada.1', { noAck: true }), 'basic.consume-ok', 3)
    for (let n = 0; n < 50; n += 1) {
      ada.send('queue.declare', queueDeclare('secret'))
      judge.sendToQueue('ui.ada.1', Buffer.from(`delivery ${n}`))
      assert.ok(isClosed(await ada.verdict()))
    }

    await until(() => ada.bodies.filter((body) => body.startsWith('delivery ')).length === 50)

    assert.deepEqual(
      ada.bodies.filter((body) => body.startsWith('delivery ')),
      Array.from({ length: 50 }, (_, n) => `delivery ${n}`),
    )
  })

  it('B21 headers with the gateway’s names do not pass', async () => {
    const headers = [
      { key: 'X-Gatehouse-User', ...text('bob') },
      { key: 'x-gatehouse-user', ...text('bob') },
      { key: 'plain', ...text('kept') },
    ]
    ada.publish('open', '', { properties: { headers }, body: 'headers' })

    const message = await until(() => judge.get('opened', { noAck: true }))

    assert.deepEqual(message.properties.headers, { plain: 'kept' })
  })
})
