/**
 * When the broker's socket is read. A broker writes deliveries as it has them, and a reader that keeps up with it wakes
 * for one or two at a time, with a read and a write of its own for each. Where they come densely the socket is left
 * alone for a millisecond: it gathers them, and one read and one write serve dozens.
 *
 * Invariant: what is late by it is late by one rest, and what answers within 2 ms is not late at all. Whatever is written
 * to the broker ends a rest, and none begins within 2 ms of that, nor in the middle of a frame. A window of messages that
 * is acknowledged as it comes is therefore not slowed down.
 */
import type { Duplex } from 'node:stream'

/** How long a rest is; timers are late by up to a millisecond. */
const REST_MS = 1
/** Less than that is not worth a delay: it is some dozens of the smallest deliveries. */
const DENSE_BYTES_PER_MS = 2048
/** A read that brings so much needs no help. */
const LARGE_READ_BYTES = 32_768
/** Longer than it takes for a window to be delivered and acknowledged on one machine or in one data centre. */
const UNPROMPTED_MS = 2
/** Over so long at least, rests included, it is counted how densely bytes come. */
const COUNT_MS = 1

export class BrokerReads {
  readonly #stream: Duplex
  readonly #mayRest: boolean
  readonly #onRested = (): void => this.#endRest()
  #timer: NodeJS.Timeout | undefined
  #isPaused = false
  #isResting = false
  /** The next chunk was read before the pause took effect; what the rest has gathered follows it. */
  #isStale = false
  /** Something was written to the broker since `arrived` was called last. */
  #isPrompted = false
  #promptedMs = 0
  #isDense = false
  #countedSinceMs = 0
  #countedBytes = 0

  /**
   * @param gathers whether a rest brings larger reads. The stream's readable high watermark is to be 1 then: a paused
   * socket reads on until so many bytes wait in memory, and a rest is to gather them in the operating system.
   */
  constructor(stream: Duplex, gathers: boolean) {
    this.#stream = stream
    this.#mayRest = gathers
  }

  /** Whether reading was stopped from outside; a rest does not count. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Reads no more until `resume`. */
  pause(): void {
    this.#isPaused = true
    this.#stream.pause()
  }

  /** Reads on at once, also from a rest. */
  resume(): void {
    this.#isPaused = false
    this.#readOn()
  }

  /** To be called when something is written to the broker: what it says next may be the answer. */
  prompted(): void {
    this.#isPrompted = true
    this.#endRest()
  }

  /**
   * To be called for each chunk when it has been dealt with; may begin a rest.
   * @param unreadBytes of it and of what came before it, which belong to a frame that is not whole yet
   */
  arrived(bytes: number, unreadBytes: number, nowMs: number = performance.now()): void {
    if (!this.#mayRest) return
    if (this.#isPrompted) {
      this.#isPrompted = false
      this.#promptedMs = nowMs
    }
    this.#countedBytes += bytes
    if (this.#isStale) {
      this.#isStale = false
      return
    }
    const countedMs = nowMs - this.#countedSinceMs
    if (countedMs > COUNT_MS) {
      this.#isDense = this.#countedBytes > countedMs * DENSE_BYTES_PER_MS
      this.#countedSinceMs = nowMs
      this.#countedBytes = 0
    }
    if (!this.#isDense || this.#isPaused || bytes >= LARGE_READ_BYTES) return
    const endsNothing = unreadBytes >= bytes
    if (!endsNothing && nowMs - this.#promptedMs > UNPROMPTED_MS) this.#rest()
  }

  #rest(): void {
    this.#isResting = true
    this.#stream.pause()
    // One timer for all rests: there are hundreds each second.
    if (this.#timer === undefined) this.#timer = setTimeout(this.#onRested, REST_MS)
    else this.#timer.refresh()
  }

  #endRest(): void {
    if (this.#isResting) this.#readOn()
  }

  #readOn(): void {
    this.#isResting = false
    this.#isStale = true
    if (!this.#isPaused) this.#stream.resume()
  }
}
