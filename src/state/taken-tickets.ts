/**
 * Tickets that were taken lately, by whichever gateway: a store that gives one away twice, since somebody wrote it back, is not
 * believed.
 */

/** More than are taken while one lives; what is known is sealed, so that nobody can push others out. */
const MOST = 200_000

export class TakenTickets {
  /** By name: until when it could be taken; the one that was taken first of all first. */
  readonly #taken = new Map<string, number>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** @returns whether nobody has taken it, as far as is known */
  isFirst(name: string, untilMs: number): boolean {
    if (this.#taken.has(name)) return false
    this.add(name, untilMs)
    return true
  }

  add(name: string, untilMs: number): void {
    const nowMs = this.#nowMs()
    this.#taken.set(name, untilMs)
    for (const [old, endsMs] of this.#taken) {
      if (endsMs > nowMs && this.#taken.size <= MOST) break
      this.#taken.delete(old)
    }
  }
}
