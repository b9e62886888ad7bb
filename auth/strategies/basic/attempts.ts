/**
 * Counts password guesses by user and network: after ten within a minute each further guess has to wait longer than
 * the one before. Nobody is locked out: other networks are not concerned, and a success forgets everything.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { networkOf } from '../../net/addresses.ts'

export interface AttemptLimits {
  /** Guesses without any delay. */
  readonly freeCount: number
  readonly windowSeconds: number
  readonly maxDelaySeconds: number
}

const LIMITS: AttemptLimits = { freeCount: 10, windowSeconds: 60, maxDelaySeconds: 300 }

/** Whether a guess may be made, or when the next one may. */
export type Attempt = { readonly allowed: true } | { readonly allowed: false; readonly retryAfterSeconds: number }

const ALLOWED: Attempt = { allowed: true }

export class Attempts {
  readonly #limits: AttemptLimits
  readonly #guesses: RateLimiterMemory
  readonly #delays: RateLimiterMemory
  readonly #key = randomBytes(32)
  /** One decision after another: the limiter's answers arrive later than it counts. */
  #turn: Promise<void> = Promise.resolve()

  constructor(limits: Partial<AttemptLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits }
    this.#guesses = new RateLimiterMemory({ points: this.#limits.freeCount, duration: this.#limits.windowSeconds })
    this.#delays = new RateLimiterMemory({ points: 1, duration: 1 })
  }

  /** Whether a guess would have to wait now. Counts nothing. */
  async peek(user: string, address: string): Promise<Attempt> {
    return await this.#peek(this.#bucket(user, address))
  }

  /** Counts a guess before it is made, so that many at once count as many. One that has to wait does not count. */
  async begin(user: string, address: string): Promise<Attempt> {
    const bucket = this.#bucket(user, address)
    const turn = this.#turn.then(() => this.#begin(bucket))
    this.#turn = turn.then(
      () => undefined,
      () => undefined,
    )
    return await turn
  }

  /** The guess was right: forgets all guesses of this user from this network. */
  async succeeded(user: string, address: string): Promise<void> {
    const bucket = this.#bucket(user, address)
    await Promise.all([this.#guesses.delete(bucket), this.#delays.delete(bucket)])
  }

  /** The guess was not made after all: it does not count. */
  async withdrawn(user: string, address: string): Promise<void> {
    await this.#guesses.reward(this.#bucket(user, address))
  }

  async #peek(bucket: string): Promise<Attempt> {
    const delay = await this.#delays.get(bucket)
    if (delay === null || delay.msBeforeNext <= 0) return ALLOWED
    return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(delay.msBeforeNext / 1000)) }
  }

  async #begin(bucket: string): Promise<Attempt> {
    const attempt = await this.#peek(bucket)
    if (!attempt.allowed) return attempt
    const { freeCount, windowSeconds, maxDelaySeconds } = this.#limits
    const { consumedPoints } = await this.#guesses.penalty(bucket)
    if (consumedPoints < freeCount) return ALLOWED
    const delaySeconds = Math.min(2 ** (consumedPoints - freeCount), maxDelaySeconds)
    await this.#delays.set(bucket, 1, delaySeconds)
    // The count outlasts the delay, so that the next one is longer.
    await this.#guesses.set(bucket, consumedPoints, Math.max(windowSeconds, 2 * delaySeconds))
    return ALLOWED
  }

  /** One of 65,536 buckets, so that memory is bounded whatever is tried; nobody can aim at another's bucket. */
  #bucket(user: string, address: string): string {
    const pair = JSON.stringify([user, networkOf(address)])
    return createHmac('sha256', this.#key).update(pair).digest().readUInt16BE(0).toString()
  }
}
