/**
 * `GET /auth/whoami`: what the gateway knows of whoever asks, for pages and for operators who debug one. It takes every
 * credential that the service takes except tickets, which would be used up by it.
 */
import { PromotionRefused, word } from '../../../auth/index.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Service } from '../../services/service.ts'
import type { Bars } from '../../sessions/bars.ts'
import type { BasePath } from '../base-path.ts'
import { proveExchange } from '../proof.ts'
import { isRefusal } from '../refusal.ts'
import { answerRefusal } from './refuse.ts'
import type { Route } from './request.ts'
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
      const { subject, issuer, roles, authenticator, expiresAtMs } = proven.identity
      const expiresAt = expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString()
      const body = { subject, issuer, roles, authenticator, expiresAt, word: wordOf(subject) }
      return { status: 200, body, headers: proven.responseHeaders }
    },
  }
}

/** `null` where the subject cannot stand in a pattern at all; rules that use it refuse then. */
function wordOf(subject: string): string | null {
  try {
    return word(subject, 'subject')
  } catch (error) {
    if (error instanceof PromotionRefused) return null
    throw error
  }
}
