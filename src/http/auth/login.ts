/**
 * The routes of the gateway's own login: `/auth/login`, `/auth/callback`, `/auth/logout`, `/auth/refresh`,
 * `/auth/backchannel-logout`. Which login is meant is decided by the service that a request names.
 */
import { authenticatorsOf, type OidcAuthenticator, oidcAuthenticatorsOf } from '../../../auth/index.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Service } from '../../services/service.ts'
import type { Bars } from '../../sessions/bars.ts'
import { barredBy } from '../barred.ts'
import type { BasePath } from '../base-path.ts'
import { backchannel, beginLogin, callback, forCookie, type LoginSteps } from './login-steps.ts'
import type { Exchange, Method, Route } from './request.ts'
import { serviceNamed } from './ticket.ts'

export interface LoginRouteDependencies {
  readonly basePath: BasePath
  readonly services: ReadonlyMap<string, Service>
  /** Those of the admin listener, which a provider that ends a login means as well. */
  readonly adminLogins: readonly OidcAuthenticator[]
  readonly metrics: Metrics
  readonly bars: Bars
  readonly log: Log
}

/** None where no service has a login. */
export function loginRoutes(of: LoginRouteDependencies): readonly Route[] {
  const services = [...of.services.values()].filter((service) => loginsOf(service).length > 0)
  const all = [...new Set(services.flatMap(loginsOf))]
  if (all.length === 0) return []
  const serviceOf = (query: URLSearchParams) => serviceNamed(query, services, of.basePath)
  const named = (path: string, method: Method, handle: Route['handle']) => ({
    path,
    methods: [method],
    serviceOf,
    services,
    handle,
  })
  const steps: LoginSteps = {
    forBrowsers: (path) => of.basePath.forBrowsers(path),
    barred: (identity) => barredBy(of.bars, identity),
    metrics: of.metrics,
    log: of.log,
  }
  const meant = ({ service }: Exchange) => (service === undefined ? [] : loginsOf(service))
  return [
    named('/auth/login', 'GET', (exchange) => beginLogin(exchange, meant(exchange), steps)),
    { path: '/auth/callback', methods: ['GET'], handle: (exchange) => callback(exchange, all, steps) },
    named('/auth/logout', 'POST', (exchange) => forCookie(exchange, meant(exchange), steps, ['login-ended', 'logout'])),
    named('/auth/refresh', 'POST', (exchange) =>
      forCookie(exchange, meant(exchange), steps, ['login-renewed', 'refreshFor']),
    ),
    {
      path: '/auth/backchannel-logout',
      methods: ['POST'],
      handle: (exchange) => backchannel(exchange, [...all, ...of.adminLogins], steps),
    },
  ]
}

function loginsOf({ requirement }: Service): readonly OidcAuthenticator[] {
  return oidcAuthenticatorsOf(authenticatorsOf(requirement))
}
