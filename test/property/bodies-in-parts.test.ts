import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FRAME_BODY, FRAME_END, FRAME_OVERHEAD_BYTES, frame, HEARTBEAT_FRAME } from '../../proxy/codec/frame.ts'
import { FrameReader } from '../../proxy/codec/frame-reader.ts'
import { ConnectionFault } from '../../proxy/faults.ts'
import { Gather } from '../../proxy/session/legs/gather.ts'
import { cut, cuts } from '../support/arbitraries.ts'

const FRAME_MAX = 65_536

/** Bodies around the size from which they come in parts, other frames between them. */
const stream = fc
  .array(
    fc.oneof(
      fc.constant(HEARTBEAT_FRAME),
      fc
        .record({
          bytes: fc.oneof(fc.nat(40), fc.integer({ min: 4080, max: 4100 }), fc.nat(60_000)),
          channel: fc.integer({ min: 1, max: 0xffff }),
          fill: fc.nat(255),
        })
        .map(({ bytes, channel, fill }) => frame(FRAME_BODY, channel, Buffer.alloc(bytes, fill))),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((frames) => frames as Buffer[])

interface Seen {
  readonly channel: number
  readonly payload: Buffer
  readonly bytes: Buffer
}

function framesOf(chunks: readonly Buffer[], bodiesInParts: boolean): Seen[] {
  const reader = new FrameReader(FRAME_MAX, bodiesInParts)
  const seen: Seen[] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    while (reader.next()) {
      const gather = new Gather()
      gather.takeFrame(reader)
      const payload = Buffer.from(reader.payload())
      assert.equal(reader.payloadBytes, payload.length)
      assert.ok(reader.earlier.length <= 32)
      seen.push({ channel: reader.channel, payload, bytes: Buffer.concat(gather.drain()) })
    }
    assert.ok(reader.pendingBytes < FRAME_MAX)
  }
  return seen
}

describe('bodies in parts', () => {
  it('are the frames that come out in one piece, wherever the stream was cut', () => {
    fc.assert(
      fc.property(stream, cuts, (frames, at) => {
        const chunks = cut(Buffer.concat(frames), at)
        assert.deepEqual(framesOf(chunks, true), framesOf(chunks, false))
      }),
      { numRuns: 300 },
    )
  })

  it('are views on the chunks they came in', () => {
    const body = frame(FRAME_BODY, 7, Buffer.alloc(10_000, 'x'))
    const chunks = [Buffer.concat([HEARTBEAT_FRAME, body.subarray(0, 6000)]), body.subarray(6000)]
    const reader = new FrameReader(FRAME_MAX, true)
    for (const chunk of chunks) reader.push(chunk)
    assert.ok(reader.next())
    assert.ok(reader.next())
    assert.equal(reader.earlier[0], chunks[0])
    assert.equal(reader.earlierStart, HEARTBEAT_FRAME.length)
    assert.equal(reader.buffer, chunks[1])
    assert.ok(!reader.next())
  })

  it('keep few chunks, however they drip in', () => {
    const body = frame(FRAME_BODY, 7, Buffer.alloc(5000, 'x'))
    const drops = Array.from({ length: body.length / 4 }, (_, drop) => body.subarray(drop * 4, drop * 4 + 4))
    drops.unshift(Buffer.concat(drops.splice(0, 2)))
    const [seen] = framesOf(drops, true)
    assert.deepEqual(seen?.bytes, body)
  })

  it('fault at their end octet, again and again', () => {
    const body = frame(FRAME_BODY, 7, Buffer.alloc(10_000))
    body[body.length - 1] = FRAME_END - 1
    for (const at of [7, 6000, body.length - 1]) {
      const reader = new FrameReader(FRAME_MAX, true)
      for (const chunk of [body.subarray(0, at), body.subarray(at)]) reader.push(chunk)
      for (let again = 0; again < 2; again++) assert.throws(() => reader.next(), ConnectionFault)
      assert.equal(reader.pendingBytes, 10_000 + FRAME_OVERHEAD_BYTES)
    }
  })
})
