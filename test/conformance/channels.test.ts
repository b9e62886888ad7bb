/** Frames that are legal or not on a channel, by clause: what the client hears, and that the broker never hears of it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD, frame } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import { Rig } from '../support/session-rig.ts'

const PUBLISH = { exchange: '', routingKey: 'q', mandatory: false, immediate: false }
const CLOSE = { replyCode: 200, replyText: '', classId: 0, methodId: 0 }
const DELIVER = { consumerTag: 'c', deliveryTag: 1n, redelivered: false, exchange: '', routingKey: 'q' }
const SILENT_ON_CLOSE = { on: (seen: { name: string | undefined }) => seen.name === 'channel.close' }

const header = (bodySize: number): Buffer => encodeContentHeader({ bodySize })

describe('a connection exception', () => {
  const cases: { readonly clause: string; readonly code: number; readonly act: (rig: Rig) => void }[] = [
    {
      clause: '4.2.3 connection methods are on channel 0',
      code: 503,
      act: (rig) => rig.send('connection.close', CLOSE, 1),
    },
    { clause: '4.2.3 no other methods are on channel 0', code: 503, act: (rig) => rig.send('channel.open', {}, 0) },
    {
      clause: '4.2.3 content is not on channel 0',
      code: 503,
      act: (rig) => rig.content(FRAME_BODY, 0, Buffer.from('x')),
    },
    {
      clause: 'C5 4.2.7 heartbeats are on channel 0',
      code: 503,
      act: (rig) => rig.content(FRAME_HEARTBEAT, 1, Buffer.alloc(0)),
    },
    {
      clause: 'C5 4.2.7 heartbeats are empty',
      code: 501,
      act: (rig) => rig.content(FRAME_HEARTBEAT, 0, Buffer.from('x')),
    },
    {
      clause: 'C3 4.2.3 frames end with %xCE',
      code: 501,
      act: (rig) => rig.write(Buffer.from([8, 0, 0, 0, 0, 0, 0, 0xcd])),
    },
    {
      clause: 'A2 C4 4.2.3 a frame’s type is known',
      code: 501,
      act: (rig) => rig.write(Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])),
    },
    {
      clause: 'C1 4.2.3 a frame is no larger than agreed',
      code: 501,
      act: (rig) => rig.content(FRAME_METHOD, 1, Buffer.alloc(131_065)),
    },
    {
      clause: 'C24 4.3 a channel is opened before it is used',
      code: 504,
      act: (rig) => rig.send('basic.publish', PUBLISH, 2),
    },
    {
      clause: '4.3 a channel is opened before its content comes',
      code: 504,
      act: (rig) => rig.content(FRAME_HEADER, 2, header(0)),
    },
    { clause: 'C24 4.3 a channel is opened once', code: 504, act: (rig) => rig.send('channel.open', {}, 1) },
    {
      clause: '4.3 a channel’s number is within channel-max',
      code: 504,
      act: (rig) => rig.send('channel.open', {}, 2048),
    },
    { clause: 'C23 4.5 close-ok answers a close', code: 503, act: (rig) => rig.send('channel.close-ok', {}, 1) },
    {
      clause: '2.2.4 connection.close-ok answers a close',
      code: 503,
      act: (rig) => rig.send('connection.close-ok', {}),
    },
    {
      clause: '4.8 methods of the broker’s are not for clients',
      code: 503,
      act: (rig) => rig.send('basic.deliver', DELIVER, 1),
    },
    {
      clause: 'B32 4.8 unknown methods',
      code: 540,
      act: (rig) => rig.content(FRAME_METHOD, 1, Buffer.from([0, 60, 0, 5])),
    },
    {
      clause: '4.2.4 a method has its ids',
      code: 501,
      act: (rig) => rig.content(FRAME_METHOD, 1, Buffer.from([0, 60])),
    },
    {
      clause: 'C11 4.2.4 arguments end where the frame ends',
      code: 501,
      act: (rig) => rig.content(FRAME_METHOD, 1, Buffer.from([0, 20, 0, 40, 0])),
    },
    {
      clause: 'C10 4.2.6 a content header follows a method',
      code: 505,
      act: (rig) => rig.content(FRAME_HEADER, 1, header(1)),
    },
    {
      clause: 'C8 4.2.6 a body follows a content header',
      code: 505,
      act: (rig) => rig.content(FRAME_BODY, 1, Buffer.from('x')),
    },
    {
      clause: 'C6 4.2.6 content is not interrupted on its channel',
      code: 505,
      act: (rig) => {
        rig.send('basic.publish', PUBLISH, 1)
        rig.send('basic.qos', { prefetchSize: 0, prefetchCount: 1, global: false }, 1)
      },
    },
    {
      clause: '4.2.6 a body waits for its header',
      code: 505,
      act: (rig) => {
        rig.send('basic.publish', PUBLISH, 1)
        rig.content(FRAME_BODY, 1, Buffer.from('x'))
      },
    },
    {
      clause: 'C8 4.2.6 a body is no longer than its header says',
      code: 501,
      act: (rig) => {
        rig.send('basic.publish', PUBLISH, 1)
        rig.content(FRAME_HEADER, 1, header(1))
        rig.content(FRAME_BODY, 1, Buffer.from('xy'))
      },
    },
    {
      clause: 'C8 4.2.6 a body does not go on for ever in empty frames',
      code: 501,
      act: (rig) => {
        rig.send('basic.publish', PUBLISH, 1)
        rig.content(FRAME_HEADER, 1, header(1))
        for (let at = 0; at < 17; at++) rig.content(FRAME_BODY, 1, Buffer.alloc(0))
      },
    },
    {
      clause: 'B24 4.2.6.1 a content header’s flags are defined ones',
      code: 502,
      act: (rig) => {
        rig.send('basic.publish', PUBLISH, 1)
        const payload = header(0)
        payload.writeUInt16BE(0x0001, 12)
        rig.content(FRAME_HEADER, 1, payload)
      },
    },
    {
      clause: 'C10 4.2.6 a content header is of class basic',
      code: 505,
      act: (rig) => {
        rig.send('basic.publish', PUBLISH, 1)
        const payload = header(0)
        payload.writeUInt16BE(50, 0)
        rig.content(FRAME_HEADER, 1, payload)
      },
    },
    {
      clause: 'C10 4.2.6 a content header comes once',
      code: 505,
      act: (rig) => {
        rig.send('basic.publish', PUBLISH, 1)
        rig.content(FRAME_HEADER, 1, header(1))
        rig.content(FRAME_HEADER, 1, header(1))
      },
    },
    {
      clause: '4.5 nothing follows channel.close',
      code: 504,
      act: (rig) => {
        rig.send('channel.close', CLOSE, 1)
        rig.send('basic.qos', { prefetchSize: 0, prefetchCount: 1, global: false }, 1)
      },
    },
  ]
  for (const { clause, code, act } of cases) {
    it(`${code}: ${clause}`, async () => {
      const rig = await Rig.relaying({ script: SILENT_ON_CLOSE }, 1)
      const before = rig.broker.record.names().length

      act(rig)

      assert.equal((await rig.client.method('connection.close')).fields.replyCode, code)
      rig.send('connection.close-ok', {})
      assert.equal((await rig.closed).code, 1002)
      assert.equal((await rig.ended).reason, 'client-fault')
      const heard = rig.broker.record.names().slice(before)
      assert.deepEqual(
        heard.filter((name) => name === 'basic.qos' || name === 'frame 8' || name === 'basic.deliver'),
        [],
      )
      rig.broker.close()
    })
  }
})

describe('what is legal', () => {
  it('C5 C7 4.6 other channels’ frames between a method and its content, in any interleaving', async () => {
    const rig = await Rig.relaying({}, 1, 2)

    rig.write(
      Buffer.concat([
        methodFrame(1, 'basic.publish', { ...PUBLISH, routingKey: 'one' }),
        methodFrame(2, 'basic.publish', { ...PUBLISH, routingKey: 'two' }),
        frame(FRAME_HEADER, 2, header(2)),
        frame(FRAME_HEARTBEAT, 0, Buffer.alloc(0)),
        frame(FRAME_HEADER, 1, header(1)),
        frame(FRAME_BODY, 2, Buffer.from('a')),
        frame(FRAME_BODY, 1, Buffer.from('x')),
        frame(FRAME_BODY, 2, Buffer.alloc(0)),
        frame(FRAME_BODY, 2, Buffer.from('b')),
        methodFrame(1, 'basic.qos', { prefetchSize: 0, prefetchCount: 9, global: false }),
      ]),
    )

    await rig.broker.record.method('basic.qos')
    const seen = rig.broker.record.frames
      .filter(({ channel }) => channel > 0)
      .map((f) => `${f.channel} ${f.name ?? (f.type === 2 ? 'header' : `body ${f.payload}`)}`)
    assert.deepEqual(seen, [
      '1 channel.open',
      '2 channel.open',
      '2 basic.publish',
      '2 header',
      '1 basic.publish',
      '1 header',
      '2 body a',
      '1 body x',
      '2 body ',
      '2 body b',
      '1 basic.qos',
    ])
    await rig.stop()
  })

  it('B33 C33 a publish reaches the broker only when its content header has come, and as the bytes that arrived', async () => {
    const rig = await Rig.relaying({}, 1)
    const publish = methodFrame(1, 'basic.publish', PUBLISH)
    const head = frame(FRAME_HEADER, 1, header(0))
    rig.write(publish)
    rig.send('channel.open', {}, 3)
    await rig.client.method('channel.open-ok')
    assert.ok(!rig.broker.record.names().includes('basic.publish'))

    rig.write(head)

    await rig.broker.record.method('basic.publish')
    assert.ok(rig.broker.record.bytes.includes(Buffer.concat([publish, head])))
    await rig.stop()
  })

  it('4.5 a channel closed by the client may be opened again', async () => {
    const rig = await Rig.relaying({}, 1)

    rig.send('channel.close', CLOSE, 1)
    await rig.client.method('channel.close-ok')
    rig.send('channel.open', {}, 1)

    await rig.client.method('channel.open-ok')
    await rig.stop()
  })

  it('C25 4.5 after the broker’s channel.close everything is ignored until close-ok; its text is fit for the client', async () => {
    const rig = await Rig.relaying({}, 1, 2)
    rig.broker.send(
      'channel.close',
      {
        replyCode: 403,
        replyText: "ACCESS_REFUSED - access to queue 'q' refused for user 'smithj'",
        classId: 60,
        methodId: 20,
      },
      1,
    )
    const { fields } = await rig.client.method('channel.close')
    assert.equal(fields.replyText, "ACCESS_REFUSED - access to queue 'q' refused for user 'joe.smith' at the broker")
    const before = rig.broker.record.frames.length

    rig.send('basic.qos', { prefetchSize: 0, prefetchCount: 1, global: false }, 1)
    rig.send('basic.publish', PUBLISH, 1)
    rig.content(FRAME_HEADER, 1, header(1))
    rig.content(FRAME_BODY, 1, Buffer.from('x'))
    rig.send('channel.close-ok', {}, 1)
    rig.send('channel.open', {}, 1)

    await rig.client.method('channel.open-ok')
    assert.deepEqual(rig.broker.record.names().slice(before), ['channel.close-ok', 'channel.open'])
    assert.deepEqual(
      rig.channelCloses.map(({ method, text }) => [method, text]),
      [['basic.consume', "ACCESS_REFUSED - access to queue 'q' refused for user 'smithj'"]],
    )
    await rig.stop()
  })

  it('C23 4.5 both sides close at once: each close is answered once, and the number is free afterwards', async () => {
    const rig = await Rig.relaying({ script: SILENT_ON_CLOSE }, 1)
    rig.send('channel.close', CLOSE, 1)
    await rig.broker.record.method('channel.close')

    rig.broker.send('channel.close', { ...CLOSE, replyCode: 404 }, 1)
    await rig.client.method('channel.close')
    rig.send('channel.close-ok', {}, 1)
    await rig.broker.record.method('channel.close-ok')
    rig.broker.send('channel.close-ok', {}, 1)
    await rig.client.method('channel.close-ok')

    rig.send('channel.open', {}, 1)
    await rig.client.method('channel.open-ok')
    assert.equal(rig.broker.record.names().filter((name) => name === 'channel.close-ok').length, 1)
    await rig.stop()
  })

  it('4.5 a client that never answers the broker’s crossing close may still open the number again', async () => {
    const rig = await Rig.relaying({ script: SILENT_ON_CLOSE }, 1)
    rig.send('channel.close', CLOSE, 1)
    await rig.broker.record.method('channel.close')
    rig.broker.send('channel.close', { ...CLOSE, replyCode: 404 }, 1)
    rig.broker.send('channel.close-ok', {}, 1)
    await rig.client.method('channel.close-ok')

    rig.send('channel.open', {}, 1)

    await rig.broker.record.method('channel.close-ok')
    await rig.client.method('channel.open-ok')
    await rig.stop()
  })

  it('C30 bodies are re-cut for a client with smaller frames than the broker’s', async () => {
    const rig = await Rig.open()
    await rig.handshake({ frameMax: 4096 })
    rig.send('channel.open', {}, 1)
    await rig.client.method('channel.open-ok')
    const body = Buffer.from(Array.from({ length: 8184 }, (_, at) => at % 251))

    rig.broker.write(
      Buffer.concat([
        methodFrame(1, 'basic.deliver', DELIVER),
        frame(FRAME_HEADER, 1, header(8184)),
        frame(FRAME_BODY, 1, body),
      ]),
    )
    rig.broker.send('basic.qos-ok', {}, 1)

    await rig.client.method('basic.qos-ok')
    const bodies = rig.client.frames.filter((seen) => seen.type === FRAME_BODY)
    assert.deepEqual(
      bodies.map(({ payload }) => payload.length),
      [4088, 4088, 8],
    )
    assert.deepEqual(Buffer.concat(bodies.map(({ payload }) => payload)), body)
    await rig.stop()
  })
})
