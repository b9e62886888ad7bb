/**
 * How fast each session is at the moment. Nothing counts for it: it compares the sessions' own counters with those of some
 * seconds ago, and remembers those only while somebody looks.
 */

const EVERY_MS = 5_000
/** So long after the last look nobody looks. */
const LOOKED_AT_MS = 30_000
/** Of less nobody can tell a rate. */
const LEAST_MS = 1_000

const COUNTERS = ['bytesFromClient', 'bytesToClient', 'messagesFromClient', 'messagesToClient'] as const

/** Per second, rounded to a tenth. */
export type ShownRates = { readonly [K in (typeof COUNTERS)[number]]: number }

/** A session's counters. */
export interface Counted extends ShownRates {
  readonly id: string
  /** In ms since the epoch. */
  readonly startedAtMs: number
}

interface Mark {
  readonly atMs: number
  readonly counts: ShownRates
}

type Marks = ReadonlyMap<string, Mark>

const NONE: Marks = new Map()
const ZERO: ShownRates = { bytesFromClient: 0, bytesToClient: 0, messagesFromClient: 0, messagesToClient: 0 }

export class LiveRates {
  readonly #sessions: () => Iterable<Counted>
  readonly #nowMs: () => number
  /** Two samples: rates are those since the older one, which is of five to ten seconds ago. */
  #older: Marks = NONE
  #newer: Marks = NONE
  #sampledAtMs = 0
  #lookedAtMs = Number.NEGATIVE_INFINITY

  /** @param sessions all of them at the moment */
  constructor(sessions: () => Iterable<Counted>, nowMs: () => number = Date.now) {
    this.#sessions = sessions
    this.#nowMs = nowMs
  }

  /** Called once a second. */
  tick(): void {
    const nowMs = this.#nowMs()
    if (!this.#isLookedAt(nowMs)) {
      if (this.#newer !== NONE) this.#older = this.#newer = NONE
    } else if (nowMs - this.#sampledAtMs >= EVERY_MS) this.#sample(nowMs)
  }

  /** Of one session; `null` until there is something to compare with. */
  of(session: Counted): ShownRates | null {
    const nowMs = this.#look()
    const mark = this.#older.get(session.id) ?? this.#newer.get(session.id) ?? this.#begin(session)
    if (mark === undefined || nowMs - mark.atMs < LEAST_MS) return null
    const seconds = (nowMs - mark.atMs) / 1000
    const rate = (name: keyof ShownRates): number => tenth((session[name] - mark.counts[name]) / seconds)
    return {
      bytesFromClient: rate('bytesFromClient'),
      bytesToClient: rate('bytesToClient'),
      messagesFromClient: rate('messagesFromClient'),
      messagesToClient: rate('messagesToClient'),
    }
  }

  /** How many marks are held. */
  get size(): number {
    return this.#older.size + this.#newer.size
  }

  /** Somebody looks. @returns the time */
  #look(): number {
    const nowMs = this.#nowMs()
    const isFirst = !this.#isLookedAt(nowMs)
    this.#lookedAtMs = nowMs
    if (isFirst) this.#sample(nowMs)
    return nowMs
  }

  #isLookedAt(nowMs: number): boolean {
    return nowMs - this.#lookedAtMs <= LOOKED_AT_MS
  }

  /** One that began after the last sample has all that it counted since then. */
  #begin({ startedAtMs }: Counted): Mark | undefined {
    return startedAtMs >= this.#sampledAtMs ? { atMs: startedAtMs, counts: ZERO } : undefined
  }

  #sample(atMs: number): void {
    const marks = new Map<string, Mark>()
    for (const { id, bytesFromClient, bytesToClient, messagesFromClient, messagesToClient } of this.#sessions())
      marks.set(id, { atMs, counts: { bytesFromClient, bytesToClient, messagesFromClient, messagesToClient } })
    this.#older = this.#newer
    this.#newer = marks
    this.#sampledAtMs = atMs
  }
}

/** Those of several sessions together. */
export function sumOf(rates: Iterable<ShownRates>): ShownRates {
  const sum = { ...ZERO }
  for (const one of rates) for (const name of COUNTERS) sum[name] = tenth(sum[name] + one[name])
  return sum
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10
}
