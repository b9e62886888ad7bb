/**
 * What one broker has lately said no to, and how long that is left alone. The first no makes a second's rest, each
 * further one doubles it up to a minute; after a rest one session tries for all. One success ends it.
 */
import type { BrokerFailure } from '../proxy/index.ts'
import { BROKER_FAILURES, type FailureSpec } from './broker-failures.ts'

const FIRST_REST_MS = 1_000
const LONGEST_REST_MS = 60_000
/** A rest is shorter by up to this part of it, so that several gateways do not try in step. */
const JITTER_RATIO = 0.2
/** Kept at most, the oldest go first: credentials of modules and tokens are as many as there are people. */
const KEPT_COUNT = 10_000

/** What a session is going to show. */
export interface Showing {
  /** Stands for user and secret. */
  readonly credential: string
  /** Where it is known before the client asks. */
  readonly vhost: string | undefined
}

/** What begins with a session's failure. */
export interface Rest {
  readonly forMs: number
  /** Sessions that were refused without an attempt since the last failure. */
  readonly count: number
}

/** A session that may try. */
export interface Trial {
  opened(): void
  /** The rest that begins; `known` where another session found out before; undefined where nothing has to rest. */
  failed(failure: BrokerFailure): Rest | 'known' | undefined
  /** It ended before the broker had said anything. */
  over(): void
}

interface Entry {
  readonly failure: BrokerFailure
  readonly restMs: number
  readonly sinceMs: number
  readonly untilMs: number
  /** Set while one session tries for all. */
  trying: boolean
  count: number
}

type Scope = NonNullable<FailureSpec['rests']>
type Keys = Readonly<Record<Scope, string | undefined>>

export class HoldOffs {
  readonly #nowMs: () => number
  readonly #entries = new Map<string, Entry>()

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** A trial, or what the broker said when it was asked last. */
  try({ credential, vhost }: Showing): Trial | BrokerFailure {
    const keys: Keys = {
      broker: 'broker',
      credential: `credential ${credential}`,
      vhost: vhost === undefined ? undefined : `vhost ${credential} ${vhost}`,
    }
    if (this.#entries.size === 0) return this.#trial(keys, [])
    const found = Object.values(keys).flatMap((key) => this.#entries.get(key ?? '') ?? [])
    const resting = found.find(({ untilMs, trying }) => trying || this.#nowMs() < untilMs)
    if (resting !== undefined) {
      resting.count++
      return resting.failure
    }
    return this.#trial(keys, found)
  }

  /** Everything may be tried at once again: somebody has changed something. */
  clear(): void {
    this.#entries.clear()
  }

  /** @param tries the entries whose rest is over and for which this session tries */
  #trial(keys: Keys, tries: readonly Entry[]): Trial {
    for (const entry of tries) entry.trying = true
    const startedMs = this.#nowMs()
    const over = () => {
      for (const entry of tries) entry.trying = false
    }
    return {
      over,
      opened: () => {
        over()
        for (const key of Object.values(keys)) this.#entries.delete(key ?? '')
      },
      failed: (failure) => {
        over()
        const { rests, longestRestMs = LONGEST_REST_MS } = BROKER_FAILURES[failure]
        const key = rests === undefined ? undefined : keys[rests]
        if (key === undefined) return undefined
        return this.#rest(key, failure, { startedMs, longestRestMs })
      },
    }
  }

  #rest(
    key: string,
    failure: BrokerFailure,
    { startedMs, longestRestMs }: { readonly startedMs: number; readonly longestRestMs: number },
  ): Rest | 'known' {
    const before = this.#entries.get(key)
    // Begun before the broker's last no was known: one of many that found out together.
    if (before !== undefined && startedMs < before.sinceMs) {
      before.count++
      return 'known'
    }
    const restMs = Math.min(before === undefined ? FIRST_REST_MS : before.restMs * 2, longestRestMs)
    const forMs = Math.round(restMs * (1 - Math.random() * JITTER_RATIO))
    const sinceMs = this.#nowMs()
    this.#keep(key, { failure, restMs, sinceMs, untilMs: sinceMs + forMs, trying: false, count: 0 })
    return { forMs, count: before?.count ?? 0 }
  }

  #keep(key: string, entry: Entry): void {
    this.#entries.delete(key)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= KEPT_COUNT && oldest !== undefined) this.#entries.delete(oldest)
    this.#entries.set(key, entry)
  }
}
