/**
 * How many password hashes are computed at once, and how many may wait. What does not fit is turned away at once,
 * because a login that waits longer than its deadline is lost anyway. People who logged in lately from where they are
 * wait in a lane of their own, which a flood of strangers cannot fill; names that nobody is guessing at come before
 * those that somebody is, but not always.
 */
import { availableParallelism } from 'node:os'

/** `known`: this user logged in from this network before. `quiet`: lately nobody was wrong about this user. */
export type Lane = 'known' | 'quiet' | 'stranger'

/** Who comes first. */
const LANES: readonly Lane[] = ['known', 'quiet', 'stranger']
const LAST_FIRST: readonly Lane[] = [...LANES].reverse()
/** Every so many places go to those who come last: a flood of the others keeps nobody out for ever. */
const LAST_FIRST_EVERY = 4

export interface HashQueueLimits {
  readonly concurrencyCount: number
  readonly waitingPerLaneCount: number
  readonly maxWaitMs: number
}

/** One thread of Node's pool of four is left to files and name lookups, one processor to everything else. */
const LIMITS: HashQueueLimits = {
  concurrencyCount: Math.max(1, Math.min(3, availableParallelism() - 1)),
  waitingPerLaneCount: 32,
  maxWaitMs: 3000,
}

/** There is too much to do; the work was not begun. */
export class TooBusy extends RangeError {
  override readonly name = 'TooBusy'
}

export class HashQueue {
  readonly #limits: HashQueueLimits
  readonly #lanes: Readonly<Record<Lane, (() => void)[]>> = { known: [], quiet: [], stranger: [] }
  #running = 0
  #handedOverCount = 0
  /** How long one hash takes: moving average. */
  #jobMs = 0

  constructor(limits: Partial<HashQueueLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits }
  }

  /** Whether one more would be turned away. */
  isFull(lane: Lane): boolean {
    const { concurrencyCount, waitingPerLaneCount, maxWaitMs } = this.#limits
    if (this.#running < concurrencyCount) return false
    const before = LANES.slice(0, LANES.indexOf(lane) + 1)
    const ahead = before.reduce((sum, one) => sum + this.#lanes[one].length, 0)
    return this.#lanes[lane].length >= waitingPerLaneCount || (ahead * this.#jobMs) / concurrencyCount > maxWaitMs
  }

  /**
   * Runs the work when its turn comes.
   * @throws {TooBusy} where the queue is full, or others came first for too long
   */
  async run<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
    if (this.isFull(lane)) throw new TooBusy('the queue is full')
    if (this.#running >= this.#limits.concurrencyCount) {
      // Whoever ends hands its place over, so the count of those running stays.
      await this.#turn(this.#lanes[lane])
    } else {
      this.#running += 1
    }
    const startedAtMs = performance.now()
    try {
      return await work()
    } finally {
      this.#jobMs += (performance.now() - startedAtMs - this.#jobMs) / 8
      this.#handedOverCount += 1
      const order = this.#handedOverCount % LAST_FIRST_EVERY === 0 ? LAST_FIRST : LANES
      const next = order.find((one) => this.#lanes[one].length > 0)
      if (next === undefined) this.#running -= 1
      else this.#lanes[next].shift()?.()
    }
  }

  #turn(lane: (() => void)[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = () => {
        clearTimeout(late)
        resolve()
      }
      const late = setTimeout(() => {
        lane.splice(lane.indexOf(begin), 1)
        reject(new TooBusy('others came first for too long'))
      }, this.#limits.maxWaitMs)
      lane.push(begin)
    })
  }
}
