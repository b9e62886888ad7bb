/** A bounded set of keys that are forgotten after a while: the oldest first when there are too many. */

export class Recent {
  readonly #ttlMs: number
  readonly #maxCount: number
  readonly #now: () => number
  /** Key → end, in the order of their ends. */
  readonly #ends = new Map<string, number>()

  /** `now` gives ms that never go back. */
  constructor(ttlMs: number, maxCount: number, now: () => number = () => performance.now()) {
    this.#ttlMs = ttlMs
    this.#maxCount = maxCount
    this.#now = now
  }

  has(key: string): boolean {
    const end = this.#ends.get(key)
    if (end === undefined) return false
    if (end > this.#now()) return true
    this.#ends.delete(key)
    return false
  }

  add(key: string): void {
    this.#ends.delete(key)
    const now = this.#now()
    for (const [oldest, end] of this.#ends) {
      if (end > now && this.#ends.size < this.#maxCount) break
      this.#ends.delete(oldest)
    }
    this.#ends.set(key, now + this.#ttlMs)
  }

  clear(): void {
    this.#ends.clear()
  }
}
