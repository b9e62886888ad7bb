import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  FRAME_BODY,
  FRAME_END,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  frame,
  HEARTBEAT_FRAME,
  PROTOCOL_HEADER,
  sealFrame,
} from '../../../../proxy/codec/frame.ts'
import { FrameReader } from '../../../../proxy/codec/frame-reader.ts'
import { ConnectionFault } from '../../../../proxy/faults.ts'

const FRAME_MAX = 4096

function readerWith(...chunks: Buffer[]): FrameReader {
  const reader = new FrameReader(FRAME_MAX)
  for (const chunk of chunks) reader.push(chunk)
  return reader
}

function payload(reader: FrameReader): string {
  return reader.buffer.toString('utf8', reader.payloadStart, reader.payloadEnd)
}

function faultOf(run: () => unknown): ConnectionFault {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof ConnectionFault)
    return error
  }
  assert.fail('expected a fault')
}

const HELLO = frame(FRAME_BODY, 258, Buffer.from('hello'))

describe('FrameReader', () => {
  it('reads a frame wholly inside a chunk as a view on that chunk', () => {
    const chunk = Buffer.concat([Buffer.from('--'), HELLO, HEARTBEAT_FRAME]).subarray(2)
    const reader = readerWith(chunk)
    assert.equal(reader.next(), true)
    assert.equal(reader.buffer, chunk)
    assert.deepEqual([reader.type, reader.channel, payload(reader)], [FRAME_BODY, 258, 'hello'])
    assert.deepEqual(reader.buffer.subarray(reader.frameStart, reader.frameEnd), HELLO)
    assert.equal(reader.next(), true)
    assert.deepEqual([reader.type, reader.channel, payload(reader)], [FRAME_HEARTBEAT, 0, ''])
    assert.equal(reader.next(), false)
    assert.equal(reader.pendingBytes, 0)
  })

  it('assembles a frame that spans chunks once, and goes on with views', () => {
    const last = Buffer.concat([HELLO.subarray(9), HELLO])
    const reader = readerWith(HELLO.subarray(0, 3))
    assert.equal(reader.next(), false)
    reader.push(HELLO.subarray(3, 9))
    assert.equal(reader.next(), false)
    assert.equal(reader.pendingBytes, 9)
    reader.push(last)
    assert.equal(reader.next(), true)
    assert.equal(payload(reader), 'hello')
    assert.notEqual(reader.buffer, last)
    assert.equal(reader.next(), true)
    assert.equal(reader.buffer, last)
    assert.equal(payload(reader), 'hello')
    assert.equal(reader.next(), false)
  })

  it('C20 reads one octet at a time', () => {
    const reader = new FrameReader(FRAME_MAX)
    const stream = Buffer.concat([HEARTBEAT_FRAME, HELLO, HEARTBEAT_FRAME])
    const types: number[] = []
    for (const octet of stream) {
      reader.push(Buffer.from([octet]))
      while (reader.next()) types.push(reader.type)
    }
    assert.deepEqual(types, [FRAME_HEARTBEAT, FRAME_BODY, FRAME_HEARTBEAT])
    assert.equal(reader.pendingBytes, 0)
  })

  it('keeps the order of chunks that were pushed before it was asked', () => {
    const reader = readerWith(HELLO.subarray(0, 8), Buffer.alloc(0), HELLO.subarray(8), HEARTBEAT_FRAME, HELLO)
    const types: number[] = []
    while (reader.next()) types.push(reader.type)
    assert.deepEqual(types, [FRAME_BODY, FRAME_HEARTBEAT, FRAME_BODY])
  })

  it('hands out a frame that later chunks do not overwrite', () => {
    const reader = readerWith(HELLO.subarray(0, 4), HELLO.subarray(4))
    assert.ok(reader.next())
    const kept = reader.buffer.subarray(reader.frameStart, reader.frameEnd)
    reader.push(frame(FRAME_BODY, 1, Buffer.from('other')).subarray(0, 6))
    assert.ok(!reader.next())
    assert.deepEqual(kept, HELLO)
  })

  it('C1 C2 accepts a frame of exactly the maximum and refuses one octet more, from its first seven octets', () => {
    const largest = frame(FRAME_BODY, 1, Buffer.alloc(FRAME_MAX - 8))
    assert.equal(readerWith(largest).next(), true)
    const larger = frame(FRAME_BODY, 1, Buffer.alloc(FRAME_MAX - 7))
    assert.equal(readerWith(larger.subarray(0, 6)).next(), false)
    assert.equal(faultOf(() => readerWith(larger.subarray(0, 7)).next()).replyCode, 501)
    assert.equal(faultOf(() => readerWith(larger.subarray(0, 3), larger.subarray(3, 7)).next()).replyCode, 501)
  })

  it('C2 reads sizes unsigned', () => {
    const fault = faultOf(() => readerWith(Buffer.from([1, 0, 0, 0xff, 0xff, 0xff, 0xff])).next())
    assert.equal(fault.replyText, 'FRAME_ERROR - frame larger than the 4096 bytes agreed upon')
  })

  it('takes a new maximum from the next frame on', () => {
    const reader = readerWith(frame(FRAME_BODY, 1, Buffer.alloc(5000)))
    reader.maxFrameBytes = 8192
    assert.equal(reader.next(), true)
  })

  it('C4 refuses every other frame type', () => {
    for (let type = 0; type < 256; type += 1) {
      const reader = readerWith(frame(type, 0, Buffer.alloc(0)))
      if ([1, 2, 3, 8].includes(type)) assert.equal(reader.next(), true)
      else assert.equal(faultOf(() => reader.next()).replyText, 'FRAME_ERROR - unknown frame type')
    }
  })

  it('C3 refuses every other end octet', () => {
    for (let octet = 0; octet < 256; octet += 1) {
      const reader = readerWith(Buffer.concat([HELLO.subarray(0, -1), Buffer.from([octet])]))
      if (octet === FRAME_END) assert.equal(reader.next(), true)
      else assert.equal(faultOf(() => reader.next()).replyText, 'FRAME_ERROR - wrong octet at the end of a frame')
    }
  })

  it('C3 never gets back in step after a fault', () => {
    for (const cutAt of [0, 3, HELLO.length - 1]) {
      const broken = Buffer.from(HELLO)
      broken[broken.length - 1] = 0xcd
      const reader = readerWith(broken.subarray(0, cutAt))
      assert.equal(reader.next(), false)
      reader.push(broken.subarray(cutAt))
      assert.equal(faultOf(() => reader.next()).replyCode, 501)
      reader.push(HELLO)
      assert.equal(faultOf(() => reader.next()).replyCode, 501)
    }
    const empty = Buffer.from(HEARTBEAT_FRAME)
    empty[7] = 0
    const reader = readerWith(empty.subarray(0, 2), empty.subarray(2))
    assert.equal(faultOf(() => reader.next()).replyCode, 501)
    assert.equal(faultOf(() => reader.next()).replyCode, 501)
  })

  it('C3 is not misled by an end octet inside a payload', () => {
    const inside = frame(FRAME_BODY, 1, Buffer.alloc(20, 0xce))
    const reader = readerWith(inside.subarray(0, 12), inside.subarray(12))
    assert.equal(reader.next(), true)
    assert.equal(reader.payloadEnd - reader.payloadStart, 20)
  })

  it('C20 takes the first eight octets, however cut, and leaves the rest', () => {
    for (let at = 0; at <= 8; at += 1) {
      const reader = readerWith(PROTOCOL_HEADER.subarray(0, at))
      if (at < 8) assert.equal(reader.header(), undefined)
      reader.push(Buffer.concat([PROTOCOL_HEADER.subarray(at), HELLO]))
      assert.deepEqual(reader.header(), PROTOCOL_HEADER)
      assert.equal(reader.pendingBytes, HELLO.length)
      assert.ok(reader.next())
      assert.equal(payload(reader), 'hello')
    }
  })
})

describe('building frames', () => {
  it('writes type, channel, size and end around a copy', () => {
    const body = Buffer.from('abc')
    const whole = frame(FRAME_METHOD, 0x0102, body)
    body.fill(0)
    assert.equal(whole.toString('hex'), '010102000000036162' + '63ce')
  })

  it('refuses a channel that does not fit', () => {
    for (const channel of [-1, 65536, 1.5, Number.NaN]) {
      assert.throws(() => frame(FRAME_METHOD, channel, Buffer.alloc(0)), RangeError, String(channel))
    }
  })

  it('seals a frame in place', () => {
    const buffer = Buffer.alloc(12, 0x2e)
    sealFrame(buffer, 1, FRAME_BODY, 7, 2)
    assert.equal(buffer.toString('hex'), '2e' + '0300070000000' + '2' + '2e2e' + 'ce' + '2e')
  })
})
