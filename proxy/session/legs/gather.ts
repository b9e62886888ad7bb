/**
 * Collects what one read brought, so that it leaves in one write. Neighbouring frames of one chunk are one run, and a run
 * is a slice of the chunk: what is large is never copied. Small runs that follow each other leave as one buffer: where
 * every content header is written anew there are three for each message, and copying them costs less than handing them
 * to the operating system one by one.
 */
import type { FrameReader } from '../../codec/frame-reader.ts'
import { copyBytes } from '../../codec/wire.ts'

/** Runs of fewer bytes are put together with their neighbours. */
const SMALL_BYTES = 2048

export class Gather {
  /** The runs before the current one: each its chunk, and its start and end in it. */
  #chunks: Buffer[] = []
  #bounds: number[] = []
  #chunk: Buffer | undefined
  #start = 0
  #end = 0
  #bytes = 0

  /** Bytes collected since the last `drain`. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds `chunk[start, end)` as a view; the chunk must stay as it is until it has been written. */
  take(chunk: Buffer, start: number, end: number): void {
    this.#bytes += end - start
    if (chunk === this.#chunk && start === this.#end) {
      this.#end = end
      return
    }
    this.#endRun()
    this.#chunk = chunk
    this.#start = start
    this.#end = end
  }

  /** Adds the reader's current frame, wherever it lies. */
  takeFrame(reader: FrameReader): void {
    let start = reader.earlierStart
    for (const chunk of reader.earlier) {
      this.take(chunk, start, chunk.length)
      start = 0
    }
    this.take(reader.buffer, reader.frameStart, reader.frameEnd)
  }

  /** Adds a whole buffer, which belongs to the gather from here on. */
  add(frame: Buffer): void {
    this.take(frame, 0, frame.length)
  }

  /** Everything collected, in order; the gather is empty afterwards. */
  drain(): Buffer[] {
    this.#endRun()
    const count = this.#chunks.length
    const parts: Buffer[] = []
    for (let from = 0; from < count; ) {
      let to = from
      let bytes = 0
      for (; to < count && this.#sizeOf(to) < SMALL_BYTES; to++) bytes += this.#sizeOf(to)
      // One small run between large ones has no neighbour to be put together with.
      if (to - from < 2) parts.push(this.#slice(from++))
      else {
        parts.push(this.#joined(from, to, bytes))
        from = to
      }
    }
    if (count > 0) {
      this.#chunks = []
      this.#bounds = []
    }
    this.#bytes = 0
    return parts
  }

  #sizeOf(run: number): number {
    return (this.#bounds[2 * run + 1] as number) - (this.#bounds[2 * run] as number)
  }

  #slice(run: number): Buffer {
    const chunk = this.#chunks[run] as Buffer
    return this.#sizeOf(run) === chunk.length ? chunk : chunk.subarray(this.#bounds[2 * run], this.#bounds[2 * run + 1])
  }

  #joined(from: number, to: number, bytes: number): Buffer {
    const joined = Buffer.allocUnsafe(bytes)
    let at = 0
    for (let run = from; run < to; run++) {
      const start = this.#bounds[2 * run] as number
      at = copyBytes(joined, at, this.#chunks[run] as Buffer, start, start + this.#sizeOf(run))
    }
    return joined
  }

  #endRun(): void {
    if (this.#chunk === undefined) return
    this.#chunks.push(this.#chunk)
    this.#bounds.push(this.#start, this.#end)
    this.#chunk = undefined
  }
}
