/**
 * Draining: the gateway says that it is not ready, and still takes sessions for a while, as balancers lag. Then it takes
 * none, ends those it has evenly, each at a quiet point, and cuts what is left. Nothing of it needs the process to end: it
 * can be called off.
 */
import { DRAIN } from './end-requests.ts'
import type { Sessions } from './registry.ts'

/** As in the configuration, in ms. */
export interface DrainTerms {
  /** Sessions end evenly over so long. */
  readonly over: number
  /** How long each of them may take to come to a quiet point. */
  readonly quiet: number
  /** How long sessions are still taken. */
  readonly lameDuck: number
}

/** The cut comes no earlier: clients are to read why. */
const EARLIEST_CUT_MS = 500
/** The part of `quiet` that a session which came to no quiet point has to tell its client why it ends. */
const LAST_WORDS = { part: 0.1, mostMs: 250 } as const
/** How long after the cut a session may still take to report its end. */
const GIVE_UP_MS = 5_000

export class Drain {
  readonly #sessions: Sessions
  #round: Round | undefined

  constructor(sessions: Sessions) {
    this.#sessions = sessions
  }

  /** Not ready: whoever asks is to be sent elsewhere. Stays so after the end. */
  get isOn(): boolean {
    return this.#round !== undefined
  }

  /** Nobody is taken any more. */
  get refuses(): boolean {
    return this.#round?.refuses === true
  }

  /**
   * Drains, by these terms instead of those of a drain that is on already.
   * @param refusing called when nobody is taken any more
   * @returns resolves when none is left, or soon after the cut, or when it is called off
   */
  async begin({ over, quiet, lameDuck }: DrainTerms, refusing = () => {}): Promise<void> {
    const before = this.#round
    before?.stop()
    // Nobody is taken again in between.
    const round = new Round(this.#sessions, { over, quiet, lameDuck: before?.refuses === true ? 0 : lameDuck })
    this.#round = round
    await round.run(refusing)
  }

  /**
   * Calls it off: sessions are taken again, and those whose turn has not come go on.
   * @returns whether there was one
   */
  cancel(): boolean {
    const round = this.#round
    this.#round = undefined
    round?.stop()
    return round !== undefined
  }

  /** Waits for nothing any more: ends every session and drops its client's socket. */
  cut(): void {
    this.#round?.hurry()
    this.#sessions.cut(DRAIN)
  }
}

/** One drain, from its beginning to its end. */
class Round {
  readonly #sessions: Sessions
  readonly #terms: DrainTerms
  readonly #stopped: Promise<void>
  readonly #timers = new Set<NodeJS.Timeout>()
  #isStopped = false
  #stop = () => {}
  #hurry = () => {}
  refuses = false

  constructor(sessions: Sessions, terms: DrainTerms) {
    this.#sessions = sessions
    this.#terms = terms
    this.refuses = terms.lameDuck === 0
    this.#stopped = new Promise<void>((resolve) => {
      this.#stop = resolve
    })
  }

  async run(refusing: () => void): Promise<void> {
    const { over, quiet, lameDuck } = this.#terms
    if (lameDuck > 0) await Promise.race([this.#passed(lameDuck), this.#hurried(), this.#stopped])
    if (this.#isStopped) return
    this.refuses = true
    refusing()
    const quietMs = quiet - Math.min(quiet * LAST_WORDS.part, LAST_WORDS.mostMs)
    const stopPacing = this.#sessions.endEvenly(this.#sessions.each(), DRAIN, { overMs: over, quietMs })
    const cutMs = Math.max(EARLIEST_CUT_MS, over + quiet)
    const late = this.#passed(cutMs).then(async () => {
      this.#sessions.cut(DRAIN)
      await this.#passed(GIVE_UP_MS)
    })
    await Promise.race([this.#sessions.emptied(), late, this.#stopped])
    stopPacing()
    this.#clear()
  }

  /** Ends the wait before the first session's turn. */
  hurry(): void {
    this.#hurry()
  }

  stop(): void {
    this.#isStopped = true
    this.#clear()
    this.#stop()
  }

  #hurried(): Promise<void> {
    return new Promise((resolve) => {
      this.#hurry = resolve
    })
  }

  #passed(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        resolve()
      }, ms)
      this.#timers.add(timer)
    })
  }

  #clear(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }
}
