/** When somebody was blocked or unblocked last, by whichever gateway: an older order that arrives later does nothing. */

/** More people than can be blocked together. */
const MOST = 20_000

export class LastOrders {
  /** By person, in ms since the epoch; the oldest first. */
  readonly #last = new Map<string, number>()

  /** A time for an order that is given now: later than any that is known, however clocks differ. */
  next(subject: string, issuer: string | undefined, nowMs: number): number {
    const person = personOf(subject, issuer)
    const atMs = Math.max(nowMs, (this.#last.get(person) ?? 0) + 1)
    this.#note(person, atMs)
    return atMs
  }

  /** Notes an order, unless a later one about the same person is known. @returns whether it is the last */
  isLast(subject: string, issuer: string | undefined, atMs: number): boolean {
    const person = personOf(subject, issuer)
    if ((this.#last.get(person) ?? 0) > atMs) return false
    this.#note(person, atMs)
    return true
  }

  #note(person: string, atMs: number): void {
    this.#last.delete(person)
    this.#last.set(person, atMs)
    const [oldest] = this.#last.keys()
    if (this.#last.size > MOST && oldest !== undefined) this.#last.delete(oldest)
  }
}

function personOf(subject: string, issuer: string | undefined): string {
  return JSON.stringify([subject, issuer ?? null])
}
