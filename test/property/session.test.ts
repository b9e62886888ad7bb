/** What holds of a whole session whatever its client sends, and however its bytes are cut. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame, PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import { CLIENT_PROPERTIES, Rig } from '../support/session-rig.ts'
import { until } from '../support/until.ts'

const PUBLISH = { exchange: 'x', routingKey: 'some.key', mandatory: false, immediate: false }

/** Everything an ordinary client sends, in one piece. */
function recorded(): Buffer {
  const body = Buffer.from(Array.from({ length: 20_000 }, (_, at) => at % 251))
  return Buffer.concat([
    PROTOCOL_HEADER,
    methodFrame(0, 'connection.start-ok', {
      clientProperties: CLIENT_PROPERTIES,
      mechanism: 'PLAIN',
      response: Buffer.from('\0a\0b'),
      locale: '',
    }),
    methodFrame(0, 'connection.tune-ok', { channelMax: 100, frameMax: 8192, heartbeat: 0 }),
    methodFrame(0, 'connection.open', { virtualHost: '/', reserved2: false }),
    methodFrame(1, 'channel.open', {}),
    methodFrame(1, 'confirm.select', { noWait: false }),
    methodFrame(1, 'basic.publish', PUBLISH),
    methodFrame(2, 'channel.open', {}),
    frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: body.length, properties: { contentType: 'text/plain' } })),
    frame(FRAME_BODY, 1, body.subarray(0, 8184)),
    frame(8, 0, Buffer.alloc(0)),
    frame(FRAME_BODY, 1, body.subarray(8184, 16_368)),
    methodFrame(2, 'basic.qos', { prefetchSize: 0, prefetchCount: 10, global: false }),
    frame(FRAME_BODY, 1, body.subarray(16_368)),
    methodFrame(1, 'basic.publish', PUBLISH),
    frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: 0 })),
    methodFrame(2, 'channel.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 }),
    methodFrame(0, 'connection.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 }),
  ])
}

async function bytesAtBroker(pieces: readonly Buffer[]): Promise<Buffer> {
  const rig = await Rig.open()
  for (const piece of pieces) rig.write(piece)
  await rig.closed
  assert.equal((await rig.ended).reason, 'client-closed')
  rig.broker.close()
  return rig.broker.record.bytes
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...[...new Set(places)].sort((a, b) => a - b), bytes.length]
  return sorted.slice(1).map((end, at) => bytes.subarray(sorted[at], end))
}

describe('a recorded session', () => {
  it('A4 C34 gives the same bytes on the broker leg however it is cut', async () => {
    const bytes = recorded()
    const whole = await bytesAtBroker([bytes])
    assert.ok(whole.length > 20_000)

    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 40 }), async (places) => {
        assert.deepEqual(await bytesAtBroker(cut(bytes, places)), whole)
      }),
      { numRuns: 100 },
    )
  })

  it('gives the same bytes when it is cut at any one byte of its frames’ beginnings, and byte by byte', async () => {
    const bytes = recorded()
    const whole = await bytesAtBroker([bytes])

    for (let place = 1; place < 420; place += 3) assert.deepEqual(await bytesAtBroker(cut(bytes, [place])), whole)
    assert.deepEqual(await bytesAtBroker(Array.from(bytes, (byte) => Buffer.from([byte]))), whole)
  })
})

describe('garbage', () => {
  const stages = ['header', 'start-ok', 'tune-ok', 'open', 'relay', 'content', 'closing'] as const

  async function at(stage: (typeof stages)[number]): Promise<Rig> {
    const rig = await Rig.open()
    if (stage === 'header') return rig
    rig.write(PROTOCOL_HEADER)
    await rig.client.method('connection.start')
    if (stage === 'start-ok') return rig
    rig.send('connection.start-ok', { clientProperties: [], mechanism: '', response: Buffer.alloc(0), locale: '' })
    const { fields } = await rig.client.method('connection.tune')
    if (stage === 'tune-ok') return rig
    rig.send('connection.tune-ok', fields)
    if (stage === 'open') return rig
    rig.send('connection.open', { virtualHost: '/', reserved2: false })
    await rig.client.method('connection.open-ok')
    rig.send('channel.open', {}, 1)
    await rig.client.method('channel.open-ok')
    if (stage === 'content') rig.send('basic.publish', PUBLISH, 1)
    if (stage === 'closing')
      rig.session.end({ reason: 'drain', code: 'connection-forced', explanation: 'x', closeCode: 1012 })
    return rig
  }

  /** Bytes of all kinds: random ones, and frames that are right in all but one thing. */
  const garbage = fc.oneof(
    fc.uint8Array({ minLength: 8, maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(fc.constantFrom(1, 2, 3, 8, 9), fc.integer({ min: 0, max: 3 }), fc.uint8Array({ maxLength: 60 }))
      .map(([type, channel, payload]) => frame(type, channel, Buffer.from(payload))),
    fc
      .tuple(
        fc.constantFrom(10, 20, 30, 40, 50, 60, 85, 90),
        fc.integer({ min: 0, max: 130 }),
        fc.uint8Array({ maxLength: 40 }),
      )
      .map(([classId, methodId, rest]) => frame(1, 1, Buffer.from([0, classId, 0, methodId, ...rest]))),
  )

  for (const stage of stages) {
    it(`at ${stage} ends in an exception of the protocol or in nothing, and never in another error`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(garbage, { minLength: 1, maxLength: 6 }), async (pieces) => {
          const rig = await at(stage)
          for (const piece of pieces) rig.write(piece)
          rig.vanish()
          const end = await rig.ended
          assert.notEqual(end.reason, 'internal-error', end.detail)
          assert.notEqual(end.reason, 'broker-fault', end.detail)
          rig.broker.close()
        }),
        { numRuns: 60 },
      )
    })
  }

  it('of one session leaves the others unharmed', async () => {
    const bystander = await Rig.relaying({}, 1)
    const rig = await at('relay')

    rig.write(Buffer.alloc(1000, 0xff))

    await rig.client.method('connection.close')
    bystander.send('basic.qos', { prefetchSize: 0, prefetchCount: 1, global: false }, 1)
    await until(() => bystander.broker.record.names().includes('basic.qos'))
    await rig.stop()
    await bystander.stop()
  })
})
