/**
 * What gateways have to tell one another, in a stream of the store: whose authority ended, who is blocked, whose login was
 * renewed. Each gateway reads all of it with a cursor of its own; an entry is sealed, numbered, and acted on once. A failover
 * may lose entries that the old primary had taken: whoever holds one that is not in the stream writes it down again.
 */
import type { Sealer } from './sealing.ts'
import { type Store, wordsOf } from './store.ts'

const KIND = 'news'
/** More entries than are ever in force together: see `MOST_BLOCKS` in src/sessions/bars.ts. */
const MOST_ENTRIES = 20_000
const MOST_HELD = 15_000
/** How often the stream is looked at where nothing arrives. */
const BLOCK_MS = 1_000
const PART = 500
/** An answer to whoever asked for it is kept so long. */
const ANSWER_MS = 10_000
const LOOK_MS = 20

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

export interface NewsClient {
  call(command: string, ...args: readonly (string | number)[]): Promise<unknown>
  connect(): Promise<void>
  disconnect(reconnect?: boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
}

export interface NewsOptions {
  readonly store: Store
  /** A connection of its own: it waits in the store for what arrives. */
  readonly reader: NewsClient
  readonly sealer: Sealer
  readonly keys: (name: string) => string
  /** This gateway's id. */
  readonly self: string
  /** Acts on it; what it returns is for whoever published it and waits. Must not throw. */
  readonly received: (received: Received) => unknown
  /** Whom an answer is expected of: id and name. */
  readonly others: () => readonly { readonly id: string; readonly name: string }[]
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

export interface Published {
  /** What those said who have acted on it. */
  readonly answers: readonly unknown[]
  /** Names of those who have not said that they did. */
  readonly notReached: readonly string[]
}

interface Held {
  readonly sealed: string
  readonly untilMs: number
  /** Whether this gateway has published it. */
  readonly isOwn: boolean
}

export class NewsStream {
  readonly #of: NewsOptions
  readonly #nowMs: () => number
  readonly #stream: string
  /** Entries that were acted on here and are in force, by number; also what must not be acted on again. */
  readonly #held = new Map<string, Held>()
  /** Those that this pass over the whole stream has met. */
  #met = new Set<string>()
  #number = 0
  #cursor = '0'
  #hasReadAll = false
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(options: NewsOptions) {
    this.#of = options
    this.#nowMs = options.nowMs ?? (() => Date.now())
    this.#stream = options.keys('stream')
    options.reader.on('error', () => undefined)
    options.store.onBack(() => this.#again())
  }

  /** Reads until it is closed. */
  start(): void {
    void this.#read()
  }

  close(): void {
    this.#isClosed = true
    this.#wake?.()
    this.#of.reader.disconnect()
  }

  /** Tells all other gateways; this one has acted already. What the store does not take now it gets when it is back. */
  async publish(news: News, { untilMs, withinMs = 0, atMs = this.#nowMs() }: PublishOptions): Promise<Published> {
    const { sealer, self, others } = this.#of
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
      this.#of.unwritten()
      return nobody
    }
    return expected.length === 0 ? nobody : await this.#answers(number, expected, withinMs)
  }

  async #append(number: string, sealed: string): Promise<void> {
    const { store } = this.#of
    await store.run('stream', 'XADD', this.#stream, 'MAXLEN', '~', MOST_ENTRIES, '*', 'n', number, 's', sealed)
  }

  async #answers(
    number: string,
    expected: readonly { readonly id: string; readonly name: string }[],
    withinMs: number,
  ): Promise<Published> {
    const { store, keys, sealer } = this.#of
    const deadlineMs = performance.now() + withinMs
    const answered = new Map<string, unknown>()
    while (performance.now() < deadlineMs && expected.some(({ id }) => !answered.has(id))) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      const found = await store.run('stream', 'HGETALL', keys(`answer:${number}`)).catch(() => undefined)
      for (const [id, sealed] of fieldsOf(found)) {
        const text = sealer.open(sealed, { kind: 'answer', name: `${number} ${id}` })
        if (text !== undefined) answered.set(id, JSON.parse(text))
      }
    }
    const notReached = expected.filter(({ id }) => !answered.has(id)).map(({ name }) => name)
    return { answers: [...answered.values()], notReached }
  }

  async #read(): Promise<void> {
    const { reader, store } = this.#of
    await reader.connect().catch(() => undefined)
    while (!this.#isClosed) {
      try {
        await this.#readPart()
      } catch (error) {
        // A connection that is gone may lead elsewhere when it is back: everything is read again.
        this.#again()
        if (wordsOf(error) === TOO_LATE) reader.disconnect(true)
        await this.#pause(store.isUp ? 100 : 500)
      }
    }
  }

