/**
 * Cutting a byte stream into frames. [AMQP §2.3.5, §4.2.2, §4.2.3]
 *
 * Knows types, channels and lengths; not what a payload means, nor whether a frame may come now (heartbeats on channel
 * 0 only, and empty, is the session's rule). Invariant: where the bytes were cut into chunks makes no difference, and
 * after a fault the same fault comes again: there is no way to get back in step with a broken stream.
 */
import { ConnectionFault } from '../faults.ts'
import {
  FRAME_BODY,
  FRAME_END,
  FRAME_HEADER,
  FRAME_HEADER_BYTES,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  FRAME_OVERHEAD_BYTES,
  PROTOCOL_HEADER,
} from './frame.ts'

const NOTHING: Buffer = Buffer.alloc(0)
const NO_CHUNKS: readonly Buffer[] = []

/** Smaller bodies are put together: that costs less than handling their parts. */
const IN_PARTS_FROM_BYTES = 4096
/** A body in more chunks than this is put together. */
const EARLIER_CHUNKS_MAX = 32

/**
 * Cuts pushed chunks into frames, one for each `next()` that returns true; the fields then describe that frame until
 * the next call. `buffer` is the pushed chunk itself where a frame lies wholly inside it, else a buffer of its own, and
 * belongs to nobody else: it may be kept as long as its bytes are needed, but must not be written to.
 *
 * A reader that hands out bodies in parts does not put together a content body that spans chunks: it lies in `earlier`,
 * from `earlierStart` in the first of these chunks to the end of the last, and goes on in `buffer` from `frameStart`.
 */
export class FrameReader {
  /** The largest whole frame that is accepted, in bytes; may be changed between frames. */
  maxFrameBytes: number
  /** Bytes pushed and not yet handed out. */
  pendingBytes = 0

  type = 0
  channel = 0
  buffer: Buffer = NOTHING
  frameStart = 0
  frameEnd = 0
  /** Of no meaning for a body in parts, whose payload begins in an earlier chunk. */
  payloadStart = 0
  payloadEnd = 0
  payloadBytes = 0
  earlier: readonly Buffer[] = NO_CHUNKS
  earlierStart = 0

  #chunk: Buffer = NOTHING
  #offset = 0
  // Chunks behind #chunk, from #first on; only filled when the owner pushes faster than it reads.
  #later: Buffer[] = []
  #first = 0
  // A frame, or the beginning of one, that spans chunks; #filled bytes of it are there.
  #assembly: Buffer = NOTHING
  #filled = 0
  // Of a frame whose first bytes span chunks; made when there is one.
  #head: Buffer = NOTHING
  // A body in parts: the chunks it lies in so far, and how many of its bytes are still to come.
  #parts: Buffer[] = []
  #partsStart = 0
  #partsChannel = 0
  #partsBytes = 0
  #missing = 0
  readonly #inParts: boolean

  /** @param bodiesInParts whether large content bodies that span chunks are handed out as they lie there */
  constructor(maxFrameBytes: number, bodiesInParts = false) {
    this.maxFrameBytes = maxFrameBytes
    this.#inParts = bodiesInParts
  }

  /** Takes bytes from the peer, cut anywhere. The chunk is the reader's, and its frames', from here on. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.pendingBytes += chunk.length
    if (this.#offset === this.#chunk.length) {
      this.#chunk = chunk
      this.#offset = 0
    } else {
      this.#later.push(chunk)
    }
  }

  /** Takes the eight bytes of the protocol header off the stream, whatever they are; undefined until they are there. */
  header(): Buffer | undefined {
    if (this.pendingBytes < PROTOCOL_HEADER.length) return undefined
    const header = Buffer.alloc(PROTOCOL_HEADER.length)
    this.#take(header, 0, header.length)
    this.pendingBytes -= header.length
    return header
  }

