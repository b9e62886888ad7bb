/**
 * Keeps live sessions by the word of their service's entitlements: asks again every `refresh`, one question for all sessions
 * that share it, and tells them what changed. Where no answer arrives they go on by the last one for `staleFor`.
 */
import {
  type Entitlement,
  EntitlementRefused,
  type Entitlements,
  EntitlementUnavailable,
  entitlementKey,
} from '../../auth/index.ts'
import type { EndRequest } from '../../proxy/index.ts'
import type { Log } from '../ops/log.ts'
import type { Entitled } from '../services/service.ts'
import { ENTITLEMENT_AWAY, entitlementEnded } from './end-requests.ts'
import { type Clock, SYSTEM_CLOCK } from './lifetime.ts'
import type { Ticked } from './ticker.ts'

/** Most questions under way that nobody at the door waits for. */
const ASKING_MAX = 64
/** After a failure it is asked more often than `refresh`, if that is longer. */
const RETRY_MS = 5_000
/** Part of `refresh` after which it is asked again: a share of it is chance, so that not all are asked at once. */
const EARLIEST = 0.8
const SPREAD = 0.15

/** A session, as far as its entitlement goes. */
export interface EntitledSession {
  /** Of the present service; undefined where nobody is asked any more. */
  readonly entitlements: Entitlements | undefined
  /** Goes on by this answer from the next frame on. */
  entitle(entitled: Entitled): void
  end(request: EndRequest): void
}

/** All sessions that share a question. */
interface Group {
  readonly key: string
  readonly sessions: Set<EntitledSession>
  entitled: Entitled
  /** When it is to be asked again, on the clock that nobody can set back. */
  dueMs: number
  /** Since when no answer has arrived. */
  failingSinceMs: number | undefined
  isAsking: boolean
}

export class EntitledSessions implements Ticked {
  readonly #log: Log
  readonly #clock: Clock
  readonly #groups = new Map<string, Group>()
  readonly #bySession = new Map<EntitledSession, Group>()
  #askingCount = 0

  constructor(log: Log, clock: Clock = SYSTEM_CLOCK) {
    this.#log = log
    this.#clock = clock
  }

  /** How many different questions are asked for live sessions. */
  get questionCount(): number {
    return this.#groups.size
  }

  /** A session lives by this answer from now on; it is news for those that share the question. */
  join(session: EntitledSession, entitled: Entitled): void {
    const key = entitlementKey(entitled.question)
    if (this.#bySession.get(session)?.key !== key) this.leave(session)
    const group = this.#groups.get(key) ?? this.#newGroup(key, entitled)
    group.sessions.add(session)
    this.#bySession.set(session, group)
    if (entitled.atMs > group.entitled.atMs) this.#answered(group, entitled, session)
  }

  /** The session has ended, or nobody is asked any more. */
  leave(session: EntitledSession): void {
    const group = this.#bySession.get(session)
    if (group === undefined) return
    this.#bySession.delete(session)
    group.sessions.delete(session)
    if (group.sessions.size === 0) this.#groups.delete(group.key)
  }

  tick(): void {
    const nowMs = this.#clock.monotonicMs()
    const wallMs = this.#clock.wallMs()
    for (const group of this.#groups.values()) {
      const { untilMs } = group.entitled.entitlement
      const entitlements = entitlementsOf(group)
      if (entitlements === undefined) continue
      if (untilMs !== undefined && wallMs >= untilMs) endAll(group, entitlementEnded())
      else if (isStale(group, entitlements, nowMs)) endAll(group, ENTITLEMENT_AWAY)
      else if (!group.isAsking && nowMs >= group.dueMs && this.#askingCount < ASKING_MAX) {
        this.#ask(group, entitlements).catch((error: unknown) =>
          this.#log.write('internal-error', { detail: String(error) }),
        )
      }
    }
  }

  #newGroup(key: string, entitled: Entitled): Group {
    const group: Group = {
      key,
      sessions: new Set(),
      entitled: { ...entitled, atMs: Number.NEGATIVE_INFINITY },
      dueMs: this.#clock.monotonicMs(),
      failingSinceMs: undefined,
      isAsking: false,
    }
    this.#groups.set(key, group)
    return group
  }

  async #ask(group: Group, entitlements: Entitlements): Promise<void> {
    group.isAsking = true
    this.#askingCount += 1
    const atMs = this.#clock.monotonicMs()
    const { question } = group.entitled
    try {
      this.#answered(group, { question, entitlement: await entitlements.ask(question), atMs })
    } catch (error) {
      if (error instanceof EntitlementRefused) endAll(group, entitlementEnded(error.forClient))
      else if (error instanceof EntitlementUnavailable) this.#failed(group, entitlements, error)
      else throw error
    } finally {
      group.isAsking = false
      this.#askingCount -= 1
    }
  }

  /** @param teller lives by it already */
  #answered(group: Group, entitled: Entitled, teller?: EntitledSession): void {
    group.entitled = entitled
    group.failingSinceMs = undefined
    const entitlements = entitlementsOf(group)
    const refreshMs = entitlements?.refreshMs ?? 0
    const nextMs = refreshMs * (EARLIEST + Math.random() * SPREAD)
    group.dueMs = entitled.atMs + Math.min(nextMs, this.#beforeEnd(entitled.entitlement))
    for (const session of group.sessions) if (session !== teller) session.entitle(entitled)
  }

  /** A grant that ends is asked for again while there is time to go on without a gap. */
  #beforeEnd({ untilMs }: Entitlement): number {
    if (untilMs === undefined) return Number.POSITIVE_INFINITY
    return Math.max(1_000, (untilMs - this.#clock.wallMs()) * EARLIEST)
  }

  #failed(group: Group, entitlements: Entitlements, { message }: EntitlementUnavailable): void {
    const nowMs = this.#clock.monotonicMs()
    group.failingSinceMs ??= nowMs
    group.dueMs = nowMs + Math.min(entitlements.refreshMs, RETRY_MS)
    const { service } = group.entitled.question
    this.#log.write('entitlements-failed', { service, detail: message, count: group.sessions.size })
    if (isStale(group, entitlements, nowMs)) endAll(group, ENTITLEMENT_AWAY)
  }
}

function entitlementsOf({ sessions }: Group): Entitlements | undefined {
  const [first] = sessions
  return first?.entitlements
}

function isStale({ failingSinceMs }: Group, { staleForMs }: Entitlements, nowMs: number): boolean {
  return failingSinceMs !== undefined && nowMs - failingSinceMs >= staleForMs
}

/** Each leaves the group when it has ended. */
function endAll({ sessions }: Group, request: EndRequest): void {
  for (const session of [...sessions]) session.end(request)
}
