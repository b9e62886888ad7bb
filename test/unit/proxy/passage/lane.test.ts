import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FRAME_BODY, FRAME_METHOD, frame, HEARTBEAT_FRAME } from '../../../../proxy/codec/frame.ts'
import { methodFrame } from '../../../../proxy/codec/method.ts'
import { FrameLane } from '../../../../proxy/passage/lane.ts'

const SECRET = methodFrame(0, 'connection.update-secret', { newSecret: Buffer.alloc(300, 'x'), reason: 'renewed' })
const ANSWER = methodFrame(0, 'connection.update-secret-ok', {})
const CLOSE = methodFrame(0, 'connection.close', { replyCode: 320, replyText: 'over', classId: 0, methodId: 0 })
const FRAMES = [
  SECRET,
  ANSWER,
  CLOSE,
  HEARTBEAT_FRAME,
  frame(FRAME_BODY, 1, Buffer.alloc(0)),
  frame(FRAME_BODY, 7, Buffer.alloc(5_000, 'y')),
  methodFrame(1, 'channel.open', {}),
  frame(FRAME_METHOD, 0, Buffer.from([0, 10])),
]

/** None of those. */
const OWN = methodFrame(0, 'connection.close-ok', {})

/** A lane that keeps back all that concerns secrets. */
function rig() {
  const written: Buffer[] = []
  const seen: (string | undefined)[] = []
  const lane = new FrameLane(
    (method, shown) => {
      seen.push(method === 'connection.close' ? `${method} ${shown.readUInt16BE(0)}` : method)
      return method?.startsWith('connection.update-secret') !== true
    },
    (bytes) => written.push(bytes),
  )
  return { lane, seen, written, bytes: () => Buffer.concat(written) }
}

describe('a lane', () => {
  it('passes on a chunk as it is, where nothing is to be done', () => {
    const { lane, written } = rig()
    const chunk = Buffer.concat(FRAMES.slice(2, 7))
    lane.push(chunk)
    assert.equal(written[0], chunk)
    assert.equal(written.length, 1)
  })

  it('shows methods of channel 0 with the beginning of their arguments, and unknown ones as such', () => {
    const { lane, seen } = rig()
    lane.push(Buffer.concat(FRAMES))
    assert.deepEqual(seen, [
      'connection.update-secret',
      'connection.update-secret-ok',
      'connection.close 320',
      undefined,
    ])
  })

  it('lets an own frame in between two others, never within one', () => {
    const { lane, bytes } = rig()
    const body = FRAMES[5] as Buffer
    lane.push(body.subarray(0, 8))
    assert.equal(lane.isBetweenFrames, false)
    lane.insert(ANSWER)
    lane.push(body.subarray(8, 4_000))
    lane.push(Buffer.concat([body.subarray(4_000), HEARTBEAT_FRAME]))
    assert.ok(bytes().equals(Buffer.concat([body, ANSWER, HEARTBEAT_FRAME])))
    assert.equal(lane.isBetweenFrames, true)
  })

  it('lets it in at once where it is between frames', () => {
    const { lane, bytes } = rig()
    lane.insert(ANSWER)
    assert.ok(bytes().equals(ANSWER))
  })

  it('gives the same bytes however they were cut, and wherever own frames came', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...FRAMES), { maxLength: 12 }),
        fc.array(fc.nat(20_000), { maxLength: 40 }),
        fc.nat(12),
        (frames, cuts, insertAt) => {
          const whole = Buffer.concat(frames)
          const places = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b)
          const { lane, bytes } = rig()
          let from = 0
          let n = 0
          for (const place of [...places, whole.length]) {
            if (n++ === insertAt) lane.insert(OWN)
            lane.push(whole.subarray(from, place))
            from = place
          }
          const kept = frames.filter((one) => one !== SECRET && one !== ANSWER)
          const got = framesOf(bytes())
          const own = got.findIndex((one) => one.equals(OWN))
          assert.equal(own !== -1, n > insertAt)
          if (own !== -1) got.splice(own, 1)
          assert.ok(Buffer.concat(got).equals(Buffer.concat(kept)))
        },
      ),
      { numRuns: 500 },
    )
  })
})

function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + bytes.readUInt32BE(at + 3) + 8
    assert.equal(bytes[end - 1], 0xce)
    frames.push(bytes.subarray(at, end))
    at = end
  }
  return frames
}
