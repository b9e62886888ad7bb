/**
 * What the garbage collector is told, for a process that is a gateway and nothing else: it holds for all that runs in it.
 *
 * Messages pass through buffers outside of the heap, which V8 counts as its growth: once it has seen little of the heap
 * survive, it marks all of it anew for every 16 MB that have passed, which takes twice the time that relaying messages of
 * 64 KiB does. While much passes, the heap may therefore grow to four times of what survived. While little does, marking
 * starts early, and earlier where many come: thousands of sessions leave as much garbage behind when they are set up or
 * refused, and V8 would not look at it before 256 MB are full. docs/performance.md has the figures.
 */
import { setFlagsFromString } from 'node:v8'

const LOOK_MS = 250
const MUCH_BYTES_PER_SECOND = 16 * 1024 * 1024
const MANY_UPGRADES_PER_SECOND = 100
/**
 * Traffic has gaps, and V8 is not told otherwise at each. They are short: an attack that follows traffic is to find a
 * collector that is as quick as after a quiet hour.
 */
const AFTER_MS = 2000

/** For V8, which reads both at every collection; 0 is its own choice. The trigger is a part of the growth allowed, in percent. */
const WHILE_MUCH_PASSES = ['--heap-growing-percent=300', '--incremental-marking-soft-trigger=0']
const WHILE_MANY_COME = ['--heap-growing-percent=30', '--incremental-marking-soft-trigger=50']
const WHILE_LITTLE_PASSES = ['--heap-growing-percent=0', '--incremental-marking-soft-trigger=50']

/** What a gateway has had to do since its start. */
export interface Work {
  /** To and from clients. */
  readonly relayedBytes: number
  /** Requests for a WebSocket, refused ones too. */
  readonly upgradeCount: number
}

export class HeapGrowth {
  readonly #work: Work
  readonly #tell: (flag: string) => void
  #lastBytes = 0
  #lastUpgrades = 0
  #lastLookMs = 0
  /** Until then much is believed to pass, and many to come. */
  #muchUntilMs = 0
  #manyUntilMs = 0
  #told: readonly string[] | undefined

  constructor(work: Work, tell: (flag: string) => void = setFlagsFromString) {
    this.#work = work
    this.#tell = tell
  }

  /** Looks at the traffic from here on, until what it returns is called. Keeps no process running. */
  start(): () => void {
    this.look()
    const looks = setInterval(() => this.look(), LOOK_MS)
    looks.unref()
    return () => clearInterval(looks)
  }

  /** To be called every `LOOK_MS`, or later where the event loop is late. */
  look(nowMs: number = performance.now()): void {
    const { relayedBytes, upgradeCount } = this.#work
    const seconds = Math.max(nowMs - this.#lastLookMs, LOOK_MS) / 1000
    if (relayedBytes - this.#lastBytes >= MUCH_BYTES_PER_SECOND * seconds) this.#muchUntilMs = nowMs + AFTER_MS
    if (upgradeCount - this.#lastUpgrades >= MANY_UPGRADES_PER_SECOND * seconds) this.#manyUntilMs = nowMs + AFTER_MS
    this.#lastBytes = relayedBytes
    this.#lastUpgrades = upgradeCount
    this.#lastLookMs = nowMs
    const few = nowMs < this.#manyUntilMs ? WHILE_MANY_COME : WHILE_LITTLE_PASSES
    const flags = nowMs < this.#muchUntilMs ? WHILE_MUCH_PASSES : few
    if (flags === this.#told) return
    this.#told = flags
    for (const flag of flags) this.#tell(flag)
  }
}
