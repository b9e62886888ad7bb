/**
 * What gateways ask one another, in a stream of its own: whoever lists sessions each second must not push blocks out of the
 * stream of news. A question is sealed, numbered, and answered once; nobody answers one that is old.
 */
import { randomUUID } from 'node:crypto'
import type { Sealer } from '../sealing.ts'
import type { Store } from '../store.ts'
import type { StreamFollower } from './reader.ts'
import type { Expected, Replied, Replies } from './replies.ts'
import type { StreamRow } from './rows.ts'

const KIND = 'question'
/** Those of the last seconds, however many consoles ask. */
const MOST_ENTRIES = 1_000
/** A longer one is no question of a gateway. */
const MOST_BYTES = 64 * 1024
/** Clocks of gateways differ; a question is known, so that it is not answered again, for as long as it may be answered. */
const SKEW_MS = 30_000
const MOST_KNOWN = 10_000

interface Asked {
  /** From then on nobody answers it. */
  readonly untilMs: number
  readonly question: unknown
}

export interface QuestionsOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly keys: (name: string) => string
  /** This gateway's id. */
  readonly self: string
  readonly replies: Replies
  /** Whom to ask. */
  readonly others: () => readonly Expected[]
  /** What this gateway answers; undefined: nothing. Must not reject. */
  readonly answer: (question: unknown) => Promise<unknown>
  readonly nowMs?: () => number
}

export class Questions implements StreamFollower {
  readonly key: string
  readonly knowsSome = false
  readonly #of: QuestionsOptions
  readonly #nowMs: () => number
  /** Numbers of those that were read, and until when they may be read again. */
  readonly #known = new Map<string, number>()

  constructor(options: QuestionsOptions) {
    this.#of = options
    this.#nowMs = options.nowMs ?? (() => Date.now())
    this.key = options.keys('questions')
  }

  /** Asks all others. Never rejects. */
  async ask(question: unknown, withinMs: number): Promise<Replied> {
    const { store, sealer, self, replies, others } = this.#of
    const expected = others()
    if (expected.length === 0) return { answers: [], notReached: [] }
    const number = `${self}:${randomUUID()}`
    const asked: Asked = { untilMs: this.#nowMs() + withinMs + SKEW_MS, question }
    const sealed = sealer.seal(JSON.stringify(asked), { kind: KIND, name: number })
    try {
      await store.run('stream', 'XADD', this.key, 'MAXLEN', '~', MOST_ENTRIES, '*', 'n', number, 's', sealed)
    } catch {
      return { answers: [], notReached: expected.map(({ name }) => name) }
    }
    return await replies.collect(number, expected, withinMs)
  }

  received({ number, sealed }: StreamRow): void {
    const { self, sealer } = this.#of
    if (number.startsWith(`${self}:`) || this.#known.has(number) || sealed.length > MOST_BYTES) return
    const text = sealer.open(sealed, { kind: KIND, name: number })
    if (text === undefined) return
    const { untilMs, question } = JSON.parse(text) as Asked
    if (untilMs <= this.#nowMs()) return
    this.#know(number, untilMs)
    void this.#answer(number, question)
  }

  async caughtUp(): Promise<void> {
    // Nobody waits for an answer to a question that the store has lost.
  }

  again(): void {
    // What is known is not answered again.
  }

  async #answer(number: string, question: unknown): Promise<void> {
    const { answer, replies } = this.#of
    const answered = await answer(question)
    if (answered !== undefined) await replies.write(number, answered)
  }

  #know(number: string, untilMs: number): void {
    const nowMs = this.#nowMs()
    this.#known.set(number, untilMs)
    for (const [old, endsMs] of this.#known) {
      if (endsMs > nowMs && this.#known.size <= MOST_KNOWN) break
      this.#known.delete(old)
    }
  }
}
