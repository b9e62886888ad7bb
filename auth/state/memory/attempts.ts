/**
 * Counts password guesses by user and network: after ten within a minute each further guess has to wait longer than
 * the one before. Nobody is locked out: other networks are not concerned, and a success forgets everything.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { networkOf } from '../../net/addresses.ts'
import type { AttemptAllowance, Attempts } from '../attempts.ts'

export interface AttemptLimits {
  /** Guesses without any delay. */
  readonly freeCount: number
  readonly windowSeconds: number
  readonly maxDelaySeconds: number
  /** By how many that count beside this one the free guesses are divided, at the moment. */
  readonly shareCount: () => number
}

const LIMITS: AttemptLimits = { freeCount: 10, windowSeconds: 60, maxDelaySeconds: 300, shareCount: () => 1 }

const ALLOWED: AttemptAllowance = { allowed: true }

export class MemoryAttempts implements Attempts {
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

  async peek(user: string, address: string): Promise<AttemptAllowance> {
    return await this.#peek(this.#bucket(user, address))
  }

  async begin(user: string, address: string): Promise<AttemptAllowance> {
    const bucket = this.#bucket(user, address)
    const turn = this.#turn.then(() => this.#begin(bucket))
    this.#turn = turn.then(
      () => undefined,
      () => undefined,
    )
    return await turn
  }

  async succeeded(user: string, address: string): Promise<void> {
    const bucket = this.#bucket(user, address)
    await Promise.all([this.#guesses.delete(bucket), this.#delays.delete(bucket)])
  }

  async withdrawn(user: string, address: string): Promise<void> {
    await this.#guesses.reward(this.#bucket(user, address))
  }

  async #peek(bucket: string): Promise<AttemptAllowance> {
    const delay = await this.#delays.get(bucket)
    if (delay === null || delay.msBeforeNext <= 0) return ALLOWED
    return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(delay.msBeforeNext / 1000)) }
  }

  async #begin(bucket: string): Promise<AttemptAllowance> {
    const attempt = await this.#peek(bucket)
    if (!attempt.allowed) return attempt
    const { windowSeconds, maxDelaySeconds } = this.#limits
    const freeCount = Math.max(1, Math.floor(this.#limits.freeCount / this.#limits.shareCount()))
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
