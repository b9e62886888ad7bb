/**
 * All sessions that match, of which only the pages that somebody looks at are fetched. So ten thousand rows cost what a
 * screenful costs.
 */
import type { Session, SessionPage } from '../api/shapes.ts'

export const PAGE_SIZE = 100
/** Those that were looked at last; the others are fetched again when they are wanted. */
const MOST_PAGES = 20

export class SessionPages {
  readonly #fetch: (page: number) => Promise<SessionPage>
  readonly #changed: () => void
  readonly #pages = new Map<number, readonly Session[]>()
  readonly #underWay = new Set<number>()
  #wanted: readonly number[] = [1]
  #total: number | undefined
  #notReached: readonly string[] = []
  #error: unknown

  /** @param fetch gets a page, from 1 */
  constructor(fetch: (page: number) => Promise<SessionPage>, changed: () => void) {
    this.#fetch = fetch
    this.#changed = changed
  }

  /** Undefined: not known yet. */
  get total(): number | undefined {
    return this.#total
  }

  /** Gateways whose sessions are missing. */
  get notReached(): readonly string[] {
    return this.#notReached
  }

  /** Why what is shown is not what is. */
  get error(): unknown {
    return this.#error
  }

  /** The session in a row, from 0; undefined where it is not there yet. */
  at(row: number): Session | undefined {
    return this.#pages.get(Math.floor(row / PAGE_SIZE) + 1)?.[row % PAGE_SIZE]
  }

  /** Fetches what is missing of these rows. */
  want(first: number, last: number): void {
    const [from, to] = [first, Math.max(first, last)].map((row) => Math.floor(row / PAGE_SIZE) + 1) as [number, number]
    this.#wanted = Array.from({ length: to - from + 1 }, (_, index) => from + index)
    for (const page of this.#wanted) if (!this.#pages.has(page)) void this.#load(page)
  }

  /** Fetches again what is looked at; what nobody looks at is forgotten. */
  async refresh(): Promise<void> {
    for (const page of [...this.#pages.keys()]) if (!this.#wanted.includes(page)) this.#pages.delete(page)
    await Promise.all(this.#wanted.map((page) => this.#load(page)))
  }

  async #load(page: number): Promise<void> {
    if (this.#underWay.has(page)) return
    this.#underWay.add(page)
    try {
      const { total, items, notReached } = await this.#fetch(page)
      this.#total = total
      this.#notReached = notReached
      this.#error = undefined
      this.#pages.delete(page)
      this.#pages.set(page, items)
      for (const [oldest] of this.#pages) {
        if (this.#pages.size <= MOST_PAGES) break
        this.#pages.delete(oldest)
      }
    } catch (error) {
      this.#error = error
    } finally {
      this.#underWay.delete(page)
    }
    this.#changed()
  }
}
