/** What a filter's refusal does to a channel: nothing reaches the broker, both legs are closed, other channels go on. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import type { FilterOf, SessionView } from '../../proxy/filters/filter.ts'
import { ChannelFault, type Filter } from '../../proxy/index.ts'
import { Rig } from '../support/session-rig.ts'

const PUBLISH = { exchange: '', routingKey: 'q', mandatory: false, immediate: false }
const DELIVER = { consumerTag: 'c', deliveryTag: 1n, redelivered: false, exchange: '', routingKey: 'q' }
const SILENT_ON_CLOSE = { on: (seen: { name: string | undefined }) => seen.name === 'channel.close' }

const header = (bodySize: number): Buffer => encodeContentHeader({ bodySize })

describe('a refusal by a filter', () => {
  const refuseAll = (methods: 'publish' | 'basic.qos'): Filter => {
    const refusal = {
      fault: new ChannelFault('access-refused', "write on queue 'q' refused for 'joe.smith'", {
        classId: 60,
        methodId: 40,
      }),
    }
    return {
      name: 'refuser',
      checks: methods === 'publish' ? { publish: () => refusal } : { toBroker: { 'basic.qos': () => refusal } },
      start: () => undefined,
    }
  }

  const cancelling: FilterOf<SessionView> = {
    name: 'canceller',
    checks: {
      tick: (_nowMs, session) =>
        session.cancelConsumer(1, 'c', new ChannelFault('access-refused', 'the right has ended')),
    },
    start: (session) => session,
  }

  it('of a publish closes the channel on both legs, swallows the content, and leaves other channels alone', async () => {
    const rig = await Rig.relaying({ filters: [refuseAll('publish')] }, 1, 2)

    rig.write(
      Buffer.concat([
        methodFrame(1, 'basic.publish', PUBLISH),
        frame(FRAME_HEADER, 1, header(3)),
        frame(FRAME_BODY, 1, Buffer.from('abc')),
      ]),
    )
    rig.send('basic.qos', { prefetchSize: 0, prefetchCount: 1, global: false }, 2)

    const { fields } = await rig.client.method('channel.close')
    assert.equal(fields.replyText, "ACCESS_REFUSED - write on queue 'q' refused for 'joe.smith'")
    await rig.broker.record.method('basic.qos')
    assert.deepEqual(
      rig.broker.record.names().filter((name) => name === 'basic.publish' || name.startsWith('frame')),
      [],
    )
    await rig.stop()
  })

  it('C23 frees the number only when both legs are done, and lets what the client sends meanwhile wait', async () => {
    const rig = await Rig.relaying({ script: SILENT_ON_CLOSE, filters: [refuseAll('basic.qos')] }, 1)
    rig.send('basic.qos', { prefetchSize: 0, prefetchCount: 1, global: false }, 1)
    await rig.client.method('channel.close')
    rig.send('channel.close-ok', {}, 1)

    rig.send('channel.open', {}, 1)
    await rig.broker.record.method('channel.close')
    assert.equal(rig.broker.record.names().filter((name) => name === 'channel.open').length, 1)
    assert.ok(rig.paused)
    rig.broker.send('channel.close-ok', {}, 1)

    await rig.client.method('channel.open-ok')
    assert.ok(!rig.paused)
    await rig.stop()
  })

  it('C21 waits with the client’s channel.close until a delivery that is on its way is complete', async () => {
    const rig = await Rig.relaying({ script: SILENT_ON_CLOSE, filters: [refuseAll('basic.qos')] }, 1)
    rig.broker.write(
      Buffer.concat([
        methodFrame(1, 'basic.deliver', DELIVER),
        frame(FRAME_HEADER, 1, header(4)),
        frame(FRAME_BODY, 1, Buffer.from('ab')),
      ]),
    )
    await rig.client.frame(FRAME_BODY)

    rig.send('basic.qos', { prefetchSize: 0, prefetchCount: 1, global: false }, 1)
    await rig.broker.record.method('channel.close')
    assert.ok(!rig.client.names().includes('channel.close'))
    rig.broker.write(frame(FRAME_BODY, 1, Buffer.from('cd')))
    await rig.client.method('channel.close')

    assert.deepEqual(rig.client.names().slice(-4), ['frame 2', 'frame 3', 'frame 3', 'channel.close'])
    await rig.stop()
  })

  it('C23 drops what the broker still sends on the channel after the client has let go of it', async () => {
    const rig = await Rig.relaying({ script: SILENT_ON_CLOSE, filters: [refuseAll('basic.qos')] }, 1, 2)
    rig.send('basic.qos', { prefetchSize: 0, prefetchCount: 1, global: false }, 1)
    await rig.client.method('channel.close')
    rig.send('channel.close-ok', {}, 1)
    rig.send('confirm.select', { noWait: false }, 2)
    await rig.broker.record.method('confirm.select')

    rig.broker.send('basic.ack', { deliveryTag: 1n, multiple: false }, 1)
    rig.broker.send('basic.deliver', DELIVER, 1)
    rig.broker.write(Buffer.concat([frame(FRAME_HEADER, 1, header(2)), frame(FRAME_BODY, 1, Buffer.from('ab'))]))
    rig.broker.send('channel.close-ok', {}, 1)
    rig.broker.send('confirm.select-ok', {}, 2)

    await rig.client.method('confirm.select-ok')
    assert.deepEqual(
      rig.client.frames.filter(({ channel }) => channel === 1).map(({ name, type }) => name ?? type),
      ['channel.open-ok', 'channel.close'],
    )
    await rig.stop()
  })

  for (const [what, capabilities, heard] of [
    ['knows it', ['consumer_cancel_notify'], 'basic.cancel'],
    ['knows no cancel', [], 'channel.close'],
  ] as const) {
    it(`B36 of a consumer that lost its right: ${heard} for a client that ${what}`, async () => {
      const rig = await Rig.open({ filters: [cancelling] })
      await rig.handshake({}, [
        {
          key: 'capabilities',
          type: 'F',
          value: capabilities.map((key) => ({ key, type: 't', value: true }) as const),
        },
      ])
      rig.send('channel.open', {}, 1)
      await rig.client.method('channel.open-ok')

      rig.session.tick(performance.now())

      assert.equal((await rig.broker.record.method(heard)).channel, 1)
      if (heard === 'basic.cancel') rig.broker.send('basic.cancel-ok', { consumerTag: 'c' }, 1)
      assert.equal((await rig.client.method(heard)).channel, 1)
      assert.ok(!rig.client.names().includes('basic.cancel-ok'))
      await rig.stop()
    })
  }

  it('C23 drops all of a message whose method was dropped, whatever the client closes meanwhile', async () => {
    const rig = await Rig.relaying({ script: SILENT_ON_CLOSE, filters: [refuseAll('basic.qos')] }, 1, 2)
    rig.send('basic.qos', { prefetchSize: 0, prefetchCount: 1, global: false }, 1)
    await rig.client.method('channel.close')
    rig.broker.send('basic.deliver', DELIVER, 1)
    rig.broker.send('basic.ack', { deliveryTag: 1n, multiple: false }, 2)
    await rig.client.method('basic.ack')

    rig.send('channel.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 }, 1)
    rig.send('channel.close-ok', {}, 1)
    rig.send('confirm.select', { noWait: false }, 2)
    await rig.broker.record.method('confirm.select')
    rig.broker.write(Buffer.concat([frame(FRAME_HEADER, 1, header(2)), frame(FRAME_BODY, 1, Buffer.from('ab'))]))
    rig.broker.send('confirm.select-ok', {}, 2)

    await rig.client.method('confirm.select-ok')
    assert.deepEqual(
      rig.client.frames.filter(({ channel }) => channel === 1).map(({ name, type }) => name ?? type),
      ['channel.open-ok', 'channel.close', 'channel.close-ok'],
    )
    await rig.stop()
  })

  it('C9 of a message above the limit: 311 before a byte of it is forwarded', async () => {
    const rig = await Rig.relaying({ limits: { messageBytes: 10 } }, 1)

    rig.write(Buffer.concat([methodFrame(1, 'basic.publish', PUBLISH), frame(FRAME_HEADER, 1, header(11))]))

    assert.equal((await rig.client.method('channel.close')).fields.replyCode, 311)
    assert.ok(!rig.broker.record.names().includes('basic.publish'))
    await rig.stop()
  })

  it('that throws is an internal error, and nothing is forwarded', async () => {
    const thrower: Filter = {
      name: 'thrower',
      checks: {
        publish: () => {
          throw new Error('CANARY-bug')
        },
      },
      start: () => undefined,
    }
    const rig = await Rig.relaying({ filters: [thrower] }, 1)

    rig.write(Buffer.concat([methodFrame(1, 'basic.publish', PUBLISH), frame(FRAME_HEADER, 1, header(0))]))

    const { fields } = await rig.client.method('connection.close')
    assert.deepEqual([fields.replyCode, fields.replyText], [541, 'INTERNAL_ERROR - internal error'])
    rig.send('connection.close-ok', {})
    assert.match((await rig.ended).detail, /CANARY-bug/)
    assert.ok(!rig.broker.record.names().includes('basic.publish'))
    rig.broker.close()
  })
})
