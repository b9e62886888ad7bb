import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeContentHeader } from '../../../../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame, HEARTBEAT_FRAME } from '../../../../../proxy/codec/frame.ts'
import { methodFrame } from '../../../../../proxy/codec/method.ts'
import { Rig } from '../../../../support/session-rig.ts'
import { until } from '../../../../support/until.ts'

const CLOSE = { replyCode: 200, replyText: 'bye', classId: 0, methodId: 0 }
const DELIVER = { consumerTag: 'c', deliveryTag: 1n, redelivered: false, exchange: '', routingKey: 'q' }

describe('the end of a session', () => {
  it('asked for by the client: the broker closes first, then close-ok, then 1000', async () => {
    const rig = await Rig.relaying()

    rig.send('connection.close', CLOSE)

    await rig.broker.record.method('connection.close')
    await rig.client.method('connection.close-ok')
    assert.deepEqual(await rig.closed, { code: 1000, reason: '' })
    const end = await rig.ended
    assert.deepEqual([end.by, end.reason], ['client', 'client-closed'])
    rig.broker.close()
  })

  it('asked for by the client of a blocked broker: answered at once', async () => {
    const rig = await Rig.relaying({ script: { on: (frame) => frame.name === 'connection.close' } })
    rig.broker.send('connection.blocked', { reason: 'low on memory' })
    await rig.client.method('connection.blocked')

    rig.send('connection.close', CLOSE)

    await rig.client.method('connection.close-ok')
    assert.equal((await rig.closed).code, 1000)
    rig.broker.close()
    await rig.ended
  })

  it('asked for by the broker: same code, safe text, close-ok to the broker, then 1000', async () => {
    const rig = await Rig.relaying()

    rig.broker.send('connection.close', {
      replyCode: 320,
      replyText: "CONNECTION_FORCED - user 'smithj' is deleted",
      classId: 0,
      methodId: 0,
    })

    const { fields } = await rig.client.method('connection.close')
    assert.deepEqual([fields.replyCode, fields.replyText], [320, "CONNECTION_FORCED - user 'joe.smith' is deleted"])
    await rig.broker.record.method('connection.close-ok')
    rig.send('connection.close-ok', {})
    assert.equal((await rig.closed).code, 1000)
    const end = await rig.ended
    assert.deepEqual([end.by, end.reason, end.replyCode], ['broker', 'broker-closed', 320])
    assert.match(end.detail, /smithj/)
    rig.broker.close()
  })

  it('asked for by a broker that goes into maintenance: 1012, as coming back succeeds', async () => {
    const rig = await Rig.relaying()
    const replyText = 'CONNECTION_FORCED - Node was put into maintenance mode'
    rig.broker.send('connection.close', { replyCode: 320, replyText, classId: 0, methodId: 0 })
    const { fields } = await rig.client.method('connection.close')
    assert.deepEqual([fields.replyCode, fields.replyText], [320, replyText])
    rig.send('connection.close-ok', {})
    assert.equal((await rig.closed).code, 1012)
    assert.equal((await rig.ended).reason, 'broker-closed')
    rig.broker.close()
  })

  it('asked for by the broker because of a method: the client reads which', async () => {
    const rig = await Rig.relaying({}, 1)
    const replyText = "NOT_ALLOWED - attempt to reuse consumer tag 'c' in vhost '/pinned'"

    rig.broker.send('connection.close', { replyCode: 530, replyText, classId: 60, methodId: 20 })

    const { fields } = await rig.client.method('connection.close')
    assert.deepEqual(
      { ...fields },
      { replyCode: 530, replyText: replyText.replace('/pinned', '/asked-for'), classId: 60, methodId: 20 },
    )
    assert.deepEqual(rig.channelCloses, [{ channel: 0, replyCode: 530, text: replyText, method: 'basic.consume' }])
    rig.send('connection.close-ok', {})
    await rig.ended
    rig.broker.close()
  })

  it('C26 asked for by both at once: each is answered once', async () => {
    const rig = await Rig.relaying({
      script: {
        on: (frame, broker) =>
          frame.name === 'connection.close' && Boolean(broker.send('connection.close', CLOSE) ?? true),
      },
    })

    rig.send('connection.close', CLOSE)

    await rig.broker.record.method('connection.close')
    rig.broker.send('connection.close-ok', {})
    await rig.client.method('connection.close-ok')
    assert.equal((await rig.closed).code, 1000)
    assert.equal(rig.client.names().filter((name) => name.startsWith('connection.close')).length, 1)
    rig.broker.close()
    await rig.ended
  })

  it('with a client that answers our close with its own', async () => {
    const rig = await Rig.relaying()
    rig.session.end({
      reason: 'authority-ended',
      code: 'connection-forced',
      explanation: 'credential expired',
      closeCode: 4401,
    })

    rig.send('connection.close', CLOSE)

    await rig.client.method('connection.close-ok')
    assert.deepEqual(await rig.closed, { code: 4401, reason: 'CONNECTION_FORCED - credential expired' })
    rig.broker.close()
    await rig.ended
  })

  it('when the WebSocket is lost: the broker connection is closed in good manners', async () => {
    const rig = await Rig.relaying()

    rig.vanish(1006)

    await rig.broker.record.method('connection.close')
    const end = await rig.ended
    assert.deepEqual([end.by, end.reason, end.closeCode], ['client', 'client-lost', 1006])
    rig.broker.close()
  })

  it('when the WebSocket stream was malformed: the client’s fault, not its loss', async () => {
    const rig = await Rig.relaying()

    rig.session.clientGone(1002, true)

    const end = await rig.ended
    assert.deepEqual([end.by, end.reason, end.closeCode], ['gateway', 'client-fault', 1002])
    rig.broker.close()
  })

  it('when the broker is lost: 320, then 1012', async () => {
    const rig = await Rig.relaying()

    rig.broker.socket?.destroy()

    const { fields } = await rig.client.method('connection.close')
    assert.equal(fields.replyCode, 320)
    rig.send('connection.close-ok', {})
    assert.equal((await rig.closed).code, 1012)
    assert.equal((await rig.ended).reason, 'broker-lost')
    rig.broker.close()
  })

  it('C27 when the broker is lost in the middle of a delivery: 320 behind the part that was sent', async () => {
    const rig = await Rig.relaying({}, 1)
    rig.broker.write(
      Buffer.concat([
        methodFrame(1, 'basic.deliver', DELIVER),
        frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: 10 })),
        frame(FRAME_BODY, 1, Buffer.from('part')),
      ]),
    )
    await rig.client.frame(FRAME_BODY)

    rig.broker.socket?.destroy()

    const { channel, fields } = await rig.client.method('connection.close')
    assert.deepEqual([channel, fields.replyCode], [0, 320])
    assert.deepEqual(rig.client.names().slice(-4), ['basic.deliver', 'frame 2', 'frame 3', 'connection.close'])
    rig.send('connection.close-ok', {})
    assert.equal((await rig.closed).code, 1012)
    rig.broker.close()
  })

  it('asked for from outside: both legs are told, and nothing is delivered after the close', async () => {
    const rig = await Rig.relaying({}, 1)

    rig.session.end({
      reason: 'authority-ended',
      code: 'connection-forced',
      explanation: 'credential expired',
      closeCode: 4401,
    })
    rig.broker.send('basic.deliver', DELIVER, 1)

    const { fields } = await rig.client.method('connection.close')
    assert.equal(fields.replyText, 'CONNECTION_FORCED - credential expired')
    await rig.broker.record.method('connection.close')
    rig.send('connection.close-ok', {})
    await rig.closed
    assert.equal(rig.client.names().at(-1), 'connection.close')
    rig.broker.close()
  })

  it('asked for twice is asked for once', async () => {
    const rig = await Rig.relaying()
    const request = {
      reason: 'drain',
      code: 'connection-forced',
      explanation: 'server shutdown',
      closeCode: 1012,
    } as const

    rig.session.end(request)
    rig.session.end({ ...request, closeCode: 4401 })
    await rig.client.method('connection.close')
    rig.send('connection.close-ok', {})

    assert.equal((await rig.closed).code, 1012)
    assert.equal(rig.client.names().filter((name) => name === 'connection.close').length, 1)
    rig.broker.close()
    await rig.ended
  })

  it('waits no longer than its deadline for a close-ok', async (t) => {
    const rig = await Rig.relaying()
    t.mock.timers.enable({ apis: ['setTimeout'] })
    rig.session.end({ reason: 'drain', code: 'connection-forced', explanation: 'server shutdown', closeCode: 1012 })

    t.mock.timers.tick(3000)

    assert.equal((await rig.closed).code, 1012)
    rig.broker.close()
    await rig.ended
  })

  it('C36 ends in broker-fault, 541, when the broker breaks the protocol', async () => {
    const bad: [string, (rig: Rig) => void][] = [
      ['a wrong end octet', (rig) => rig.broker.write(Buffer.from([8, 0, 0, 0, 0, 0, 0, 0]))],
      [
        'a client’s method',
        (rig) =>
          rig.broker.send('basic.publish', { exchange: '', routingKey: '', mandatory: false, immediate: false }, 1),
      ],
      ['a channel that is not open', (rig) => rig.broker.send('basic.deliver', DELIVER, 9)],
      ['a body without a header', (rig) => rig.broker.write(Buffer.from('0300010000000161ce', 'hex'))],
      ['an answer nobody asked for', (rig) => rig.broker.send('channel.close-ok', {}, 1)],
      ['a second start', (rig) => rig.broker.send('connection.tune', { channelMax: 0, frameMax: 0, heartbeat: 0 })],
    ]
    for (const [what, act] of bad) {
      const rig = await Rig.relaying({}, 1)
      act(rig)
      const { fields } = await rig.client.method('connection.close')
      assert.equal(fields.replyCode, 541, what)
      rig.send('connection.close-ok', {})
      assert.equal((await rig.ended).reason, 'broker-fault', what)
      rig.broker.close()
    }
  })
})

