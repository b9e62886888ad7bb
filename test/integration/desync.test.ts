/**
 * What might set gateway and broker at odds about names, tags and the ends of messages: bytes that are no text, letters that
 * look alike, sessions that end inside a message. Against a live broker; what queues hold is the judge.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import { consume, queueDeclare, text } from '../support/filter-session.ts'
import { type PermissionGateway, startPermissionGateway } from '../support/permission-gateway.ts'
import { isClosed, type RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

let live: PermissionGateway
let joe: RawClient

before(async () => {
  const mine = [{ queue: 'caf\u00e9.1' }, { queue: 'mine.*' }]
  live = await startPermissionGateway({ '/amqp': { permissions: [{ configure: mine, write: mine, read: mine }] } })
  for (const queue of ['mine.1', 'mine.2', 'secret']) await live.judge.assertQueue(queue)
})

beforeEach(async () => {
  joe = await live.connect('joe')
  for (const queue of ['mine.1', 'mine.2']) await live.judge.purgeQueue(queue)
})

after(() => live.stop())

async function depth(queue: string): Promise<number> {
  return (await live.judge.checkQueue(queue)).messageCount
}

/** A publish whose header announces this many bytes, and the first of them. */
function halfPublished(bodyBytes: number, sent: number): Buffer {
  return Buffer.concat([
    methodFrame(1, 'basic.publish', { exchange: '', routingKey: 'mine.1', mandatory: false, immediate: false }),
    frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: bodyBytes })),
    frame(FRAME_BODY, 1, Buffer.alloc(sent, 'x')),
  ])
}

describe('names', () => {
  it('B9 C18 that are no text end the connection, and nothing of the message arrives', async () => {
    const publish = methodFrame(1, 'basic.publish', {
      exchange: '',
      routingKey: 'mine.1',
      mandatory: false,
      immediate: false,
    })
    publish[publish.indexOf('mine.1') + 5] = 0xff
    const bystander = await live.connect('jane')

    joe.write(Buffer.concat([publish, frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: 0 }))]))

    const answer = await joe.answer('basic.qos-ok', 0)
    assert.deepEqual(isClosed(answer) && [answer.refused, answer.code], ['connection.close', 502])
    assert.equal(await bystander.verdict(), 'open')
    assert.equal(await depth('mine.1'), 0)
  })

  for (const [what, name] of [
    ['a Cyrillic letter', 'm\u0456ne.1'],
    ['a dot that is none', 'mine\u20241'],
    ['the other Unicode form', 'cafe\u0301.1'],
    ['a blank behind it', 'caf\u00e9.1 '],
    ['another case', 'Mine.1'],
    ['an invisible character before it', '\u200bmine.1'],
  ] as const) {
    it(`B10 that look alike are other names: ${what}`, async () => {
      const declared = await joe.call('queue.declare', queueDeclare(name), 'queue.declare-ok')
      joe.publish('', name)
      const published = await joe.verdict()

      assert.equal(isClosed(declared) && declared.code, 403)
      assert.equal(isClosed(published) && published.code, 403)
      assert.equal(await live.broker.queue(name), undefined)
    })
  }
})

describe('headers that other parties reserve', () => {
  it('B22 pass as they came: only the names of the gateway’s own say something about the publisher', async () => {
    const headers = [
      { key: 'x-amqp-1.0-app-properties', ...text('odd') },
      { key: 'x-first-death-queue', ...text('made up') },
      { key: 'X-GateHouse-Anything', ...text('forged') },
    ]

    joe.publish('', 'mine.1', { properties: { headers } })

    const { properties } = await until(() => live.judge.get('mine.1', { noAck: true }))
    const passed: Record<string, unknown> = { ...properties.headers }
    assert.equal(passed['x-amqp-1.0-app-properties'], 'odd')
    assert.equal(passed['x-first-death-queue'], 'made up')
    assert.ok(!Object.keys(passed).some((key) => /gatehouse/i.test(key)))
  })
})

describe('delivery tags', () => {
  it('B29 of one session acknowledge nothing of another, not even with the same broker user', async () => {
    const jane = await live.connect('jane')
    for (const queue of ['mine.1', 'mine.2']) live.judge.sendToQueue(queue, Buffer.from(queue))
    await until(async () => (await depth('mine.1')) + (await depth('mine.2')) === 2)
    await jane.call('basic.consume', consume('mine.2'), 'basic.consume-ok')
    await jane.expect('basic.deliver')
    await joe.call('basic.consume', consume('mine.1'), 'basic.consume-ok')
    await joe.expect('basic.deliver')

    joe.send('basic.ack', { deliveryTag: 0n, multiple: true })
    assert.equal(await joe.verdict(), 'open')
    joe.send('basic.ack', { deliveryTag: 1n, multiple: false })
    const unknown = await joe.verdict()

    assert.deepEqual(isClosed(unknown) && [unknown.refused, unknown.code], ['channel.close', 406])
    assert.equal(await jane.verdict(), 'open')
    jane.close()
    await until(async () => (await depth('mine.2')) === 1)
    assert.equal(await depth('mine.1'), 0)
  })
})

describe('messages', () => {
  it('C28 whose publisher is gone in the middle are not there, those before are', async () => {
    joe.publish('', 'mine.1', { body: 'whole' })
    joe.write(halfPublished(200_000, 100_000))
    assert.equal(await until(() => depth('mine.1')), 1)

    joe.close()

    await live.event('session-ended', ({ reason }) => reason === 'client-lost')
    assert.equal(await depth('mine.1'), 1)
  })

  it('C26 whose publisher closes the connection in the middle are not there, and the close is answered', async () => {
    joe.write(halfPublished(200_000, 100_000))

    await joe.call(
      'connection.close',
      { replyCode: 200, replyText: '', classId: 0, methodId: 0 },
      'connection.close-ok',
      0,
    )
    joe.write(frame(FRAME_BODY, 1, Buffer.alloc(100_000, 'x')))

    await until(() => joe.isClosed)
    assert.equal(await depth('mine.1'), 0)
  })

  it('C32 are stored in the order in which they were sent, over all queues and sizes', async () => {
    const count = 5_000
    for (let n = 0; n < count; n += 1) {
      const body = `${n}:${'x'.repeat(n % 100 === 0 ? 150_000 : n % 7)}`
      joe.publish('', 'mine.1', {
        body,
        properties: n % 3 === 0 ? { headers: [{ key: 'CC', type: 'A', value: [text('mine.2')] }] } : {},
      })
    }
    assert.equal(await joe.verdict(), 'open')
    await until(async () => (await depth('mine.1')) === count, 'all messages', 60_000)

    const numbers: number[] = []
    for (;;) {
      const message = await live.judge.get('mine.1', { noAck: true })
      if (message === false) break
      numbers.push(Number(message.content.toString('latin1', 0, 8).split(':')[0]))
    }
    assert.deepEqual(
      numbers,
      Array.from({ length: count }, (_, n) => n),
    )
  })
})
