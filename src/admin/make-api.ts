/** All routes of the management API together. */
import type { Broker } from '../brokers/broker.ts'
import type { RefusalNotes } from '../http/auth/refuse.ts'
import type { Health } from '../ops/health.ts'
import type { Service } from '../services/service.ts'
import { Api, type ApiAccess } from './api.ts'
import type { Feed } from './live/feed.ts'
import type { Lately } from './live/lately.ts'
import type { Management } from './management.ts'
import type { Everywhere } from './replicas/everywhere.ts'
import { blockRoutes } from './routes/blocks.ts'
import { type Configured, configRoutes } from './routes/config.ts'
import { drainRoutes } from './routes/drain.ts'
import { explainRoute } from './routes/explain.ts'
import { liveRoutes } from './routes/live.ts'
import { meRoute } from './routes/me.ts'
import { openApiRoute } from './routes/openapi.ts'
import { type Overseen, overviewRoutes } from './routes/overview.ts'
import { peopleRoute } from './routes/people.ts'
import { rulesRoute } from './routes/rules.ts'
import { sessionRoutes } from './routes/sessions.ts'
import type { AdminTrail } from './trail.ts'

/** The gateway, as the API sees it. */
export interface Managed extends Configured {
  readonly current: Configured['current'] &
    ApiAccess & {
      readonly services: ReadonlyMap<string, Service>
      readonly brokers: ReadonlyMap<string, Broker>
    }
}

export interface ApiParts {
  readonly managed: Managed
  readonly management: Management
  readonly everywhere: Everywhere
  readonly health: Health
  readonly trail: AdminTrail
  readonly lately: Lately
  readonly feed: Feed
  readonly notes: RefusalNotes
  /** What several gateways share. */
  readonly shared: Overseen['shared']
  readonly crew: Overseen['crew']
}

export function makeApi(parts: ApiParts): Api {
  const { managed, management, trail } = parts
  const routes = [
    meRoute,
    ...overviewRoutes(parts),
    ...sessionRoutes(management, parts.everywhere),
    peopleRoute(parts.everywhere),
    ...blockRoutes(management),
    ...drainRoutes(management),
    ...configRoutes(managed, trail),
    explainRoute(parts),
    rulesRoute(parts.everywhere),
    ...liveRoutes(parts),
  ]
  return new Api([...routes, openApiRoute(routes)], parts)
}
