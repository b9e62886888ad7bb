/** What happened lately in this process, as operators ask for it. Nobody remembers anything of it where nobody can ask. */
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Traffic } from '../../ops/traffic.ts'
import type { Sessions } from '../../sessions/registry.ts'
import { History, type HistoryParts } from './history.ts'
import { LiveRates } from './live-rates.ts'
import { RecentRefusals } from './recent-refusals.ts'
import { SessionRefusals } from './session-refusals.ts'

interface Observed {
  readonly sessions: Sessions
  readonly metrics: Metrics
  readonly traffic: Traffic
  /** Of all processes of this gateway; undefined: there is one, and the history is its own. */
  readonly together: HistoryParts | undefined
}

export class Lately {
  /** Clients that were refused. */
  readonly refusals = new RecentRefusals()
  /** Methods that were refused in sessions. */
  readonly methods = new SessionRefusals()
  readonly rates: LiveRates
  readonly history: History

  constructor({ sessions, metrics, traffic, together }: Observed) {
    this.rates = new LiveRates(function* () {
      for (const { record } of sessions.each()) yield record
    })
    const loopDelayMs = metrics.loopDelay.reader()
    const own = { totals: metrics.totals, traffic, sessionCount: () => sessions.count, loopDelayMs }
    this.history = new History(together ?? own)
  }

  /** Remembers from now on what the log says. */
  observe(log: Log): void {
    log.observe(this.refusals)
    log.observe(this.methods)
  }

  /** Called once a second. */
  tick(): void {
    this.history.tick()
    this.rates.tick()
  }
}
