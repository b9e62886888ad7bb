/**
 * Collects what one read brought, so that it leaves in one write. Neighbouring frames of one chunk become one slice:
 * accepted bytes are never copied, and a run of frames costs as much as one.
 */
import type { FrameReader } from '../codec/frame.ts'

export class Gather {
  #parts: Buffer[] = []
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
    const parts = this.#parts
    this.#parts = []
    this.#bytes = 0
    return parts
  }

  #endRun(): void {
    if (this.#chunk === undefined) return
    const whole = this.#start === 0 && this.#end === this.#chunk.length
    this.#parts.push(whole ? this.#chunk : this.#chunk.subarray(this.#start, this.#end))
    this.#chunk = undefined
  }
}