describe('liveness', () => {
  it('pings the client, and ends the session when two pings stay unanswered', async () => {
    const rig = await Rig.relaying()
    const start = Date.now()
    for (let s = 1; s <= 26; s++) rig.session.tick(start + s * 1000)
    assert.equal(rig.pings, 1)

    for (let s = 27; s <= 80; s++) rig.session.tick(start + s * 1000)

    assert.equal((await rig.client.method('connection.close')).fields.replyText, 'CONNECTION_FORCED - no sign of life')
    rig.send('connection.close-ok', {})
    assert.equal((await rig.ended).reason, 'client-dead')
    rig.broker.close()
  })

  it('lets a client live that only answers pings', async () => {
    const rig = await Rig.relaying()
    const start = Date.now()

    for (let s = 1; s <= 300; s++) {
      rig.session.tick(start + s * 1000)
      rig.session.alive()
      rig.broker.write(HEARTBEAT_FRAME)
      if (s % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
    }

    assert.ok(!rig.client.names().includes('connection.close'))
    await rig.stop()
  })

  it('sends the broker heartbeats in silence, and gives a silent broker up', async () => {
    const rig = await Rig.relaying({ script: { tune: { channelMax: 10, frameMax: 131_072, heartbeat: 4 } } })
    const start = Date.now()
    for (let s = 1; s <= 3; s++) rig.session.tick(start + s * 1000)
    assert.ok(rig.client.names().length > 0)

    for (let s = 4; s <= 12; s++) {
      rig.session.alive()
      rig.session.tick(start + s * 1000)
    }

    assert.equal((await rig.client.method('connection.close')).fields.replyCode, 320)
    rig.send('connection.close-ok', {})
    const end = await rig.ended
    assert.equal(end.reason, 'broker-lost')
    assert.match(end.detail, /silent for more than 8 s/)
    rig.broker.close()
  })

  it('sends either peer of the shortest heartbeat at least two in each second', async () => {
    const rig = await Rig.open({ script: { tune: { channelMax: 10, frameMax: 131_072, heartbeat: 1 } } })
    await rig.handshake({ heartbeat: 1 })
    const isHeartbeat = ({ type }: { readonly type: number }): boolean => type === 8

    // Less than the silence after which the broker, which sends nothing here, would be given up.
    for (let nowMs = 1000; nowMs < 3000; nowMs = rig.session.tick(nowMs));

    assert.ok(rig.client.frames.filter(isHeartbeat).length >= 4)
    await until(() => rig.broker.record.frames.filter(isHeartbeat).length >= 4, 'four heartbeats at the broker')
    await rig.stop()
  })

  it('sends heartbeats to a client that asked for them', async () => {
    const rig = await Rig.open()
    await rig.handshake({ heartbeat: 2 })
    const start = Date.now()

    for (let s = 1; s <= 4; s++) rig.session.tick(start + s * 1000)

    assert.ok(rig.client.frames.some((frame) => frame.type === 8))
    await rig.stop()
  })
})

describe('backpressure', () => {
  it('stops reading the broker while too much waits for the client', async () => {
    const rig = await Rig.relaying({}, 1)
    rig.heldCallbacks = []
    rig.buffered = 300_000
    rig.broker.send('basic.deliver', DELIVER, 1)
    rig.broker.write(Buffer.concat([header(2), methodFrame(0, 'connection.unblocked', {})]))
    await rig.client.method('connection.unblocked')
    rig.broker.write(Buffer.from('030001000000026162ce', 'hex'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(!rig.client.frames.some((frame) => frame.type === FRAME_BODY))
    rig.buffered = 0
    for (const sent of rig.heldCallbacks) sent()

    assert.equal((await rig.client.frame(FRAME_BODY)).payload.toString(), 'ab')
    await rig.stop()
  })

  it('stops reading the client while too much waits for the broker', async () => {
    const rig = await Rig.relaying({ limits: { buffer: { highBytes: 4096, lowBytes: 1024 } } }, 1)
    rig.broker.socket?.pause()
    const body = Buffer.alloc(131_064)
    rig.send('basic.publish', { exchange: '', routingKey: 'q', mandatory: false, immediate: false }, 1)
    rig.write(header(16 * 1024 * 1024))
    for (let sent = 0; !rig.paused && sent < 128; sent++) {
      rig.content(FRAME_BODY, 1, body)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(rig.paused)

    rig.broker.socket?.resume()

    await until(() => !rig.paused)
    await rig.stop()
  })
})

function header(bodySize: number): Buffer {
  const payload = encodeContentHeader({ bodySize })
  const frame = Buffer.alloc(payload.length + 8)
  frame.writeUInt8(FRAME_HEADER, 0)
  frame.writeUInt16BE(1, 1)
  frame.writeUInt32BE(payload.length, 3)
  payload.copy(frame, 7)
  frame[frame.length - 1] = 0xce
  return frame
}