  async #readPart(): Promise<void> {
    const from = this.#cursor
    const asked = this.#of.reader.call('XREAD', 'COUNT', PART, 'BLOCK', BLOCK_MS, 'STREAMS', this.#stream, from)
    const answer = await inTime(2 * BLOCK_MS, asked)
    const entries = entriesOf(answer)
    for (const { id, number, sealed } of entries) {
      this.#cursor = id
      this.#met.add(number)
      this.#receive(number, sealed)
    }
    if (entries.length >= PART || this.#isClosed) return
    if (!this.#hasReadAll) {
      this.#hasReadAll = true
      await this.#writeAgain()
    } else if (entries.length === 0 && (await this.#hasLost())) this.#again()
  }

  /** Whether the stream ends before what was read of it: it was emptied, or another server has taken over. */
  async #hasLost(): Promise<boolean> {
    if (this.#cursor === '0') return this.#held.size > 0
    const answer = await inTime(BLOCK_MS, this.#of.reader.call('XREVRANGE', this.#stream, '+', '-', 'COUNT', 1))
    const [last] = rowsOf(answer)
    return last === undefined || isBefore(last.id, this.#cursor)
  }

  #again(): void {
    this.#cursor = '0'
    this.#hasReadAll = false
    this.#met = new Set()
  }

  /** Own entries at once; those of others when they have had the time to do so themselves. */
  async #writeAgain(): Promise<void> {
    const nowMs = this.#nowMs()
    for (const [number, { untilMs }] of this.#held) if (untilMs <= nowMs) this.#held.delete(number)
    const isMissing = (number: string): boolean => this.#held.has(number) && !this.#met.has(number)
    const missing = [...this.#held].filter(([number]) => isMissing(number))
    for (const [number, { sealed, isOwn }] of missing) if (isOwn) await this.#append(number, sealed)
    const others = missing.filter(([, { isOwn }]) => !isOwn)
    if (others.length === 0) return
    const again = async (): Promise<void> => {
      for (const [number, { sealed }] of others) if (isMissing(number)) await this.#append(number, sealed)
    }
    setTimeout(() => void again().catch(() => undefined), 500 + 1_000 * Math.random()).unref()
  }

  /** What no gateway has sealed under this number is no entry; one that was acted on is not acted on again. */
  #receive(number: string, sealed: string): void {
    if (this.#held.has(number)) return
    const text = this.#of.sealer.open(sealed, { kind: KIND, name: number })
    if (text === undefined) return
    const { atMs, untilMs, wantsAnswer, news } = JSON.parse(text) as Entry
    if (untilMs <= this.#nowMs()) return
    this.#hold(number, { sealed, untilMs, isOwn: number.startsWith(`${this.#of.self}:`) })
    const answer = this.#of.received({ news, atMs })
    if (wantsAnswer) void this.#answer(number, answer ?? null)
  }

  async #answer(number: string, answer: unknown): Promise<void> {
    const { store, sealer, keys, self } = this.#of
    const key = keys(`answer:${number}`)
    const sealed = sealer.seal(JSON.stringify(answer), { kind: 'answer', name: `${number} ${self}` })
    const written = [store.run('stream', 'HSET', key, self, sealed), store.run('stream', 'PEXPIRE', key, ANSWER_MS)]
    await Promise.allSettled(written)
  }

  #hold(number: string, held: Held): void {
    this.#held.set(number, held)
    if (this.#held.size <= MOST_HELD) return
    const nowMs = this.#nowMs()
    for (const [old, { untilMs }] of this.#held) if (untilMs <= nowMs) this.#held.delete(old)
    const [oldest] = this.#held.keys()
    if (this.#held.size > MOST_HELD && oldest !== undefined) this.#held.delete(oldest)
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

const TOO_LATE = 'the stream did not answer in time'

async function inTime<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(TOO_LATE)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

interface Row {
  readonly id: string
  readonly number: string
  readonly sealed: string
}

/** Of an answer to XREAD: one stream, or nothing. */
function entriesOf(answer: unknown): readonly Row[] {
  const [stream] = Array.isArray(answer) ? (answer as readonly unknown[]) : []
  return Array.isArray(stream) ? rowsOf(stream[1]) : []
}

/** Fields of another kind are passed by: somebody else has written them. */
function rowsOf(rows: unknown): readonly Row[] {
  if (!Array.isArray(rows)) return []
  return rows.flatMap((row: unknown): readonly Row[] => {
    const [id, fields] = Array.isArray(row) ? (row as readonly unknown[]) : []
    const byName = new Map(fieldsOf(fields))
    return typeof id === 'string' ? [{ id, number: byName.get('n') ?? '', sealed: byName.get('s') ?? '' }] : []
  })
}

/** Names and values, as a list of both in turn or as an object. */
function fieldsOf(found: unknown): readonly (readonly [string, string])[] {
  if (!Array.isArray(found)) return Object.entries((found ?? {}) as Record<string, string>)
  return found.flatMap((name: unknown, index): (readonly [string, string])[] =>
    index % 2 === 0 ? [[String(name), String(found[index + 1])]] : [],
  )
}

/** `<ms>-<number>` */
function isBefore(one: string, other: string): boolean {
  const [oneMs = 0, oneNumber = 0] = one.split('-').map(Number)
  const [otherMs = 0, otherNumber = 0] = other.split('-').map(Number)
  return oneMs < otherMs || (oneMs === otherMs && oneNumber < otherNumber)
}
