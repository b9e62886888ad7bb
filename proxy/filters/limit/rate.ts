/** How fast one identity publishes. What comes too early is forwarded, and then its client is not read for a while. */
import type { FilterChecks, PublishView } from '../filter.ts'
import type { LimitContext } from './context.ts'
import type { Bucket, Usage } from './usage.ts'

/** Pauses are summed up, and written down this often at most. */
const WRITTEN_EVERY_MS = 60_000

/** What one session keeps for it. */
export class RateLimit {
  readonly context: LimitContext
  readonly #limit: 'publishesPerSecond' | 'publishBytesPerSecond'
  readonly #perSecond: number
  readonly #bucket: Bucket
  readonly #usage: Usage
  #pausedUntilMs = 0
  #pausedMs = 0
  #writtenMs = Number.NEGATIVE_INFINITY

  constructor(context: LimitContext, limit: 'publishesPerSecond' | 'publishBytesPerSecond', perSecond: number) {
    this.context = context
    this.#limit = limit
    this.#perSecond = perSecond
    this.#bucket = context.usage[limit]
    this.#usage = context.usage
  }

  take({ header }: PublishView): void {
    const { session, now } = this.context
    const nowMs = now()
    const amount = this.#limit === 'publishesPerSecond' ? 1 : header.bodyBytes
    const waitMs = this.#bucket.take(amount, this.#perSecond / (1 + this.#usage.elsewhere.publishers), nowMs)
    if (waitMs === 0) return
    // A timer may come a little early, and several publishes may have been read at once: each asks anew.
    this.#pausedMs += nowMs + waitMs - Math.max(this.#pausedUntilMs, nowMs)
    this.#pausedUntilMs = nowMs + waitMs
    session.pauseClient(waitMs)
  }

  tick(): void {
    if (this.context.now() - this.#writtenMs >= WRITTEN_EVERY_MS) this.write()
  }

  write(): void {
    if (this.#pausedMs === 0) return
    this.context.audit.record('limit.paused', { limit: this.#limit, pausedMs: Math.round(this.#pausedMs) })
    this.#pausedMs = 0
    this.#writtenMs = this.context.now()
  }
}

export const RATE_LIMIT: FilterChecks<RateLimit> = {
  publish: (publish, limit) => {
    limit.take(publish)
    return undefined
  },
  tick: (_nowMs, limit) => limit.tick(),
  ended: (limit) => limit.write(),
}
