/**
 * How long the event loop keeps others waiting; each reader gets the longest delay since it read last. Not by Node's
 * `monitorEventLoopDelay`: it forgets at each reset what it has not yet looked at.
 */

/** Between two looks: a delay may be as much longer than it is said to be. Each look wakes an idle process, which costs it more. */
const EVERY_MS = 50

export class LoopDelay {
  readonly #longestMs: number[] = []
  readonly #looks = setInterval(() => {
    this.#look()
    this.#dueMs = performance.now() + EVERY_MS
  }, EVERY_MS).unref()
  /** When the next look is due, or until when the delay of it is known. */
  #dueMs = performance.now() + EVERY_MS

  /** @returns reads the longest delay since the last look, in ms */
  reader(): () => number {
    const own = this.#longestMs.push(0) - 1
    return () => {
      this.#look()
      const longestMs = this.#longestMs[own] ?? 0
      this.#longestMs[own] = 0
      return longestMs
    }
  }

  close(): void {
    clearInterval(this.#looks)
    this.#dueMs = Number.POSITIVE_INFINITY
  }

  #look(): void {
    const nowMs = performance.now()
    const lateMs = nowMs - this.#dueMs
    if (lateMs <= 0) return
    this.#dueMs = nowMs
    for (const [index, longestMs] of this.#longestMs.entries()) this.#longestMs[index] = Math.max(longestMs, lateMs)
  }
}
