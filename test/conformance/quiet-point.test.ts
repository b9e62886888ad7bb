/** Sessions that are ended at a quiet point: what they wait for, and what passes meanwhile. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import type { EndRequest } from '../../proxy/index.ts'
import { consume } from '../support/filter-session.ts'
import { Rig, type RigOptions } from '../support/session-rig.ts'
import { until } from '../support/until.ts'

const REQUEST: EndRequest = {
  reason: 'drain',
  code: 'connection-forced',
  explanation: 'the gateway asks to reconnect',
  closeCode: 1012,
}
/** Longer than any of these tests. */
const LONG_MS = 60_000
/** Of the body frame of a message of six bytes. */
const BODY_BYTES = 14

const ANSWERS: RigOptions = {
  script: {
    on: ({ name, channel, fields }, broker) => {
      if (name === 'confirm.select') broker.send('confirm.select-ok', {}, channel)
      else if (name === 'tx.select') broker.send('tx.select-ok', {}, channel)
      else if (name === 'basic.consume')
        broker.send('basic.consume-ok', { consumerTag: String(fields['consumerTag']) }, channel)
      else if (name === 'basic.cancel')
        broker.send('basic.cancel-ok', { consumerTag: String(fields['consumerTag']) }, channel)
      else return false
      return true
    },
  },
}

const publish = (channel: number, text = ''): Buffer =>
  Buffer.concat([
    methodFrame(channel, 'basic.publish', { exchange: 'x', routingKey: 'k', mandatory: false, immediate: false }),
    frame(FRAME_HEADER, channel, encodeContentHeader({ bodySize: text.length })),
    ...(text === '' ? [] : [frame(FRAME_BODY, channel, Buffer.from(text))]),
  ])

const delivery = (channel: number, deliveryTag: number, text = '', consumerTag = 't'): Buffer =>
  Buffer.concat([
    methodFrame(channel, 'basic.deliver', {
      consumerTag,
      deliveryTag: BigInt(deliveryTag),
      redelivered: false,
      exchange: '',
      routingKey: 'q',
    }),
    frame(FRAME_HEADER, channel, encodeContentHeader({ bodySize: text.length })),
    ...(text === '' ? [] : [frame(FRAME_BODY, channel, Buffer.from(text))]),
  ])

function ack(rig: Rig, deliveryTag: number, multiple = false, channel = 1): void {
  rig.send('basic.ack', { deliveryTag: BigInt(deliveryTag), multiple }, channel)
}

async function consuming(how: Partial<ReturnType<typeof consume>> = {}): Promise<Rig> {
  const rig = await Rig.relaying(ANSWERS, 1)
  rig.send('basic.consume', consume('q', { consumerTag: 't', ...how }), 1)
  await rig.client.method('basic.consume-ok')
  return rig
}

async function confirming(): Promise<Rig> {
  const rig = await Rig.relaying(ANSWERS, 1)
  rig.send('confirm.select', { noWait: false }, 1)
  await rig.client.method('confirm.select-ok')
  return rig
}

/** Everything the broker has sent so far has been dealt with. */
async function settled(rig: Rig): Promise<void> {
  rig.broker.send('connection.blocked', { reason: 'a sign' })
  await rig.client.method('connection.blocked')
  rig.broker.send('connection.unblocked', {})
  await rig.client.method('connection.unblocked')
}

/** It has not ended, though everything that was sent has been dealt with. */
async function assertGoesOn(rig: Rig): Promise<void> {
  await settled(rig)
  assert.ok(!rig.client.names().includes('connection.close'), rig.client.names().join(' '))
}

async function assertEnds(rig: Rig, at: 'quiet' | 'deadline' = 'quiet'): Promise<void> {
  const close = await rig.client.method('connection.close')
  assert.deepEqual(
    [close.fields.replyCode, close.fields.replyText],
    [320, 'CONNECTION_FORCED - the gateway asks to reconnect'],
  )
  rig.send('connection.close-ok', {})
  assert.equal((await rig.closed).code, 1012)
  const end = await rig.ended
  assert.deepEqual([end.at, end.reason], [at, 'drain'])
  await rig.stop()
}

