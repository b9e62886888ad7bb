/** The admin listener of a gateway, and everything behind it: health, metrics, the management API and what it shows. */
import { Feed } from '../admin/live/feed.ts'
import { History } from '../admin/live/history.ts'
import type { Lately } from '../admin/live/lately.ts'
import { AdminLogins } from '../admin/login/logins.ts'
import { type Managed, makeApi } from '../admin/make-api.ts'
import type { Management } from '../admin/management.ts'
import type { Everywhere } from '../admin/replicas/everywhere.ts'
import { type AdminAddress, AdminServer } from '../admin/server.ts'
import type { AdminTrail } from '../admin/trail.ts'
import { noteUnheard } from '../http/server/unheard.ts'
import { Health } from '../ops/health.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { Traffic } from '../ops/traffic.ts'
import type { Sessions } from '../sessions/registry.ts'
import type { SharedStore } from '../state/open.ts'

export interface AdministrationParts {
  readonly managed: Managed
  readonly management: Management
  readonly everywhere: Everywhere
  readonly lately: Lately
  readonly trail: AdminTrail
  readonly sessions: Sessions
  readonly metrics: Metrics
  readonly traffic: Traffic
  readonly log: Log
  isDraining(): boolean
  /** What several gateways share. */
  readonly shared: SharedStore | undefined
}

export class Administration {
  readonly server: AdminServer
  readonly #history: History
  readonly #lately: Lately

  constructor(address: AdminAddress, parts: AdministrationParts) {
    const { managed, management, everywhere, lately, trail, sessions, metrics, traffic, log } = parts
    const health = new Health({
      brokers: () => [...managed.current.brokers.values()],
      isDraining: () => parts.isDraining(),
      stateIsUp: () => parts.shared?.store.isUp,
    })
    const loopDelayMs = metrics.loopDelay.reader()
    const sessionCount = () => sessions.count
    this.#history = new History({ totals: metrics.totals, traffic, sessionCount, loopDelayMs })
    this.#lately = lately
    lately.observe(log)
    const notes = { metrics, log }
    const live = { lately, feed: new Feed(log), history: this.#history }
    const { shared } = parts
    const api = makeApi({ managed, management, everywhere, sessions, health, trail, notes, shared, ...live })
    this.server = new AdminServer(
      address,
      { health, metrics, api, logins: new AdminLogins({ managed, notes }) },
      {
        ...noteUnheard(notes),
        misnamed: (host) =>
          log.write('admin-refused', {
            detail: `called ${host}`,
            allow: `admin: { hosts: [${JSON.stringify(host)}] }`,
          }),
      },
    )
  }

  /** Called once a second. */
  tick(): void {
    this.#history.tick()
    this.#lately.rates.tick()
  }
}
