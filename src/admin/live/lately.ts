/** What happened lately in this process, as operators ask for it. Nobody remembers anything of it where nobody can ask. */
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Traffic } from '../../ops/traffic.ts'
import type { Sessions } from '../../sessions/registry.ts'
import { History } from './history.ts'
import { LiveRates } from './live-rates.ts'
import { RecentRefusals } from './recent-refusals.ts'
import { SessionRefusals } from './session-refusals.ts'

interface Observed {
  readonly sessions: Sessions
  readonly metrics: Metrics
  readonly traffic: Traffic
}

export class Lately {
  /** Clients that were refused. */
  readonly refusals = new RecentRefusals()
  /** Methods that were refused in sessions. */
  readonly methods = new SessionRefusals()
  readonly rates: LiveRates
  readonly history: History

  constructor({ sessions, metrics, traffic }: Observed) {
    this.rates = new LiveRates(function* () {
      for (const { record } of sessions.each()) yield record
    })
    const loopDelayMs = metrics.loopDelay.reader()
    this.history = new History({ totals: metrics.totals, traffic, sessionCount: () => sessions.count, loopDelayMs })
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
