/**
 * How many password hashes are computed at once, and how many may wait. What does not fit is turned away at once,
 * because a login that waits longer than its deadline is lost anyway. People who logged in lately from where they are
 * wait in a lane of their own, which a flood of strangers cannot fill.
 */
import { availableParallelism } from 'node:os'

/** `known`: this user logged in from this network before. */
export type Lane = 'known' | 'stranger'

export interface HashQueueLimits {
  readonly concurrencyCount: number
  /** Both lanes together; each has one half. */
  readonly waitingCount: number
  readonly maxWaitMs: number
}

/** One thread of Node's pool of four is left to files and name lookups, one processor to everything else. */
const LIMITS: HashQueueLimits = {
  concurrencyCount: Math.max(1, Math.min(3, availableParallelism() - 1)),
  waitingCount: 64,
  maxWaitMs: 3000,
}

export class HashQueue {
  readonly #limits: HashQueueLimits
  readonly #lanes: Readonly<Record<Lane, (() => void)[]>> = { known: [], stranger: [] }
  #running = 0
  /** How long one hash takes: moving average. */
  #jobMs = 0

  constructor(limits: Partial<HashQueueLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits }
  }

  /** Whether one more would be turned away. */
  isFull(lane: Lane): boolean {
    const { concurrencyCount, waitingCount, maxWaitMs } = this.#limits
    if (this.#running < concurrencyCount) return false
    const ahead = this.#lanes.known.length + (lane === 'stranger' ? this.#lanes.stranger.length : 0)
    return this.#lanes[lane].length >= waitingCount / 2 || (ahead * this.#jobMs) / concurrencyCount > maxWaitMs
  }

  /** Runs the work when its turn comes. The caller has asked `isFull` before; a full queue throws RangeError. */
  async run<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
    if (this.isFull(lane)) throw new RangeError('the queue is full')
    if (this.#running >= this.#limits.concurrencyCount) {
      // Whoever ends hands its place over, so the count of those running stays.
      await new Promise<void>((resolve) => this.#lanes[lane].push(resolve))
    } else {
      this.#running += 1
    }
    const startedAtMs = performance.now()
    try {
      return await work()
    } finally {
      this.#jobMs += (performance.now() - startedAtMs - this.#jobMs) / 8
      const next = this.#lanes.known.shift() ?? this.#lanes.stranger.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}
