/**
 * `POST /auth/ticket`: whoever proves an identity the long way gets a ticket, which a browser can put into a WebSocket's
 * URL or which it sends as a cookie by itself. Promotion runs at the upgrade, not here. The answer says what `/auth/whoami`
 * says, too, so that a page needs one request.
 */
import {
  AuthenticationRefused,
  type Identity,
  type IssuedTicket,
  type TicketAuthenticator,
  ticketAuthenticatorOf,
} from '../../../auth/index.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Service } from '../../services/service.ts'
import type { Bars } from '../../sessions/bars.ts'
import type { BasePath } from '../base-path.ts'
import { proveExchange, refusalOf, stateRefusal } from '../proof.ts'
import { isRefusal, type Refusal } from '../refusal.ts'
import { answerRefusal } from './refuse.ts'
import type { Route } from './request.ts'
import { shownIdentity } from './shown-identity.ts'
import type { TicketCookies } from './ticket-cookies.ts'

export interface TicketRouteDependencies {
  readonly basePath: BasePath
  readonly services: ReadonlyMap<string, Service>
  readonly metrics: Metrics
  readonly bars: Bars
  readonly ticketCookies: TicketCookies
  readonly log: Log
}

/** The route; services that take no tickets are none for it. */
export function ticketRoute(of: TicketRouteDependencies): Route {
  const takers = [...of.services.values()].filter((service) => ticketAuthenticatorOf(service.requirement) !== undefined)
  return {
    path: '/auth/ticket',
    methods: ['POST'],
    services: takers,
    serviceOf: (query) => serviceNamed(query, takers, of.basePath),
    async handle(exchange) {
      const { service, origin, hop, query } = exchange
      const tickets = service === undefined ? undefined : ticketAuthenticatorOf(service.requirement)
      if (service === undefined || tickets === undefined) return { status: 404, body: { error: 'no such service' } }
      const as = query.get('as')
      if (as !== null && as !== 'cookie') return { status: 400, body: { error: 'expected as=cookie or nothing' } }
      const proven = await proveExchange(service, exchange, of)
      if (isRefusal(proven)) return answerRefusal(exchange, proven, of)
      const issued = await issue(tickets, proven.identity, { service: service.path, origin })
      if (isRefusal(issued)) return answerRefusal(exchange, issued, of)
      const { subject, issuer, authenticator } = proven.identity
      of.log.write('ticket-issued', { service: service.path, subject, issuer, authenticator, address: hop.address })
      const headers = proven.responseHeaders
      const body = { ...shownIdentity(proven.identity), expiresIn: issued.expiresInSeconds }
      if (as === null) return { status: 200, body: { ...body, ticket: issued.ticket }, headers }
      of.ticketCookies.issued({ service: service.path, origin, address: hop.address })
      const cookie = tickets.cookie(issued, { service: service.path, isSecure: hop.isSecure })
      return { status: 200, body, headers: { ...headers, 'Set-Cookie': cookie } }
    },
  }
}

/**
 * The service a query names, by its path in the configuration or by the one that browsers connect to; without a name, the
 * only one there is.
 */
export function serviceNamed(
  query: URLSearchParams,
  among: readonly Service[],
  basePath: BasePath,
): Service | 'ambiguous' | undefined {
  const names = query.getAll('service')
  if (names.length > 1) return 'ambiguous'
  const [name] = names
  if (name !== undefined)
    return among.find(({ path }) => path === name) ?? among.find(({ path }) => basePath.forBrowsers(path) === name)
  return among.length > 1 ? 'ambiguous' : among[0]
}

async function issue(
  tickets: TicketAuthenticator,
  identity: Identity,
  binding: { readonly service: string; readonly origin: string | undefined },
): Promise<IssuedTicket | Refusal> {
  try {
    return await tickets.issue(identity, binding)
  } catch (error) {
    if (error instanceof AuthenticationRefused) return refusalOf(error)
    const refusal = stateRefusal(error)
    if (refusal !== undefined) return refusal
    throw error
  }
}
