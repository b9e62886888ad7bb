/** The history of a gateway of several processes is that of its workers. */
import type { HistoryParts } from '../../admin/live/history.ts'
import type { Crew } from './crew.ts'

export function historyOf({ counts }: Crew): HistoryParts {
  return {
    totals: {
      get opened() {
        return counts.opened
      },
      get ended() {
        return counts.ended
      },
      get refused() {
        return counts.refused
      },
      refusedFor: () => new Map(Object.entries(counts.refusedFor)),
    },
    traffic: counts,
    sessionCount: () => counts.sessions,
    loopDelayMs: () => counts.loopDelayMs(),
  }
}
