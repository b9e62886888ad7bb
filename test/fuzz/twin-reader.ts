/**
 * A reader that hands out bodies in parts, with a plain one beside it that is fed the same: each frame, each fault, and
 * how many bytes wait, has to be the same in both, and a fault has to come again.
 */
import { strict as assert } from 'node:assert/strict'
import { FRAME_BODY } from '../../proxy/codec/frame.ts'
import { FrameReader } from '../../proxy/codec/frame-reader.ts'
import { ConnectionFault } from '../../proxy/index.ts'
import { Gather } from '../../proxy/session/legs/gather.ts'

const EARLIER_CHUNKS_MAX = 32

export class TwinReader extends FrameReader {
  readonly #plain: FrameReader

  constructor(maxFrameBytes: number) {
    super(maxFrameBytes, true)
    this.#plain = new FrameReader(maxFrameBytes)
  }

  override push(chunk: Buffer): void {
    super.push(chunk)
    this.#plain.push(chunk)
  }

  /** @throws AssertionError where the two differ */
  override next(): boolean {
    const came = this.#agreed()
    assert.equal(this.pendingBytes, this.#plain.pendingBytes)
    if (typeof came !== 'boolean') {
      assert.equal(this.#agreed().toString(), came.toString(), 'another fault than before')
      throw came
    }
    if (came) this.#compare()
    return came
  }

  #agreed(): boolean | ConnectionFault {
    const own = outcome(() => super.next())
    const plain = outcome(() => this.#plain.next())
    assert.equal(own.toString(), plain.toString())
    return own
  }

  #compare(): void {
    const plain = this.#plain
    assert.equal(this.type, plain.type)
    assert.equal(this.channel, plain.channel)
    assert.equal(this.payloadBytes, plain.payloadBytes)
    assert.ok(this.payload().equals(plain.payload()), 'another payload')
    const frame = plain.buffer.subarray(plain.frameStart, plain.frameEnd)
    if (this.earlier.length === 0) {
      assert.ok(this.buffer.subarray(this.frameStart, this.frameEnd).equals(frame), 'other bytes')
      return
    }
    assert.equal(this.type, FRAME_BODY)
    assert.ok(this.earlier.length <= EARLIER_CHUNKS_MAX, 'a body in too many parts')
    const gather = new Gather()
    gather.takeFrame(this)
    assert.ok(Buffer.concat(gather.drain()).equals(frame), 'the parts are not the whole')
  }
}

function outcome(next: () => boolean): boolean | ConnectionFault {
  try {
    return next()
  } catch (error) {
    if (error instanceof ConnectionFault) return error
    throw error
  }
}
