/** Filters that are exchanged in a live session: between two frames, whatever is on its way. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import { authorizeFilter, ChannelFault, type Filter, type FilterOf, type PublishView } from '../../proxy/index.ts'
import { AuditLog, consume } from '../support/filter-session.ts'
import { authorizer } from '../support/policy.ts'
import { Rig } from '../support/session-rig.ts'
import { until } from '../support/until.ts'

const PUBLISH = methodFrame(1, 'basic.publish', { exchange: 'x', routingKey: 'k', mandatory: false, immediate: false })
const header = (bodySize: number): Buffer => frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize }))
const MESSAGE_BYTES = 1000

/** Refuses every publish, or none, and counts its beginnings and ends. */
class Gate implements FilterOf<Gate> {
  readonly name = 'gate'
  readonly checks = {
    publish: (_publish: PublishView, { isOpen }: Gate) =>
      isOpen ? undefined : { fault: new ChannelFault('access-refused', 'shut', { classId: 60, methodId: 40 }) },
    ended: (gate: Gate) => {
      gate.ends += 1
    },
  }
  readonly isOpen: boolean
  starts = 0
  ends = 0

  constructor(isOpen: boolean) {
    this.isOpen = isOpen
  }

  start(): this {
    this.starts += 1
    return this
  }
}

const rules = (...filters: Filter[]) => ({ filters, messageBytes: MESSAGE_BYTES })

describe('an exchange of filters', () => {
  it('leaves a content alone whose header was judged, and judges the next publish anew', async () => {
    const [open, shut] = [new Gate(true), new Gate(false)]
    const rig = await Rig.relaying({ filters: [open] }, 1)
    rig.write(Buffer.concat([PUBLISH, header(6), frame(FRAME_BODY, 1, Buffer.from('abc'))]))

    rig.session.exchange(rules(shut))

    rig.write(frame(FRAME_BODY, 1, Buffer.from('def')))
    await until(() => rig.broker.record.bytes.includes('def'))
    rig.write(Buffer.concat([PUBLISH, header(0)]))
    assert.equal((await rig.client.method('channel.close')).fields.replyCode, 403)
    await rig.stop()
    assert.deepEqual([open.starts, open.ends, shut.starts, shut.ends], [1, 1, 1, 1])
  })

  it('judges by the new filters a publish whose header was not there yet', async () => {
    const rig = await Rig.relaying({ filters: [new Gate(true)] }, 1)
    rig.write(PUBLISH)

    rig.session.exchange(rules(new Gate(false)))

    rig.write(header(0))
    assert.equal((await rig.client.method('channel.close')).fields.replyCode, 403)
    assert.ok(!rig.broker.record.names().includes('basic.publish'))
    await rig.stop()
  })

  it('bounds messages as the new rules say', async () => {
    const rig = await Rig.relaying({}, 1)

    rig.session.exchange(rules())

    rig.write(Buffer.concat([PUBLISH, header(MESSAGE_BYTES + 1)]))
    assert.equal((await rig.client.method('channel.close')).fields.replyCode, 311)
    await rig.stop()
  })

  it('before the session is open is what it begins with; while it is ending it is nothing', async () => {
    const [first, second, late] = [new Gate(true), new Gate(false), new Gate(true)]
    const rig = await Rig.open({ filters: [first] })
    rig.session.exchange(rules(second))
    await rig.handshake()
    assert.deepEqual([first.starts, second.starts], [0, 1])

    rig.session.end({ reason: 'drain', code: 'connection-forced', explanation: 'x', closeCode: 1012 })
    rig.session.exchange(rules(late))

    await rig.stop()
    assert.deepEqual([second.ends, late.starts, late.ends], [1, 0, 0])
  })

  it('B36 cancels on both legs the consumers that may not go on, and keeps the broker’s answer', async () => {
    const log = new AuditLog()
    const rig = await Rig.relaying({}, 1)
    rig.send('basic.consume', consume('secret', { consumerTag: 't' }), 1)
    await rig.broker.record.method('basic.consume')

    rig.session.exchange(rules(authorizeFilter(authorizer({ read: [{ queue: 'own' }] }), log)))

    assert.equal((await rig.broker.record.method('basic.cancel')).fields.noWait, false)
    rig.broker.send('basic.cancel-ok', { consumerTag: 't' }, 1)
    assert.equal((await rig.client.method('basic.cancel')).fields.consumerTag, 't')
    assert.deepEqual(log.names(), ['permission.lost'])
    await rig.stop()
    assert.ok(!rig.client.names().includes('basic.cancel-ok'))
  })
})
