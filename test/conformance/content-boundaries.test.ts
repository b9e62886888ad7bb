/** A channel that is to be closed, or a consumer that has lost its right, while a content is on its way in either direction. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import type { FilterOf, SessionView } from '../../proxy/filters/filter.ts'
import { ChannelFault, type Filter } from '../../proxy/index.ts'
import { Rig } from '../support/session-rig.ts'

const PUBLISH = { exchange: '', routingKey: 'q', mandatory: false, immediate: false }
const LOST = new ChannelFault('access-refused', 'the right has ended')
const CLOSE = { replyCode: 404, replyText: 'NOT_FOUND', classId: 60, methodId: 40 }
const CONSUME = {
  queue: 'q',
  consumerTag: 'c',
  noLocal: false,
  noAck: false,
  exclusive: false,
  noWait: false,
  arguments: [],
}
/** Answers nothing on channels but what opens them. */
const SILENT = { on: ({ name }: { name: string | undefined }) => name === 'channel.close' }

const header = (bodySize: number): Buffer => encodeContentHeader({ bodySize })
const deliver = (consumerTag: string, deliveryTag = 1n): Buffer =>
  Buffer.concat([
    methodFrame(1, 'basic.deliver', { consumerTag, deliveryTag, redelivered: false, exchange: '', routingKey: 'q' }),
    frame(FRAME_HEADER, 1, header(1)),
    frame(FRAME_BODY, 1, Buffer.from('x')),
  ])

/** Does something to the session at its next tick, once. */
function atTick(act: (session: SessionView) => void): Filter {
  const filter: FilterOf<{ session: SessionView; isDone: boolean }> = {
    name: 'once',
    checks: {
      tick: (_nowMs, state) => {
        if (!state.isDone) act(state.session)
        state.isDone = true
      },
    },
    start: (session) => ({ session, isDone: false }),
  }
  return filter
}
const closing = (): Filter => atTick((session) => session.closeChannel(1, LOST))
const cancelling = (): Filter => atTick((session) => session.cancelConsumer(1, 'c', LOST))

/** Has begun a message of two bytes on channel 1, of which one is with the broker. */
async function midContent(filter: Filter): Promise<Rig> {
  const rig = await Rig.relaying({ script: SILENT, filters: [filter] }, 1, 2)
  rig.send('basic.consume', CONSUME, 1)
  rig.write(
    Buffer.concat([
      methodFrame(1, 'basic.publish', PUBLISH),
      frame(FRAME_HEADER, 1, header(2)),
      frame(FRAME_BODY, 1, Buffer.from('a')),
    ]),
  )
  await rig.broker.record.frame(FRAME_BODY)
  return rig
}

/** Everything that the broker has sent until now is with the client. */
async function settled(rig: Rig): Promise<void> {
  rig.broker.send('basic.qos-ok', {}, 2)
  assert.equal((await rig.client.method('basic.qos-ok')).channel, 2)
}

const onChannel = (rig: Rig, side: 'client' | 'broker', number = 1): string[] =>
  (side === 'client' ? rig.client : rig.broker.record).frames
    .filter(({ channel }) => channel === number)
    .map(({ name, type }) => name ?? `frame ${type}`)

describe('a channel that the gateway closes in the middle of the client’s content', () => {
  it('B36 delivers nothing from that moment on; the broker is told when the content is complete', async () => {
    const rig = await midContent(closing())

    rig.session.tick(1)
    rig.broker.write(deliver('c'))
    await settled(rig)
    assert.deepEqual(onChannel(rig, 'client'), ['channel.open-ok', 'channel.close'])
    assert.ok(!onChannel(rig, 'broker').includes('channel.close'))
    rig.content(FRAME_BODY, 1, Buffer.from('b'))
    rig.send('channel.close-ok', {}, 1)

    await rig.broker.record.method('channel.close')
    assert.deepEqual(onChannel(rig, 'broker').slice(-3), ['frame 3', 'frame 3', 'channel.close'])
    await rig.stop()
  })

  it('B36 ends the session when the content does not end', async () => {
    const rig = await midContent(closing())

    rig.session.tick(1)
    rig.session.tick(9_000)
    assert.ok(!rig.client.names().includes('connection.close'))
    rig.session.tick(10_001)

    const { fields } = await rig.client.method('connection.close')
    assert.deepEqual(
      [fields.replyCode, fields.replyText],
      [320, 'CONNECTION_FORCED - a message was begun and not finished in time'],
    )
    rig.send('connection.close-ok', {})
    assert.equal((await rig.closed).code, 1008)
    assert.equal((await rig.ended).reason, 'client-fault')
    rig.broker.close()
  })

  it('C6 is a connection exception for a client that answers in the middle of it, as RabbitMQ has it', async () => {
    const rig = await midContent(closing())
    rig.session.tick(1)

    rig.send('channel.close-ok', {}, 1)

    assert.equal((await rig.client.method('connection.close')).fields.replyCode, 505)
    rig.send('connection.close-ok', {})
    await rig.ended
    rig.broker.close()
  })

  it('C23 answers a close of the broker’s instead, when it comes first', async () => {
    const rig = await midContent(closing())
    rig.session.tick(1)
    rig.broker.send('channel.close', CLOSE, 1)
    await settled(rig)

    rig.content(FRAME_BODY, 1, Buffer.from('b'))
    rig.send('channel.close-ok', {}, 1)
    rig.send('channel.open', {}, 1)

    await rig.broker.record.method('channel.close-ok')
    await rig.client.method('channel.open-ok')
    assert.ok(!onChannel(rig, 'broker').includes('channel.close'))
    assert.deepEqual(onChannel(rig, 'client'), ['channel.open-ok', 'channel.close', 'channel.open-ok'])
    await rig.stop()
  })
})

