/**
 * Which tickets were taken, told to all gateways for as long as the ticket would have lived: in a stream of its own, so that a
 * storm of logins pushes no block out of the stream of news.
 */
import type { Sealer } from '../sealing.ts'
import type { Store } from '../store.ts'
import type { StreamFollower } from './reader.ts'
import type { StreamRow } from './rows.ts'

const KIND = 'taken'
const MOST_ENTRIES = 50_000

interface Entry {
  /** The ticket's, a hash of it. */
  readonly name: string
  readonly untilMs: number
}

interface Own {
  readonly sealed: string
  readonly untilMs: number
}

export interface TakenStreamOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly keys: (name: string) => string
  /** This gateway's id. */
  readonly self: string
  /** Called with each that another gateway has taken. */
  readonly taken: (name: string, untilMs: number) => void
  readonly nowMs?: () => number
}

export class TakenStream implements StreamFollower {
  readonly key: string
  readonly #of: TakenStreamOptions
  readonly #nowMs: () => number
  /** Those that were told from here and are in force, by number: what the stream loses is told again. */
  readonly #own = new Map<string, Own>()
  #met = new Set<string>()
  #number = 0

  constructor(options: TakenStreamOptions) {
    this.#of = options
    this.#nowMs = options.nowMs ?? (() => Date.now())
    this.key = options.keys('taken')
  }

  get knowsSome(): boolean {
    this.#forget()
    return this.#own.size > 0
  }

  /** Tells all others. What the store does not take now it gets when it is back. */
  tell(name: string, untilMs: number): void {
    const { sealer, self } = this.#of
    this.#number += 1
    const number = `${self}:${this.#number}`
    const entry: Entry = { name, untilMs }
    const sealed = sealer.seal(JSON.stringify(entry), { kind: KIND, name: number })
    this.#own.set(number, { sealed, untilMs })
    this.#forget()
    this.#append(number, sealed).catch(() => undefined)
  }

  received({ number, sealed }: StreamRow): void {
    const own = this.#own.get(number)
    if (own !== undefined) {
      if (own.sealed === sealed) this.#met.add(number)
      return
    }
    const text = this.#of.sealer.open(sealed, { kind: KIND, name: number })
    if (text === undefined) return
    const { name, untilMs } = JSON.parse(text) as Entry
    if (untilMs > this.#nowMs()) this.#of.taken(name, untilMs)
  }

  async caughtUp(): Promise<void> {
    this.#forget()
    const lost = [...this.#own].filter(([number]) => !this.#met.has(number))
    this.#met = new Set()
    for (const [number, { sealed }] of lost) await this.#append(number, sealed)
  }

  again(): void {
    this.#met = new Set()
  }

  async #append(number: string, sealed: string): Promise<void> {
    const { store } = this.#of
    await store.run('stream', 'XADD', this.key, 'MAXLEN', '~', MOST_ENTRIES, '*', 'n', number, 's', sealed)
  }

  #forget(): void {
    const nowMs = this.#nowMs()
    for (const [number, { untilMs }] of this.#own) {
      if (untilMs > nowMs && this.#own.size <= MOST_ENTRIES) break
      this.#own.delete(number)
      this.#met.delete(number)
    }
  }
}
