/**
 * What gateways have to tell one another, in a stream of the store: whose authority ended, who is blocked, whose login was
 * renewed. Each gateway reads all of it with a cursor of its own; an entry is sealed, numbered, and acted on once. A failover
 * may lose entries that the old primary had taken: whoever holds one that is not in the stream writes it down again.
 */
import type { Sealer } from '../sealing.ts'
import type { Store } from '../store.ts'
import type { StreamFollower } from './reader.ts'
import type { Expected, Replied, Replies } from './replies.ts'
import type { StreamRow } from './rows.ts'

const KIND = 'news'
/** More entries than are ever in force together: see `MOST_BLOCKS` in src/sessions/bars.ts. */
const MOST_ENTRIES = 20_000
const MOST_HELD = 15_000

/** One piece of news. What it says is for whoever acts on it. */
export interface News {
  readonly kind: string
}

interface Entry {
  readonly atMs: number
  /** From then on nobody acts on it. */
  readonly untilMs: number
  readonly wantsAnswer: boolean
  readonly news: News
}

export interface Received {
  readonly news: News
  /** When it was published, on the clock of whoever did. */
  readonly atMs: number
}

export interface NewsOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly keys: (name: string) => string
  /** This gateway's id. */
  readonly self: string
  readonly replies: Replies
  /** Acts on it; what it returns, or resolves to, is for whoever published it and waits. Must neither throw nor reject. */
  readonly received: (received: Received) => unknown
  /** Whom an answer is expected of. */
  readonly others: () => readonly Expected[]
  /** Called when the store has not taken what was published; it gets it when it is back. */
  readonly unwritten: () => void
  readonly nowMs?: () => number
}

export interface PublishOptions {
  readonly untilMs: number
  /** How long to wait for answers; absent: for none. */
  readonly withinMs?: number
  /** Absent: now. */
  readonly atMs?: number
}

interface Held {
  readonly sealed: string
  readonly untilMs: number
  /** Whether this gateway has published it. */
  readonly isOwn: boolean
}

export class NewsStream implements StreamFollower {
  readonly key: string
  readonly #of: NewsOptions
  readonly #nowMs: () => number
  /** Entries that were acted on here and are in force, by number; also what must not be acted on again. */
  readonly #held = new Map<string, Held>()
  /** Those that this pass over the whole stream has met, and those of other gateways that the last one has not. */
  #met = new Set<string>()
  #suspected = new Set<string>()
  /** Own ones that no store has taken yet. */
  readonly #unwritten = new Set<string>()
  #number = 0

  constructor(options: NewsOptions) {
    this.#of = options
    this.#nowMs = options.nowMs ?? (() => Date.now())
    this.key = options.keys('stream')
    options.store.onBack(() => void this.#writeLate())
  }

  get knowsSome(): boolean {
    return this.#held.size > 0
  }

  /** Tells all other gateways; this one has acted already. What the store does not take now it gets when it is back. */
  async publish(news: News, { untilMs, withinMs = 0, atMs = this.#nowMs() }: PublishOptions): Promise<Replied> {
    const { sealer, self, others, replies } = this.#of
    this.#number += 1
    const number = `${self}:${this.#number}`
    const entry: Entry = { atMs, untilMs, wantsAnswer: withinMs > 0, news }
    const sealed = sealer.seal(JSON.stringify(entry), { kind: KIND, name: number })
    this.#hold(number, { sealed, untilMs, isOwn: true })
    const expected = withinMs > 0 ? others() : []
    const nobody = { answers: [], notReached: expected.map(({ name }) => name) }
    try {
      await this.#append(number, sealed)
    } catch {
      this.#unwritten.add(number)
      this.#of.unwritten()
      return nobody
    }
    return expected.length === 0 ? nobody : await replies.collect(number, expected, withinMs)
  }

  /** At once, as the pass over the stream that finds what is missing takes a while. Never rejects. */
  async #writeLate(): Promise<void> {
    for (const number of this.#unwritten) {
      const held = this.#held.get(number)
      if (held !== undefined && held.untilMs > this.#nowMs()) {
        const isWritten = await this.#append(number, held.sealed).then(
          () => true,
          () => false,
        )
        if (!isWritten) return
      }
      this.#unwritten.delete(number)
    }
  }

  async #append(number: string, sealed: string): Promise<void> {
    const { store } = this.#of
    await store.run('stream', 'XADD', this.key, 'MAXLEN', '~', MOST_ENTRIES, '*', 'n', number, 's', sealed)
  }

  /** Writes own entries again that are missing; those of others when they have had the time to do so themselves. */
  async caughtUp(): Promise<void> {
    const nowMs = this.#nowMs()
    for (const [number, { untilMs }] of this.#held) if (untilMs <= nowMs) this.#held.delete(number)
    const missing = [...this.#held].filter(([number]) => !this.#met.has(number))
    const lost = missing.filter(([number, { isOwn }]) => isOwn || this.#suspected.has(number))
    this.#suspected = new Set(missing.map(([number]) => number))
    this.#met = new Set()
    for (const [number, { sealed }] of lost) await this.#append(number, sealed)
  }

  again(): void {
    this.#met = new Set()
  }

  /** What no gateway has sealed under this number is no entry; one that was acted on is not acted on again. */
  received({ number, sealed }: StreamRow): void {
    const held = this.#held.get(number)
    // Another text under a number that is known stands for nothing: the entry itself is still missing.
    if (held?.sealed === sealed) this.#met.add(number)
    if (held !== undefined) return
    const text = this.#of.sealer.open(sealed, { kind: KIND, name: number })
    if (text === undefined) return
    const { atMs, untilMs, wantsAnswer, news } = JSON.parse(text) as Entry
    if (untilMs <= this.#nowMs()) return
    this.#met.add(number)
    this.#hold(number, { sealed, untilMs, isOwn: number.startsWith(`${this.#of.self}:`) })
    const answer = this.#of.received({ news, atMs })
    if (wantsAnswer) void this.#reply(number, answer)
  }

  async #reply(number: string, answer: unknown): Promise<void> {
    await this.#of.replies.write(number, (await answer) ?? null)
  }

  #hold(number: string, held: Held): void {
    this.#held.set(number, held)
    if (this.#held.size <= MOST_HELD) return
    const nowMs = this.#nowMs()
    for (const [old, { untilMs }] of this.#held) if (untilMs <= nowMs) this.#held.delete(old)
    const [oldest] = this.#held.keys()
    if (this.#held.size > MOST_HELD && oldest !== undefined) this.#held.delete(oldest)
  }
}
