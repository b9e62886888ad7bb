/**
 * What one broker has lately said no to, and how long that is left alone. The first no makes a second's rest, each
 * further one doubles it up to a minute; after a rest one session tries for all. One success ends it.
 */
import type { BrokerFailure } from '../../proxy/index.ts'
import { BROKER_FAILURES, type FailureSpec } from './broker-failures.ts'

const FIRST_REST_MS = 1_000
const LONGEST_REST_MS = 60_000
/** A rest is shorter by up to this part of it, so that several gateways do not try in step. */
const JITTER_RATIO = 0.2
/** Kept at most, the oldest go first: credentials of modules and tokens are as many as there are people. */
const KEPT_COUNT = 10_000

/** What a session is going to show. It is kept as long as the session. */
export interface Showing {
  /** Its fingerprint stands for user and secret. */
  readonly credential: { fingerprint(): string }
  /** Whether its messages carry a `user-id` of others: a no to that keeps nobody out who shows the same without one. */
  readonly forOthers?: boolean
  /** Where it is known before the client asks. */
  readonly vhost: string | undefined
}

/** What begins with a session's failure. */
export interface Rest {
  readonly forMs: number
  /** Sessions that were refused without an attempt since the last failure. */
  readonly count: number
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

const SCOPES: readonly Scope[] = ['broker', 'credential', 'vhost']

/** Under which key what the broker said of this scope is kept; undefined where it is not known beforehand. */
function keyOf(scope: Scope, { credential, forOthers = false, vhost }: Showing): string | undefined {
  if (scope === 'broker') return 'broker'
  const shown = `${forOthers ? 'others' : 'own'} ${credential.fingerprint()}`
  if (scope === 'credential') return `credential ${shown}`
  return vhost === undefined ? undefined : `vhost ${shown} ${vhost}`
}

/** What is left alone. */
class Entries {
  readonly nowMs: () => number
  readonly #byKey = new Map<string, Entry>()

  constructor(nowMs: () => number) {
    this.nowMs = nowMs
  }

  /** What concerns somebody who shows this. */
  about(showing: Showing): Entry[] {
    if (this.#byKey.size === 0) return []
    return SCOPES.flatMap((scope) => this.#byKey.get(keyOf(scope, showing) ?? '') ?? [])
  }

  forget(showing: Showing): void {
    if (this.#byKey.size === 0) return
    for (const scope of SCOPES) this.#byKey.delete(keyOf(scope, showing) ?? '')
  }

  clear(): void {
    this.#byKey.clear()
  }

  /** @param startedMs when the attempt began that has failed */
  rest(key: string, failure: BrokerFailure, startedMs: number): Rest | 'known' {
    const before = this.#byKey.get(key)
    // Begun before the broker's last no was known: one of many that found out together.
    if (before !== undefined && startedMs < before.sinceMs) {
      before.count++
      return 'known'
    }
    const { longestRestMs = LONGEST_REST_MS } = BROKER_FAILURES[failure]
    const restMs = Math.min(before === undefined ? FIRST_REST_MS : before.restMs * 2, longestRestMs)
    const forMs = Math.round(restMs * (1 - Math.random() * JITTER_RATIO))
    const sinceMs = this.nowMs()
    this.#keep(key, { failure, restMs, sinceMs, untilMs: sinceMs + forMs, trying: false, count: 0 })
    return { forMs, count: before?.count ?? 0 }
  }

  #keep(key: string, entry: Entry): void {
    this.#byKey.delete(key)
    const [oldest] = this.#byKey.keys()
    if (this.#byKey.size >= KEPT_COUNT && oldest !== undefined) this.#byKey.delete(oldest)
    this.#byKey.set(key, entry)
  }
}

/** A session that may try. */
export class Trial {
  readonly #entries: Entries
  readonly #showing: Showing
  /** Whose rest is over and for which this session tries; undefined where there are none. */
  #tries: readonly Entry[] | undefined
  readonly #startedMs: number

  constructor(entries: Entries, showing: Showing, tries: readonly Entry[]) {
    for (const entry of tries) entry.trying = true
    this.#entries = entries
    this.#showing = showing
    this.#tries = tries.length === 0 ? undefined : tries
    this.#startedMs = entries.nowMs()
  }

  opened(): void {
    this.over()
    this.#entries.forget(this.#showing)
  }

  /** The rest that begins; `known` where another session found out before; undefined where nothing has to rest. */
  failed(failure: BrokerFailure): Rest | 'known' | undefined {
    this.over()
    const { rests } = BROKER_FAILURES[failure]
    const key = rests === undefined ? undefined : keyOf(rests, this.#showing)
    return key === undefined ? undefined : this.#entries.rest(key, failure, this.#startedMs)
  }

  /** It ended before the broker had said anything. */
  over(): void {
    for (const entry of this.#tries ?? []) entry.trying = false
    this.#tries = undefined
  }
}

export class HoldOffs {
  readonly #entries: Entries

  constructor(nowMs: () => number = () => performance.now()) {
    this.#entries = new Entries(nowMs)
  }

  /** A trial, or what the broker said when it was asked last. */
  try(showing: Showing): Trial | BrokerFailure {
    const found = this.#entries.about(showing)
    const resting = found.find(({ untilMs, trying }) => trying || this.#entries.nowMs() < untilMs)
    if (resting === undefined) return new Trial(this.#entries, showing, found)
    resting.count++
    return resting.failure
  }

  /** Everything may be tried at once again: somebody has changed something. */
  clear(): void {
    this.#entries.clear()
  }
}
