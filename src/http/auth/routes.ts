/**
 * The public HTTP side beside the upgrade: finds the route, keeps foreign pages out, and answers. What is under `/auth/`
 * always answers by HTTP status. Health and metrics are not here but on a server of their own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Service } from '../../services/service.ts'
import { originLine } from '../allow-line.ts'
import { checkHeaders, pathOf } from '../head.ts'
import type { Hop } from '../listener.ts'
import { answerTo, REFUSALS, type Refusal } from '../refusal.ts'
import { corsHeaders, isPreflight, preflightHeaders, VARY } from './cors.ts'
import { type Answer, answer, type Exchange, isTooLarge, type Method, type Route } from './request.ts'

export interface RoutesDependencies {
  readonly routes: readonly Route[]
  readonly services: ReadonlyMap<string, Service>
  readonly identityHeaders: readonly string[]
  readonly metrics: Metrics
  readonly log: Log
}

export class Routes {
  readonly #of: RoutesDependencies
  readonly #byPath: ReadonlyMap<string, Route>

  constructor(dependencies: RoutesDependencies) {
    this.#of = dependencies
    this.#byPath = new Map(dependencies.routes.map((route) => [route.path, route]))
  }

  /** Answers one request; never throws. */
  handle(request: IncomingMessage, response: ServerResponse, hop: Hop): void {
    this.#answerOf(request, hop).then(
      (found) => answer(request, response, found),
      (error: unknown) => {
        this.#of.log.write('internal-error', { address: hop.address, detail: String(error) })
        answer(request, response, { status: 500, body: { error: 'internal error' } })
      },
    )
  }

  async #answerOf(request: IncomingMessage, hop: Hop): Promise<Answer> {
    const path = pathOf(request.url)
    const problem = checkHeaders(request.rawHeaders, this.#of.identityHeaders)
    if (problem !== undefined)
      return this.#noted(hop, 'bad-request', { status: problem.status, body: { error: problem.detail } })
    const service = this.#of.services.get(path)
    if (service !== undefined) return this.#noted(hop, 'bad-request', upgradeRequired(request.method))
    const route = this.#byPath.get(path)
    if (route === undefined) return this.#noted(hop, 'unknown-path', { status: 404, body: { error: 'not found' } })
    if (isTooLarge(request)) return { status: 413, body: { error: 'expected at most 16 KiB' } }
    return await this.#routed(route, request, hop)
  }

  async #routed(route: Route, request: IncomingMessage, hop: Hop): Promise<Answer> {
    const query = new URL(request.url ?? '/', 'http://gateway').searchParams
    const service = route.serviceOf?.(query)
    if (service === 'ambiguous')
      return { status: 400, body: { error: 'expected ?service= with the path of a service' } }
    if (route.serviceOf !== undefined && service === undefined)
      return { status: 404, body: { error: 'no such service' } }
    const { origin } = request.headers
    if (origin !== undefined && service?.origins.allows(origin) === false) {
      const allow = originLine(origin)
      const detail = 'the service does not list this origin'
      return this.refuse({ hop, service, origin }, { cause: 'origin-not-allowed', detail, allow, headers: VARY })
    }
    const cors = origin === undefined || service === undefined ? VARY : corsHeaders(origin)
    if (isPreflight(request)) {
      if (origin === undefined || service === undefined) return { status: 204, headers: VARY }
      const asked = request.headers['access-control-request-headers']
      const { identityHeaders } = this.#of
      return { status: 204, headers: preflightHeaders(origin, { methods: route.methods, asked, identityHeaders }) }
    }
    if (!isOneOf(route.methods, request.method)) {
      const allow = ['OPTIONS', ...route.methods].join(', ')
      return { status: 405, body: { error: 'method not allowed' }, headers: { ...cors, Allow: allow } }
    }
    const answered = await route.handle({ request, hop, query, origin, service })
    return { ...answered, headers: { ...cors, ...answered.headers } }
  }

  /** The answer to a refusal, noted in log and metrics. Routes use it as well. */
  refuse({ hop, service, origin }: Pick<Exchange, 'hop' | 'service' | 'origin'>, refusal: Refusal): Answer {
    const { status, text, headers } = answerTo(refusal)
    const { cause, detail, allow, identity } = refusal
    this.#of.metrics.refused(cause)
    const who = { subject: identity?.subject, issuer: identity?.issuer }
    const line = { cause, service: service?.path, address: hop.address, origin, ...who, detail, allow, status }
    this.#of.log.write(REFUSALS[cause].log, line)
    return { status, body: { error: text }, headers }
  }

  #noted(hop: Hop, cause: 'bad-request' | 'unknown-path', given: Answer): Answer {
    this.#of.metrics.refused(cause)
    this.#of.log.write('request-refused', { cause, address: hop.address, status: given.status })
    return given
  }
}

/** A service's path speaks WebSocket only. [RFC 9110 §15.5.22] */
function upgradeRequired(method: string | undefined): Answer {
  if (method !== 'GET') return { status: 405, body: { error: 'method not allowed' }, headers: { Allow: 'GET' } }
  const headers = { Upgrade: 'websocket', Connection: 'Upgrade' }
  return { status: 426, body: { error: 'this path speaks AMQP over WebSocket' }, headers }
}

function isOneOf(methods: readonly Method[], method: string | undefined): boolean {
  return methods.some((one) => one === method)
}
