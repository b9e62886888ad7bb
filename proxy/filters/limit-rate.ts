/** How fast one identity publishes. What comes too early is forwarded, and then its client is not read for a while. */
import type { FilterChecks } from './filter.ts'
import type { LimitContext } from './limit-context.ts'

/** Pauses are summed up, and written down this often at most. */
const WRITTEN_EVERY_MS = 60_000

export function rateLimit(
  { session, usage, audit, now }: LimitContext,
  limit: 'publishesPerSecond' | 'publishBytesPerSecond',
  perSecond: number,
): FilterChecks {
  const bucket = usage[limit]
  let pausedUntilMs = 0
  let pausedMs = 0
  let writtenMs = Number.NEGATIVE_INFINITY
  const write = (): void => {
    if (pausedMs === 0) return
    audit.record('limit.paused', { limit, pausedMs: Math.round(pausedMs) })
    pausedMs = 0
    writtenMs = now()
  }
  return {
    publish: ({ header }) => {
      const nowMs = now()
      const waitMs = bucket.take(limit === 'publishesPerSecond' ? 1 : header.bodyBytes, perSecond, nowMs)
      if (waitMs === 0) return undefined
      // A timer may come a little early, and several publishes may have been read at once: each asks anew.
      pausedMs += nowMs + waitMs - Math.max(pausedUntilMs, nowMs)
      pausedUntilMs = nowMs + waitMs
      session.pauseClient(waitMs)
      return undefined
    },
    tick: () => {
      if (now() - writtenMs >= WRITTEN_EVERY_MS) write()
    },
    ended: write,
  }
}
