/** How long the event loop keeps others waiting; each reader gets the longest delay since it read last. */
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Between two looks of Node's. It says how long that took, the delay included. */
const EVERY_MS = 20

export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: EVERY_MS })
  readonly #longestMs: number[] = []
  /** Node measures nothing from a reset to its next look: this timer does. */
  #gap: NodeJS.Timeout | undefined
  #gapSinceMs = 0
  #longestGapMs = 0

  constructor() {
    this.#histogram.enable()
  }

  /** @returns reads the longest delay since the last look, in ms */
  reader(): () => number {
    const own = this.#longestMs.push(0) - 1
    return () => {
      const latestMs = this.#latest()
      for (const [index, longestMs] of this.#longestMs.entries()) this.#longestMs[index] = Math.max(longestMs, latestMs)
      const longestMs = this.#longestMs[own] ?? 0
      this.#longestMs[own] = 0
      return longestMs
    }
  }

  close(): void {
    this.#histogram.disable()
    clearTimeout(this.#gap)
  }

  #latest(): number {
    if (this.#gap !== undefined) this.#closeGap()
    const latestMs = Math.max(0, this.#histogram.max / 1e6 - EVERY_MS, this.#longestGapMs)
    this.#histogram.reset()
    this.#longestGapMs = 0
    this.#gapSinceMs = performance.now()
    this.#gap = setTimeout(() => this.#closeGap(), EVERY_MS).unref()
    return latestMs
  }

  #closeGap(): void {
    clearTimeout(this.#gap)
    this.#gap = undefined
    this.#longestGapMs = Math.max(this.#longestGapMs, performance.now() - this.#gapSinceMs - EVERY_MS)
  }
}
