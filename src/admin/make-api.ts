/** All routes of the management API together. */
import type { RefusalNotes } from '../http/auth/refuse.ts'
import type { Health } from '../ops/health.ts'
import type { Sessions } from '../sessions/registry.ts'
import { Api, type ApiAccess } from './api.ts'
import type { Management } from './management.ts'
import { blockRoutes } from './routes/blocks.ts'
import { type Configured, configRoutes } from './routes/config.ts'
import { drainRoutes } from './routes/drain.ts'
import { overviewRoute } from './routes/overview.ts'
import { sessionRoutes } from './routes/sessions.ts'
import type { AdminTrail } from './trail.ts'

/** The gateway, as the API sees it. */
export interface Managed extends Configured {
  readonly current: Configured['current'] & ApiAccess
}

export interface ApiParts {
  readonly managed: Managed
  readonly management: Management
  readonly sessions: Sessions
  readonly health: Health
  readonly trail: AdminTrail
  readonly notes: RefusalNotes
}

export function makeApi(parts: ApiParts): Api {
  const { managed, management, trail } = parts
  const routes = [
    overviewRoute(parts),
    ...sessionRoutes(management),
    ...blockRoutes(management),
    ...drainRoutes(management),
    ...configRoutes(managed, trail),
  ]
  return new Api(routes, parts)
}
