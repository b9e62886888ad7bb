/**
 * The public HTTP side beside the upgrade: finds the route, keeps foreign pages out, and answers. What is under `/auth/`
 * always answers by HTTP status. Health and metrics are not here but on a server of their own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import { originLine } from '../allow-line.ts'
import { checkHeaders, pathOf } from '../head.ts'
import type { Hop } from '../hop.ts'
import { stateRefusal } from '../proof.ts'
import type { ServingSource } from '../serving.ts'
import { corsHeaders, isPreflight, preflightHeaders, VARY } from './cors.ts'
import { answerRefusal } from './refuse.ts'
import { type AuthAnswer, answer, type Exchange, isTooLarge, type Method, type Route } from './request.ts'

export interface RoutesDependencies {
  readonly serving: ServingSource
  readonly metrics: Metrics
  readonly log: Log
}

/** An answer that says what was expected. */
type Told = AuthAnswer & { readonly body: { readonly error: string } }

interface Asked {
  readonly request: IncomingMessage
  readonly hop: Hop
  readonly identityHeaders: readonly string[]
}

export class Routes {
  readonly #of: RoutesDependencies

  constructor(dependencies: RoutesDependencies) {
    this.#of = dependencies
  }

  /** Answers one request; never throws. */
  async handle(request: IncomingMessage, response: ServerResponse, hop: Hop): Promise<void> {
    let found: AuthAnswer
    try {
      found = await this.#answerOf(request, hop)
    } catch (error) {
      this.#of.log.write('internal-error', { address: hop.address, detail: String(error) })
      found = { status: 500, body: { error: 'internal error' } }
    }
    answer(request, response, found)
  }

  async #answerOf(request: IncomingMessage, hop: Hop): Promise<AuthAnswer> {
    const { services, routes, basePath, identityHeaders } = this.#of.serving.current
    const problem = checkHeaders(request.rawHeaders, identityHeaders)
    if (problem !== undefined)
      return this.#noted(hop, 'bad-request', { status: problem.status, body: { error: problem.detail } })
    const asked = pathOf(request.url)
    const path = basePath.within(asked)
    if (path !== undefined && services.has(path)) return this.#noted(hop, 'bad-request', upgradeRequired(request))
    const route = path === undefined ? undefined : routes.get(path)
    if (route === undefined)
      return this.#noted(hop, 'unknown-path', { status: 404, body: { error: `not found${basePath.advice(asked)}` } })
    if (isTooLarge(request))
      return this.#noted(hop, 'bad-request', { status: 413, body: { error: 'expected at most 16 KiB' } })
    return await this.#routed(route, { request, hop, identityHeaders })
  }

  async #routed(route: Route, { request, hop, identityHeaders }: Asked): Promise<AuthAnswer> {
    const query = new URL(request.url ?? '/', 'http://gateway').searchParams
    const service = route.serviceOf?.(query)
    const { origin } = request.headers
    if (service === 'ambiguous' || (route.serviceOf !== undefined && service === undefined))
      return this.#withoutService(route, service, { request, hop, identityHeaders })
    if (origin !== undefined && service?.origins.allows(origin) === false) {
      const allow = originLine(origin)
      const detail = 'the service does not list this origin'
      return answerRefusal(
        { hop, service, origin },
        { cause: 'origin-not-allowed', detail, allow, headers: VARY },
        this.#of,
      )
    }
    const cors = origin === undefined || service === undefined ? VARY : corsHeaders(origin)
    if (isPreflight(request)) {
      if (origin === undefined || service === undefined) return { status: 204, headers: VARY }
      const asked = request.headers['access-control-request-headers']
      return { status: 204, headers: preflightHeaders(origin, { methods: route.methods, asked, identityHeaders }) }
    }
    if (!isOneOf(route.methods, request.method)) {
      const headers = { ...cors, Allow: ['OPTIONS', ...route.methods].join(', ') }
      return this.#noted(hop, 'bad-request', { status: 405, body: { error: 'method not allowed' }, headers })
    }
    const exchange = { request, hop, query, origin, service }
    const answered = await this.#handled(route, exchange)
    return { ...answered, headers: { ...cors, ...answered.headers } }
  }

  /** A page that some service lists may read what is wrong, and which services it could name: those that list it. */
  #withoutService(
    { services = [], methods }: Route,
    service: 'ambiguous' | undefined,
    { request, hop, identityHeaders }: Asked,
  ): AuthAnswer {
    const { origin } = request.headers
    const open = origin === undefined ? [] : services.filter(({ origins }) => origins.allows(origin))
    const isKnown = origin !== undefined && open.length > 0
    if (isKnown && isPreflight(request)) {
      const asked = request.headers['access-control-request-headers']
      return { status: 204, headers: preflightHeaders(origin, { methods, asked, identityHeaders }) }
    }
    const { basePath } = this.#of.serving.current
    const names = open.map(({ path }) => basePath.forBrowsers(path))
    const may = isKnown ? `: this origin may use ${names.join(', ')}` : ''
    const headers = isKnown ? corsHeaders(origin) : VARY
    if (service === 'ambiguous') {
      const error = `expected ?service= with the path of a service${may}`
      return this.#noted(hop, 'bad-request', { status: 400, body: { error }, headers })
    }
    return this.#noted(hop, 'unknown-path', { status: 404, body: { error: `no such service${may}` }, headers })
  }

  /** No cookie is touched because the store is away: the login behind it goes on. */
  async #handled(route: Route, exchange: Exchange): Promise<AuthAnswer> {
    try {
      return await route.handle(exchange)
    } catch (error) {
      const refusal = stateRefusal(error)
      if (refusal === undefined) throw error
      return answerRefusal(exchange, refusal, this.#of)
    }
  }

  /** An answer that is a refusal, noted in log and metrics; the log says the same as the client reads. */
  #noted({ address }: Hop, cause: 'bad-request' | 'unknown-path', given: Told): AuthAnswer {
    const { status, body } = given
    this.#of.metrics.refused(cause)
    this.#of.log.write('request-refused', { cause, address, status, detail: body.error })
    return given
  }
}

/** A service's path speaks WebSocket only. [RFC 9110 §15.5.22] */
function upgradeRequired({ method, headers: { upgrade, connection } }: IncomingMessage): Told {
  if (method !== 'GET') return { status: 405, body: { error: 'method not allowed' }, headers: { Allow: 'GET' } }
  const isHalf = (upgrade === undefined) !== (connection?.toLowerCase().includes('upgrade') !== true)
  const error = isHalf
    ? 'this path speaks AMQP over WebSocket: expected both Connection: Upgrade and Upgrade: websocket, which a proxy has to pass on'
    : 'this path speaks AMQP over WebSocket'
  return { status: 426, body: { error }, headers: { Upgrade: 'websocket', Connection: 'Upgrade' } }
}

function isOneOf(methods: readonly Method[], method: string | undefined): boolean {
  return methods.some((one) => one === method)
}
