/**
 * When the authority of one session ends: its hard timeout or the expiry of its proof, whichever comes first, exact to
 * the millisecond although it is looked at only every few seconds.
 *
 * Node fires timers beyond 2^31-1 ms at once, so the far end is left to coarse ticks and only the last stretch gets a
 * timer. Time is also counted on a clock that nobody can set back: that would lengthen lives.
 */

export interface Clock {
  /** Milliseconds since the epoch; may jump. */
  wallMs(): number
  /** Milliseconds since some moment; never goes back. */
  monotonicMs(): number
}

export const SYSTEM_CLOCK: Clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }

/** A timer takes over when less than this is left; more than the interval between two ticks. */
const LAST_STRETCH_MS = 7_500

export type LifetimeEnd = 'session-timeout' | 'credential-expired'

export class Lifetime {
  readonly #clock: Clock
  readonly #over: (why: LifetimeEnd) => void
  readonly #timeoutAtMs: number
  #expiresAtWallMs: number
  #expiresAtMs: number
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  /**
   * @param timeoutMs the hard end, from now
   * @param expiresAtMs the end of the proof in ms since the epoch; absent: never. What is no number has expired.
   * @param over called once, at the end
   */
  constructor(
    timeoutMs: number,
    expiresAtMs: number | undefined,
    over: (why: LifetimeEnd) => void,
    clock = SYSTEM_CLOCK,
  ) {
    this.#clock = clock
    this.#over = over
    this.#timeoutAtMs = clock.monotonicMs() + timeoutMs
    this.#expiresAtWallMs = expiresAtMs ?? Number.POSITIVE_INFINITY
    this.#expiresAtMs = this.#monotonicExpiry()
  }

  /** Puts a fresh proof's end in the place of the old one's; the hard timeout stays. */
  renew(expiresAtMs: number | undefined): void {
    this.#expiresAtWallMs = expiresAtMs ?? Number.POSITIVE_INFINITY
    this.#expiresAtMs = this.#monotonicExpiry()
    this.#disarm()
    this.tick()
  }

  /** Looks how much is left; called every few seconds. */
  tick(): void {
    if (this.#timer !== undefined || this.#isOver) return
    const timeoutLeftMs = this.#timeoutAtMs - this.#clock.monotonicMs()
    const proofLeftMs = this.#proofLeftMs()
    const leftMs = Math.min(timeoutLeftMs, proofLeftMs)
    // Written so that NaN ends it too.
    if (!(leftMs > 0)) {
      this.#isOver = true
      this.#over(timeoutLeftMs <= 0 ? 'session-timeout' : 'credential-expired')
    } else if (leftMs <= LAST_STRETCH_MS) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        this.tick()
      }, Math.ceil(leftMs))
      this.#timer.unref()
    }
  }

  stop(): void {
    this.#disarm()
  }

  #proofLeftMs(): number {
    const byWall = this.#expiresAtWallMs - this.#clock.wallMs()
    const byMonotonic = this.#expiresAtMs - this.#clock.monotonicMs()
    return Math.min(byWall, byMonotonic)
  }

  #monotonicExpiry(): number {
    return this.#clock.monotonicMs() + (this.#expiresAtWallMs - this.#clock.wallMs())
  }

  #disarm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
