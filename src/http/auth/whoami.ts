/**
 * `GET /auth/whoami`: what the gateway knows of whoever asks, for pages and for operators who debug one. It takes every
 * credential that the service takes except tickets, which would be used up by it.
 */
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Service } from '../../services/service.ts'
import type { Bars } from '../../sessions/bars.ts'
import type { BasePath } from '../base-path.ts'
import { proveExchange } from '../proof.ts'
import { isRefusal } from '../refusal.ts'
import { answerRefusal } from './refuse.ts'
import type { Route } from './request.ts'
import { shownIdentity } from './shown-identity.ts'
import { serviceNamed } from './ticket.ts'

export interface WhoamiRouteDependencies {
  readonly basePath: BasePath
  readonly services: ReadonlyMap<string, Service>
  readonly metrics: Metrics
  readonly bars: Bars
  readonly log: Log
}

/** The route. `word` is the subject as `${subject}` stands in name and key patterns. */
export function whoamiRoute(of: WhoamiRouteDependencies): Route {
  const services = [...of.services.values()]
  return {
    path: '/auth/whoami',
    methods: ['GET'],
    services,
    serviceOf: (query) => serviceNamed(query, services, of.basePath),
    async handle(exchange) {
      const { service } = exchange
      if (service === undefined) return { status: 404, body: { error: 'no such service' } }
      // Browsers name no origin when a page asks its own server, and no other page can read the answer.
      const proven = await proveExchange(service, exchange, of, { cookieNeedsOrigin: false })
      if (isRefusal(proven)) return answerRefusal(exchange, proven, of)
      return { status: 200, body: shownIdentity(proven.identity), headers: proven.responseHeaders }
    },
  }
}
