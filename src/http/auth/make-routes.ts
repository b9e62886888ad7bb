/** The routes under `/auth/` that a set of services has. */
import type { OidcAuthenticator } from '../../../auth/index.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Service } from '../../services/service.ts'
import type { Bars } from '../../sessions/bars.ts'
import type { BasePath } from '../base-path.ts'
import { loginRoutes } from './login.ts'
import type { Route } from './request.ts'
import { ticketRoute } from './ticket.ts'
import type { TicketCookies } from './ticket-cookies.ts'
import { whoamiRoute } from './whoami.ts'

export interface RouteDependencies {
  readonly basePath: BasePath
  readonly services: ReadonlyMap<string, Service>
  readonly adminLogins: readonly OidcAuthenticator[]
  readonly metrics: Metrics
  readonly bars: Bars
  readonly ticketCookies: TicketCookies
  readonly log: Log
}

/** By path. */
export function makeRoutes(of: RouteDependencies): ReadonlyMap<string, Route> {
  const routes = [ticketRoute(of), whoamiRoute(of), ...loginRoutes(of)]
  return new Map(routes.map((route) => [route.path, route]))
}