describe('a channel that the broker closes in the middle of the client’s content', () => {
  it('C6 gets the rest of the content before the close-ok, as RabbitMQ puts it together also then', async () => {
    const rig = await midContent(atTick(() => undefined))
    rig.broker.send('channel.close', CLOSE, 1)
    await rig.client.method('channel.close')

    rig.content(FRAME_BODY, 1, Buffer.from('b'))
    rig.send('channel.close-ok', {}, 1)

    await rig.broker.record.method('channel.close-ok')
    assert.deepEqual(onChannel(rig, 'broker').slice(-3), ['frame 3', 'frame 3', 'channel.close-ok'])
    await rig.stop()
  })

  it('has as long for the rest as it would have without the gateway', async () => {
    const rig = await midContent(atTick(() => undefined))
    rig.broker.send('channel.close', CLOSE, 1)
    await rig.client.method('channel.close')

    for (const nowMs of [1, 12_001, 24_001]) rig.session.tick(nowMs)

    assert.ok(!rig.client.names().includes('connection.close'))
    await rig.stop()
  })
})

describe('a consumer that has lost its right', () => {
  it('B36 gets nothing from that moment on; its messages go back, and the client is told when the broker says it is gone', async () => {
    const rig = await Rig.relaying({ filters: [cancelling()] }, 1, 2)
    rig.send('basic.consume', CONSUME, 1)
    await rig.broker.record.method('basic.consume')
    rig.broker.send('basic.consume-ok', { consumerTag: 'c' }, 1)
    rig.broker.write(deliver('c', 1n))
    await rig.client.frame(FRAME_BODY)

    rig.session.tick(1)
    rig.broker.write(Buffer.concat([deliver('c', 2n), deliver('other', 3n)]))
    assert.equal((await rig.broker.record.method('basic.reject')).fields.deliveryTag, 2n)
    rig.broker.send('basic.cancel-ok', { consumerTag: 'c' }, 1)

    await rig.client.method('basic.cancel')
    const delivered = rig.client.frames.filter(({ name }) => name === 'basic.deliver')
    assert.deepEqual(
      delivered.map(({ fields }) => fields['deliveryTag']),
      [1n, 3n],
    )
    assert.ok(!onChannel(rig, 'client').includes('basic.cancel-ok'))
    await rig.stop()
  })

  it('B36 in the middle of the client’s content: the broker is told at its end, or the session ends', async () => {
    for (const isFinished of [true, false]) {
      const rig = await midContent(cancelling())
      rig.session.tick(1)
      rig.broker.write(deliver('c'))
      await settled(rig)
      assert.deepEqual(onChannel(rig, 'client'), ['channel.open-ok'])

      if (isFinished) {
        rig.content(FRAME_BODY, 1, Buffer.from('b'))
        await rig.broker.record.method('basic.reject')
        assert.deepEqual(onChannel(rig, 'broker').slice(-3), ['frame 3', 'basic.cancel', 'basic.reject'])
      } else {
        rig.session.tick(10_001)
        await rig.client.method('connection.close')
      }
      await rig.stop()
    }
  })

  it('keeps its answer to a cancel of the client’s own, and may use the tag again', async () => {
    const rig = await Rig.relaying({ filters: [cancelling()] }, 1, 2)
    rig.send('basic.consume', CONSUME, 1)
    rig.send('basic.cancel', { consumerTag: 'c', noWait: false }, 1)
    rig.send('basic.consume', CONSUME, 1)
    rig.session.tick(1)
    await rig.broker.record.method('basic.cancel')

    rig.broker.send('basic.consume-ok', { consumerTag: 'c' }, 1)
    rig.broker.send('basic.cancel-ok', { consumerTag: 'c' }, 1)
    rig.broker.send('basic.consume-ok', { consumerTag: 'c' }, 1)
    rig.broker.write(deliver('c'))
    rig.broker.send('basic.cancel-ok', { consumerTag: 'c' }, 1)

    await rig.client.method('basic.cancel')
    assert.deepEqual(onChannel(rig, 'client'), [
      'channel.open-ok',
      'basic.consume-ok',
      'basic.cancel-ok',
      'basic.consume-ok',
      'basic.cancel',
    ])
    await rig.stop()
  })
})

describe('the number of a channel that the broker has closed', () => {
  it('C23 keeps apart what the broker still sends of the old channel from what it sends on the new one', async () => {
    const rig = await Rig.relaying({}, 1, 2)
    rig.broker.send('channel.close', CLOSE, 1)
    await rig.client.method('channel.close')
    rig.broker.write(deliver('old'))
    rig.send('channel.close-ok', {}, 1)
    await settled(rig)
    rig.broker.write(deliver('old'))
    rig.send('channel.open', {}, 1)
    await rig.client.method('channel.open-ok')
    rig.broker.write(deliver('old'))
    rig.broker.send('basic.ack', { deliveryTag: 7n, multiple: false }, 1)
    await settled(rig)
    rig.send('basic.consume', CONSUME, 1)
    await rig.broker.record.method('basic.consume')
    rig.broker.send('basic.consume-ok', { consumerTag: 'c' }, 1)
    rig.broker.write(deliver('c'))

    await rig.client.frame(FRAME_BODY)
    assert.deepEqual(onChannel(rig, 'client'), [
      'channel.open-ok',
      'channel.close',
      'channel.open-ok',
      'basic.consume-ok',
      'basic.deliver',
      'frame 2',
      'frame 3',
    ])
    await rig.stop()
  })
})