describe('the end at a quiet point', () => {
  it('is at once where nothing is half done, before the session is open too', async () => {
    const opening = await Rig.open(ANSWERS)
    opening.session.endAtQuietPoint(REQUEST, LONG_MS)
    await opening.stop()
    assert.equal((await opening.ended).at, 'quiet')

    const rig = await Rig.relaying(ANSWERS, 1)
    rig.session.endAtQuietPoint(REQUEST, LONG_MS)
    await assertEnds(rig)
  })

  it('waits for the end of a message that the client has begun', async () => {
    const rig = await Rig.relaying(ANSWERS, 1, 2)
    const message = publish(1, 'abcdef')
    rig.write(message.subarray(0, -BODY_BYTES))

    rig.session.endAtQuietPoint(REQUEST, LONG_MS)

    await assertGoesOn(rig)
    // Where another message begins before the end of this one, it passes: this one is behind it.
    rig.write(Buffer.concat([publish(2), message.subarray(-BODY_BYTES)]))
    await assertEnds(rig)
    await until(() => rig.broker.record.bytes.includes('abcdef'))
    assert.equal(rig.broker.record.names().filter((name) => name === 'basic.publish').length, 2)
  })

  it('waits for the end of a message that the broker has begun', async () => {
    const rig = await Rig.relaying({ script: { on: ({ name }) => name === 'basic.cancel' } }, 1)
    rig.send('basic.consume', consume('q', { consumerTag: 't', noAck: true, noWait: true }), 1)
    await rig.broker.record.method('basic.consume')
    const message = delivery(1, 1, 'abcdef')
    rig.broker.write(message.subarray(0, -BODY_BYTES))
    await rig.client.method('basic.deliver')

    rig.session.endAtQuietPoint(REQUEST, LONG_MS)
    await rig.broker.record.method('basic.cancel')
    rig.broker.write(message.subarray(-BODY_BYTES))
    await assertGoesOn(rig)
    rig.broker.send('basic.cancel-ok', { consumerTag: 't' }, 1)

    await assertEnds(rig)
    assert.ok(rig.client.bytes.includes('abcdef'))
  })

  it('waits for confirms, and holds back what is published meanwhile with everything behind it', async () => {
    const rig = await confirming()
    rig.write(Buffer.concat([publish(1), publish(1), publish(1)]))
    await until(() => rig.broker.record.names().filter((name) => name === 'basic.publish').length === 3)

    rig.session.endAtQuietPoint(REQUEST, LONG_MS)
    rig.write(publish(1, 'too late'))
    assert.ok(rig.paused)
    rig.broker.send('basic.ack', { deliveryTag: 2n, multiple: true }, 1)
    await assertGoesOn(rig)
    rig.broker.send('basic.nack', { deliveryTag: 3n, multiple: false, requeue: false }, 1)

    await assertEnds(rig)
    assert.deepEqual(
      rig.client.names().filter((name) => name === 'basic.ack' || name === 'basic.nack'),
      ['basic.ack', 'basic.nack'],
    )
    assert.ok(!rig.broker.record.bytes.includes('too late'))
  })

  it('asks the broker for no more, hands on what is on its way, and waits for acknowledgements', async () => {
    const rig = await consuming()
    rig.broker.write(Buffer.concat([delivery(1, 1), delivery(1, 2)]))
    await settled(rig)

    rig.session.endAtQuietPoint(REQUEST, LONG_MS)
    rig.broker.write(delivery(1, 3, 'on its way'))
    await rig.broker.record.method('basic.cancel')
    await settled(rig)
    assert.ok(rig.client.bytes.includes('on its way'))
    ack(rig, 3)
    ack(rig, 1)
    await assertGoesOn(rig)
    rig.send('basic.reject', { deliveryTag: 2n, requeue: true }, 1)

    await assertEnds(rig)
    for (const name of ['basic.cancel', 'basic.cancel-ok']) assert.ok(!rig.client.names().includes(name as never), name)
  })

  it('lets a publish pass that an acknowledgement waits for: none overtakes it', async () => {
    const rig = await consuming()
    rig.send('confirm.select', { noWait: false }, 1)
    await rig.client.method('confirm.select-ok')
    rig.broker.write(delivery(1, 1))
    await settled(rig)

    rig.session.endAtQuietPoint(REQUEST, LONG_MS)
    rig.write(publish(1, 'the answer'))
    await until(() => rig.broker.record.bytes.includes('the answer'))
    rig.broker.send('basic.ack', { deliveryTag: 1n, multiple: false }, 1)
    await assertGoesOn(rig)
    ack(rig, 1)

    await assertEnds(rig)
  })

  it('knows which consumers of a channel acknowledge', async () => {
    const rig = await consuming()
    rig.send('basic.consume', consume('q', { consumerTag: 'no-ack', noAck: true }), 1)
    await rig.client.method('basic.consume-ok')
    rig.broker.write(Buffer.concat([delivery(1, 1, '', 'no-ack'), delivery(1, 2), delivery(1, 3, '', 'no-ack')]))
    await settled(rig)
    rig.session.endAtQuietPoint(REQUEST, LONG_MS)
    await assertGoesOn(rig)
    ack(rig, 2)
    await assertEnds(rig)
  })

  it('waits for the answer to a basic.get and its acknowledgement, and begins no other', async () => {
    const rig = await Rig.relaying(ANSWERS, 1)
    const get = { queue: 'q', noAck: false }
    rig.send('basic.get', get, 1)
    rig.session.endAtQuietPoint(REQUEST, LONG_MS)
    await assertGoesOn(rig)
    rig.broker.write(
      Buffer.concat([
        methodFrame(1, 'basic.get-ok', {
          deliveryTag: 1n,
          redelivered: false,
          exchange: '',
          routingKey: 'q',
          messageCount: 0,
        }),
        frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: 0 })),
      ]),
    )
    await assertGoesOn(rig)
    rig.write(
      Buffer.concat([
        methodFrame(1, 'basic.ack', { deliveryTag: 1n, multiple: false }),
        methodFrame(1, 'basic.get', { reserved1: 0, ...get }),
      ]),
    )
    await assertEnds(rig)
    assert.equal(rig.broker.record.names().filter((name) => name === 'basic.get').length, 1)
  })

  it('lets a transaction come to its end, and waits for the answer', async () => {
    const rig = await Rig.relaying(ANSWERS, 1)
    rig.send('tx.select', {}, 1)
    await rig.client.method('tx.select-ok')
    rig.write(publish(1))
    rig.session.endAtQuietPoint(REQUEST, LONG_MS)
    rig.write(publish(1, 'the second of two'))
    await until(() => rig.broker.record.bytes.includes('the second of two'))
    rig.write(Buffer.concat([methodFrame(1, 'tx.commit', {}), publish(1, 'of the next')]))
    await rig.broker.record.method('tx.commit')
    await assertGoesOn(rig)
    rig.broker.send('tx.commit-ok', {}, 1)
    await assertEnds(rig)
    assert.ok(!rig.broker.record.bytes.includes('of the next'))
  })

  it('is sure of nothing that was acknowledged in a transaction and rolled back', async () => {
    const rig = await consuming()
    rig.send('tx.select', {}, 1)
    await rig.client.method('tx.select-ok')
    rig.broker.write(delivery(1, 1))
    await settled(rig)
    ack(rig, 1)
    rig.send('tx.rollback', {}, 1)
    await rig.broker.record.method('tx.rollback')
    rig.broker.send('tx.rollback-ok', {}, 1)
    await rig.client.method('tx.rollback-ok')
    rig.session.endAtQuietPoint(REQUEST, 200)
    await assertEnds(rig, 'deadline')
  })

  it('takes messages that are asked for again for settled', async () => {
    const rig = await consuming()
    rig.broker.write(delivery(1, 1))
    await settled(rig)
    rig.send('basic.recover', { requeue: true }, 1)
    rig.session.endAtQuietPoint(REQUEST, LONG_MS)
    await assertEnds(rig)
  })

  it('D50 is at the deadline for who never acknowledges, with whole frames', async () => {
    const rig = await consuming()
    rig.broker.write(delivery(1, 1))
    await settled(rig)
    const startedMs = performance.now()
    rig.session.endAtQuietPoint(REQUEST, 300)
    await assertEnds(rig, 'deadline')
    assert.ok(performance.now() - startedMs >= 295)
  })

  it('gives way to any other end', async () => {
    const rig = await consuming()
    rig.broker.write(delivery(1, 1))
    await settled(rig)
    rig.session.endAtQuietPoint(REQUEST, LONG_MS)
    rig.session.end({ ...REQUEST, reason: 'kicked', closeCode: 4403 })
    rig.send('connection.close-ok', {})
    assert.equal((await rig.closed).code, 4403)
    const end = await rig.ended
    assert.deepEqual([end.at, end.reason], [undefined, 'kicked'])
    await rig.stop()
  })

  it('leaves consumers of direct replies: a publish that asks for one would be refused', async () => {
    const rig = await consuming()
    rig.send('basic.consume', consume('amq.rabbitmq.reply-to', { consumerTag: 'replies', noAck: true }), 1)
    await rig.client.method('basic.consume-ok')
    rig.session.endAtQuietPoint(REQUEST, LONG_MS)
    await assertEnds(rig)
    const cancels = rig.broker.record.frames.filter(({ name }) => name === 'basic.cancel')
    assert.deepEqual(
      cancels.map(({ fields }) => fields['consumerTag']),
      ['t'],
    )
  })

  it('cancels a consumer that was asked for before, once the broker has started it', async () => {
    const rig = await Rig.relaying({ script: { on: ({ name }) => name === 'basic.consume' } }, 1)
    rig.send('basic.consume', consume('q', { consumerTag: '' }), 1)
    await rig.broker.record.method('basic.consume')
    rig.session.endAtQuietPoint(REQUEST, LONG_MS)
    await assertGoesOn(rig)
    rig.broker.send('basic.consume-ok', { consumerTag: 'named' }, 1)
    assert.equal((await rig.broker.record.method('basic.cancel')).fields.consumerTag, 'named')
    await assertGoesOn(rig)
    rig.broker.send('basic.cancel-ok', { consumerTag: 'named' }, 1)
    await assertEnds(rig)
  })

  it('waits for the answer to a channel.close of the client’s, and owes nothing of that channel', async () => {
    const rig = await Rig.relaying({ script: { on: ({ name }) => name === 'channel.close' } }, 1)
    rig.send('confirm.select', { noWait: true }, 1)
    rig.write(publish(1))
    rig.send('channel.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 }, 1)
    rig.session.endAtQuietPoint(REQUEST, LONG_MS)
    await assertGoesOn(rig)
    rig.broker.send('channel.close-ok', {}, 1)
    await assertEnds(rig)
  })
})
