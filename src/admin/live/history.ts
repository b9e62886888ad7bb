/** The last hour in samples, and what happens per second at the moment. Plain numbers of a fixed count: an hour is 100 KiB. */
import type { Totals } from '../../ops/totals.ts'
import type { Traffic } from '../../ops/traffic.ts'

const EVERY_MS = 10_000
const MOST = 360
/** Of less nobody can tell a rate. */
const SHORTEST_MS = 1_000

/** Per second, rounded to a tenth. */
export interface Rates {
  readonly opened: number
  readonly ended: number
  readonly refused: number
  /** Of AMQP in WebSocket messages. */
  readonly bytesFromClient: number
  readonly bytesToClient: number
  /** WebSocket messages. */
  readonly messagesFromClient: number
  readonly messagesToClient: number
}

/** One for each ten seconds, the oldest first. */
export interface ShownSample extends Rates {
  /** RFC 3339 in UTC: the end of the ten seconds. */
  readonly at: string
  readonly sessions: number
  /** The longest that the event loop kept others waiting, in ms. */
  readonly eventLoopDelay: number
  /** How many clients were refused in these ten seconds, by cause. */
  readonly refusals: Readonly<Record<string, number>>
}

type Counts = { readonly [K in keyof Rates]: number }

interface Mark {
  readonly atMs: number
  readonly counts: Counts
  readonly refused: ReadonlyMap<string, number>
}

export interface HistoryParts {
  readonly totals: Pick<Totals, 'opened' | 'ended' | 'refused' | 'refusedFor'>
  readonly traffic: Pick<Traffic, 'bytesFromClients' | 'bytesToClients' | 'messagesFromClients' | 'messagesToClients'>
  sessionCount(): number
  /** The longest delay of the event loop since it was asked last, in ms. */
  loopDelayMs(): number
  readonly nowMs?: () => number
}

export class History {
  readonly #of: HistoryParts
  readonly #nowMs: () => number
  readonly #samples: ShownSample[] = []
  #mark: Mark
  /** Of the last whole sample: until there is one, rates are those since the start. */
  #before: Mark
  /** Of the sample that is not whole yet, as far as somebody has asked. */
  #loopDelayMs = 0

  constructor(parts: HistoryParts) {
    this.#of = parts
    this.#nowMs = parts.nowMs ?? Date.now
    this.#mark = this.#now()
    this.#before = this.#mark
  }

  /** Called once a second. */
  tick(): void {
    const nowMs = this.#nowMs()
    // A clock that was set back begins a sample of its own.
    if (nowMs >= this.#mark.atMs && nowMs - this.#mark.atMs < EVERY_MS) return
    const [since, now] = [this.#mark, this.#now()]
    this.#samples.push(this.#sample(now))
    if (this.#samples.length > MOST) this.#samples.shift()
    this.#before = since
    this.#mark = now
    this.#loopDelayMs = 0
  }

  #sample(now: Mark): ShownSample {
    const since = this.#mark
    this.#loopDelayMs = Math.max(this.#loopDelayMs, this.#of.loopDelayMs())
    return {
      at: new Date(now.atMs).toISOString(),
      sessions: this.#of.sessionCount(),
      ...ratesBetween(since, now),
      eventLoopDelay: tenth(this.#loopDelayMs),
      refusals: refusedBetween(since.refused, now.refused),
    }
  }

  /** Over the last ten to twenty seconds. */
  rates(): Rates {
    return ratesBetween(this.#before, this.#now())
  }

  /** The last one is not whole: it ends now. */
  samples(): readonly ShownSample[] {
    const now = this.#now()
    return now.atMs - this.#mark.atMs < SHORTEST_MS ? this.#samples : [...this.#samples, this.#sample(now)]
  }

  #now(): Mark {
    const { totals, traffic } = this.#of
    const { opened, ended, refused } = totals
    return {
      atMs: this.#nowMs(),
      counts: {
        opened,
        ended,
        refused,
        bytesFromClient: traffic.bytesFromClients,
        bytesToClient: traffic.bytesToClients,
        messagesFromClient: traffic.messagesFromClients,
        messagesToClient: traffic.messagesToClients,
      },
      refused: new Map(totals.refusedFor()),
    }
  }
}

function ratesBetween(since: Mark, until: Mark): Rates {
  const seconds = Math.max(SHORTEST_MS, until.atMs - since.atMs) / 1000
  const rate = (name: keyof Rates): number => tenth((until.counts[name] - since.counts[name]) / seconds)
  return {
    opened: rate('opened'),
    ended: rate('ended'),
    refused: rate('refused'),
    bytesFromClient: rate('bytesFromClient'),
    bytesToClient: rate('bytesToClient'),
    messagesFromClient: rate('messagesFromClient'),
    messagesToClient: rate('messagesToClient'),
  }
}

/** Of several gateways together. */
export function sumOfRates(all: readonly Rates[]): Rates {
  const sum = (name: keyof Rates): number => tenth(all.reduce((total, one) => total + one[name], 0))
  return {
    opened: sum('opened'),
    ended: sum('ended'),
    refused: sum('refused'),
    bytesFromClient: sum('bytesFromClient'),
    bytesToClient: sum('bytesToClient'),
    messagesFromClient: sum('messagesFromClient'),
    messagesToClient: sum('messagesToClient'),
  }
}

function refusedBetween(since: Mark['refused'], until: Mark['refused']): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...until].flatMap(([cause, count]) => {
      const more = count - (since.get(cause) ?? 0)
      return more === 0 ? [] : [[cause, more]]
    }),
  )
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10
}