  /**
   * Goes to the next whole frame; false when it is not there yet.
   * @throws ConnectionFault frame-error: an unknown type, a size above `maxFrameBytes` (known from the first seven
   * bytes, before anything is kept for it), a wrong end octet.
   */
  next(): boolean {
    if (this.#missing > 0) return this.#nextInParts()
    if (this.#filled > 0) return this.#nextAssembled()
    const chunk = this.#chunk
    const start = this.#offset
    const available = chunk.length - start
    if (available < FRAME_HEADER_BYTES) {
      if (this.pendingBytes > 0) return this.#nextAssembled()
      // An idle session keeps no chunk.
      this.buffer = NOTHING
      this.earlier = NO_CHUNKS
      return false
    }
    const size = this.#checkHead(chunk, start)
    const frameBytes = size + FRAME_OVERHEAD_BYTES
    if (available < frameBytes) {
      if (!this.#inParts || frameBytes < IN_PARTS_FROM_BYTES || chunk[start] !== FRAME_BODY)
        return this.#nextAssembled()
      this.#partsStart = start
      this.#partsChannel = shortAt(chunk, start + 1)
      this.#partsBytes = size
      this.#missing = frameBytes
      return this.#nextInParts()
    }
    this.#offer(chunk, start, size)
    this.#offset = start + frameBytes
    if (this.#offset === chunk.length) this.#advance()
    return true
  }

  /** The current frame's payload: a view, or a copy where it is a body in parts. */
  payload(): Buffer {
    if (this.earlier.length === 0) return this.buffer.subarray(this.payloadStart, this.payloadEnd)
    const rest = this.buffer.subarray(this.frameStart, this.payloadEnd)
    return Buffer.concat([...this.earlier, rest]).subarray(this.earlierStart + FRAME_HEADER_BYTES)
  }

  #nextInParts(): boolean {
    while (this.#offset < this.#chunk.length) {
      const available = this.#chunk.length - this.#offset
      if (available >= this.#missing) return this.#offerParts()
      if (this.#parts.length === EARLIER_CHUNKS_MAX) return this.#assembleParts()
      this.#parts.push(this.#chunk)
      this.#missing -= available
      this.#advance()
    }
    return false
  }

  #offerParts(): true {
    const frameEnd = this.#offset + this.#missing
    checkEnd(this.#chunk, frameEnd - 1)
    this.type = FRAME_BODY
    this.channel = this.#partsChannel
    this.buffer = this.#chunk
    this.frameStart = this.payloadStart = this.#offset
    this.frameEnd = frameEnd
    this.payloadEnd = frameEnd - 1
    this.payloadBytes = this.#partsBytes
    this.earlier = this.#parts
    this.earlierStart = this.#partsStart
    this.pendingBytes -= this.#partsBytes + FRAME_OVERHEAD_BYTES
    this.#parts = []
    this.#missing = 0
    this.#offset = frameEnd
    if (frameEnd === this.#chunk.length) this.#advance()
    return true
  }

  /** From here on the body is put together after all: it comes in crumbs. */
  #assembleParts(): boolean {
    this.#assembly = Buffer.allocUnsafe(this.#partsBytes + FRAME_OVERHEAD_BYTES)
    let start = this.#partsStart
    for (const chunk of this.#parts) {
      this.#filled += chunk.copy(this.#assembly, this.#filled, start)
      start = 0
    }
    this.#parts = []
    this.#missing = 0
    return this.#nextAssembled()
  }

  #nextAssembled(): boolean {
    if (this.#assembly === NOTHING) {
      if (this.#head === NOTHING) this.#head = Buffer.alloc(FRAME_HEADER_BYTES)
      if (!this.#fill(this.#head, FRAME_HEADER_BYTES)) return false
      const size = this.#checkHead(this.#head, 0)
      const assembly = Buffer.allocUnsafe(size + FRAME_OVERHEAD_BYTES)
      this.#head.copy(assembly, 0, 0, FRAME_HEADER_BYTES)
      this.#assembly = assembly
    }
    const assembly = this.#assembly
    if (!this.#fill(assembly, assembly.length)) return false
    this.#offer(assembly, 0, assembly.length - FRAME_OVERHEAD_BYTES)
    this.#assembly = NOTHING
    this.#filled = 0
    return true
  }

  /** Copies what is there into `target` up to `wanted` bytes in all; true when they are all there. */
  #fill(target: Buffer, wanted: number): boolean {
    const missing = wanted - this.#filled
    if (missing > 0) this.#filled += this.#take(target, this.#filled, missing)
    return this.#filled === wanted
  }

  /** Moves up to `count` bytes off the chunks into `target`; returns how many. */
  #take(target: Buffer, offset: number, count: number): number {
    let taken = 0
    while (taken < count && this.#offset < this.#chunk.length) {
      const copied = this.#chunk.copy(target, offset + taken, this.#offset, this.#offset + count - taken)
      taken += copied
      this.#offset += copied
      if (this.#offset === this.#chunk.length) this.#advance()
    }
    return taken
  }

  #advance(): void {
    const next = this.#later[this.#first]
    this.#chunk = next ?? NOTHING
    this.#offset = 0
    if (next === undefined) return
    this.#first += 1
    if (this.#first === this.#later.length) {
      this.#later = []
      this.#first = 0
    }
  }

  /** Checks type and size from a frame's first seven bytes; returns the payload's size. */
  #checkHead(buffer: Buffer, start: number): number {
    const type = buffer[start] as number
    if (type !== FRAME_METHOD && type !== FRAME_HEADER && type !== FRAME_BODY && type !== FRAME_HEARTBEAT) {
      throw new ConnectionFault('frame-error', 'unknown frame type')
    }
    const size = buffer.readUInt32BE(start + 3)
    if (size + FRAME_OVERHEAD_BYTES > this.maxFrameBytes) {
      throw new ConnectionFault('frame-error', `frame larger than the ${this.maxFrameBytes} bytes agreed upon`)
    }
    return size
  }

  #offer(buffer: Buffer, start: number, size: number): void {
    const payloadEnd = start + FRAME_HEADER_BYTES + size
    checkEnd(buffer, payloadEnd)
    this.type = buffer[start] as number
    this.channel = shortAt(buffer, start + 1)
    this.buffer = buffer
    this.frameStart = start
    this.payloadStart = start + FRAME_HEADER_BYTES
    this.payloadEnd = payloadEnd
    this.payloadBytes = size
    this.frameEnd = payloadEnd + 1
    this.earlier = NO_CHUNKS
    this.pendingBytes -= size + FRAME_OVERHEAD_BYTES
  }
}

function shortAt(buffer: Buffer, at: number): number {
  return ((buffer[at] as number) << 8) | (buffer[at + 1] as number)
}

function checkEnd(buffer: Buffer, at: number): void {
  if (buffer[at] !== FRAME_END) throw new ConnectionFault('frame-error', 'wrong octet at the end of a frame')
}
