/** The admin listener of a gateway, and everything behind it: health, metrics, the management API and what it shows. */
import { Feed } from '../admin/live/feed.ts'
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
import { summedText } from '../ops/summed-metrics.ts'
import type { SharedStore } from '../state/open.ts'
import type { Crew } from './crew/crew.ts'

export interface AdministrationParts {
  readonly managed: Managed
  readonly management: Management
  readonly everywhere: Everywhere
  readonly lately: Lately
  readonly trail: AdminTrail
  readonly metrics: Metrics
  readonly log: Log
  isDraining(): boolean
  /** What several gateways share. */
  readonly shared: SharedStore | undefined
  /** The workers of a gateway of several processes. */
  readonly crew: Crew | undefined
}

export class Administration {
  readonly server: AdminServer

  constructor(address: AdminAddress, parts: AdministrationParts) {
    const { managed, management, everywhere, lately, trail, metrics, log, shared, crew } = parts
    const health = new Health({
      brokers: () => [...managed.current.brokers.values()],
      isDraining: () => parts.isDraining(),
      stateIsUp: () => shared?.store.isUp,
      auditFails: () =>
        log.isFailing && managed.current.config.services.some(({ audit }) => audit.onFailure === 'refuse'),
      isServing: () => crew?.isServing ?? true,
    })
    const notes = { metrics, log }
    const feed = new Feed(crew === undefined ? log : observedTogether([log, crew]))
    const api = makeApi({ managed, management, everywhere, lately, feed, health, trail, notes, shared, crew })
    this.server = new AdminServer(
      address,
      { health, metrics: scraped(metrics, crew), api, logins: new AdminLogins({ managed, notes }) },
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
}

function observedTogether(logs: readonly Pick<Log, 'observe'>[]): Pick<Log, 'observe'> {
  return {
    observe(observer) {
      const stops = logs.map((log) => log.observe(observer))
      return () => {
        for (const stop of stops) stop()
      }
    },
  }
}

/** One scrape for all processes. */
function scraped(metrics: Metrics, crew: Crew | undefined): Pick<Metrics, 'contentType' | 'text'> {
  if (crew === undefined) return metrics
  const { contentType } = metrics
  return { contentType, text: async () => await summedText([await metrics.json(), ...(await crew.metrics())]) }
}
