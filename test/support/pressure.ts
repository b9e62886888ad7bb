/** Attempts at an even rate while something happens, and what became of them. */
import { quantile } from './quantile.ts'

const EVERY_MS = 100

export class Pressure {
  readonly #statuses = new Map<number, number>()
  readonly #waitedMs: number[] = []
  readonly #pending: Promise<void>[] = []
  readonly #attempt: (n: number) => Promise<number>
  readonly #timer: NodeJS.Timeout
  #count = 0

  /** @param attempt resolves with a status, never rejects; each has a number of its own */
  constructor(attempt: (n: number) => Promise<number>) {
    this.#attempt = attempt
    this.#timer = setInterval(() => this.#pending.push(this.#once()), EVERY_MS)
  }

  async #once(): Promise<void> {
    const startedMs = performance.now()
    const status = await this.#attempt(this.#count++)
    this.#waitedMs.push(performance.now() - startedMs)
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1)
  }

  /** No more attempts; resolves when all have an answer. */
  async end(): Promise<this> {
    clearInterval(this.#timer)
    await Promise.all(this.#pending)
    this.#waitedMs.sort((a, b) => a - b)
    return this
  }

  get statuses(): readonly number[] {
    return [...this.#statuses.keys()].sort((a, b) => a - b)
  }

  get longestMs(): number {
    return this.#waitedMs.at(-1) ?? 0
  }

  toString(): string {
    const statuses = [...this.#statuses].map(([status, count]) => `${count} × ${status}`).join(', ')
    const [p50, p99] = [0.5, 0.99].map((part) => Math.round(quantile(this.#waitedMs, part)))
    return `${statuses}; p50 ${p50} ms, p99 ${p99} ms, longest ${Math.round(this.longestMs)} ms`
  }
}
