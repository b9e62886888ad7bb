/** How long the event loop keeps others waiting; each reader gets the longest delay since it read last. */
import { monitorEventLoopDelay } from 'node:perf_hooks'

export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: 20 })
  readonly #longestMs: number[] = []

  constructor() {
    this.#histogram.enable()
  }

  /** @returns reads the longest delay since the last look, in ms */
  reader(): () => number {
    const own = this.#longestMs.push(0) - 1
    return () => {
      const latestMs = this.#histogram.max / 1e6
      this.#histogram.reset()
      for (const [index, longestMs] of this.#longestMs.entries()) this.#longestMs[index] = Math.max(longestMs, latestMs)
      const longestMs = this.#longestMs[own] ?? 0
      this.#longestMs[own] = 0
      return longestMs
    }
  }

  close(): void {
    this.#histogram.disable()
  }
}
