/** Bounds audit events that strangers can cause at will: so many in a while, and a count of those that were left out. */
const WINDOW_MS = 10_000
/** In a window, written one by one. */
const REFUSALS_PER_WINDOW = 1_000

export class RefusalWindow {
  readonly #nowMs: () => number
  #windowMs = Number.NEGATIVE_INFINITY
  #written = 0
  #suppressed = 0

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** Whether one more refusal is written in this window. */
  admits(): boolean {
    const nowMs = this.#nowMs()
    if (nowMs - this.#windowMs >= WINDOW_MS) {
      this.#windowMs = nowMs
      this.#written = 0
    }
    if (this.#written++ < REFUSALS_PER_WINDOW) return true
    this.#suppressed++
    return false
  }

  /** How many were left out since the last line that said so; undefined: none. */
  suppressed(): number | undefined {
    return this.#suppressed > 0 ? this.#suppressed : undefined
  }

  /** A line that says so has been written. */
  told(): void {
    this.#suppressed = 0
  }
}
