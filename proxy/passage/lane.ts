/**
 * One direction of a passage: bytes go on as they arrive, and the lane knows where frames begin. Methods of channel 0 are
 * shown to their owner, who may keep one back; a frame of its own goes between two others. [AMQP §2.3.5, §4.2.3]
 *
 * It judges nothing: that is the gateway's work. So it keeps no frame, only the first bytes of one that spans chunks.
 */
import { FRAME_HEADER_BYTES, FRAME_METHOD, FRAME_OVERHEAD_BYTES } from '../codec/frame.ts'
import { METHOD_IDS_BYTES, METHOD_NAMES, methodIndexAt } from '../codec/method.ts'
import type { MethodName } from '../codec/spec.ts'

/** Of a method's arguments, as much as anybody here reads: two numbers of `tune-ok`, the code of `close`. */
const SHOWN_ARGUMENT_BYTES = 6
const PAYLOAD_SHOWN_BYTES = METHOD_IDS_BYTES + SHOWN_ARGUMENT_BYTES
const HEAD_BYTES = FRAME_HEADER_BYTES + PAYLOAD_SHOWN_BYTES

/**
 * Looks at a method of channel 0.
 * @param method undefined for one that AMQP 0-9-1 does not have
 * @param shown the beginning of its arguments, six bytes at most; not to be kept
 * @returns whether it goes on
 */
export type Look = (method: MethodName | undefined, shown: Buffer) => boolean

export class FrameLane {
  readonly #look: Look
  readonly #write: (bytes: Buffer) => void
  /** The first bytes of a frame; they go on when enough are there to judge by. */
  readonly #head = Buffer.alloc(HEAD_BYTES)
  #filled = 0
  /** Bytes of the current frame that are still to come. */
  #left = 0
  #keepsBack = false
  #waiting: Buffer[] = []

  /** @param write takes what goes on; a view of a chunk, or a buffer of its own */
  constructor(look: Look, write: (bytes: Buffer) => void) {
    this.#look = look
    this.#write = write
  }

  /** Whether all that has arrived are whole frames. */
  get isBetweenFrames(): boolean {
    return this.#left === 0 && this.#filled === 0
  }

  /** Sends a whole frame of the owner's as soon as no other one is on its way. */
  insert(frame: Buffer): void {
    if (this.isBetweenFrames) this.#write(frame)
    else this.#waiting.push(frame)
  }

  push(chunk: Buffer): void {
    /** Where the bytes begin that are still to go on. */
    let from = 0
    let at = 0
    while (at < chunk.length) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, chunk.length - at)
        this.#left -= step
        at += step
        if (this.#keepsBack) from = at
        continue
      }
      const begin = at
      const spans = this.#filled > 0
      at += this.#take(chunk, at)
      if (this.#filled < this.#wanted()) {
        if (!spans) this.#pass(chunk, from, begin)
        from = at
        break
      }
      const goesOn = this.#judge()
      if (!goesOn || spans || this.#waiting.length > 0) {
        this.#pass(chunk, from, begin)
        this.#flush()
        if (goesOn && spans) this.#write(Buffer.from(this.#head.subarray(0, this.#filled)))
        from = goesOn && !spans ? begin : at
      }
      this.#keepsBack = !goesOn
      this.#left = this.#head.readUInt32BE(3) + FRAME_OVERHEAD_BYTES - this.#filled
      this.#filled = 0
    }
    this.#pass(chunk, from, at)
    if (this.isBetweenFrames) this.#flush()
  }

  /** Moves bytes to the head until there are enough. */
  #take(chunk: Buffer, at: number): number {
    let taken = 0
    for (let wanted = this.#wanted(); this.#filled < wanted && at + taken < chunk.length; wanted = this.#wanted()) {
      const copied = chunk.copy(this.#head, this.#filled, at + taken, at + taken + wanted - this.#filled)
      this.#filled += copied
      taken += copied
    }
    return taken
  }

  /** So much of a frame has to be there: more where it is a method of channel 0. */
  #wanted(): number {
    if (this.#filled < FRAME_HEADER_BYTES || !this.#isForChannelZero()) return FRAME_HEADER_BYTES
    return FRAME_HEADER_BYTES + Math.min(this.#head.readUInt32BE(3), PAYLOAD_SHOWN_BYTES)
  }

  #isForChannelZero(): boolean {
    return this.#head[0] === FRAME_METHOD && this.#head[1] === 0 && this.#head[2] === 0
  }

  #judge(): boolean {
    if (!this.#isForChannelZero()) return true
    const method = METHOD_NAMES[methodIndexAt(this.#head, FRAME_HEADER_BYTES, this.#filled)]
    return this.#look(method, this.#head.subarray(FRAME_HEADER_BYTES + METHOD_IDS_BYTES, this.#filled))
  }

  #pass(chunk: Buffer, from: number, to: number): void {
    if (from >= to) return
    this.#write(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to))
  }

  #flush(): void {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const frame of waiting) this.#write(frame)
  }
}
