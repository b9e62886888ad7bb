/** What happened lately in this process, as operators ask for it. Nobody remembers anything of it where nobody can ask. */
import type { Log } from '../../ops/log.ts'
import type { Sessions } from '../../sessions/registry.ts'
import { LiveRates } from './live-rates.ts'
import { RecentRefusals } from './recent-refusals.ts'
import { SessionRefusals } from './session-refusals.ts'

export class Lately {
  /** Clients that were refused. */
  readonly refusals = new RecentRefusals()
  /** Methods that were refused in sessions. */
  readonly methods = new SessionRefusals()
  readonly rates: LiveRates

  constructor(sessions: Sessions) {
    this.rates = new LiveRates(function* () {
      for (const { record } of sessions.each()) yield record
    })
  }

  /** Remembers from now on what the log says. */
  observe(log: Log): void {
    log.observe(this.refusals)
    log.observe(this.methods)
  }
}
