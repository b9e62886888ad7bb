/**
 * The routes of the gateway's own login: `/auth/login`, `/auth/callback`, `/auth/logout`, `/auth/refresh`,
 * `/auth/backchannel-logout`. They find the login that is meant and turn its answers into HTTP; what a login is, is in
 * auth/strategies/oidc/login.ts.
 */
import type { IncomingMessage } from 'node:http'
import {
  authenticatorsOf,
  type Identity,
  type LoginAnswer,
  type OidcAuthenticator,
  oidcAuthenticatorsOf,
} from '../../../auth/index.ts'
import type { EventName } from '../../ops/events.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Service } from '../../services/service.ts'
import type { Bars } from '../../sessions/bars.ts'
import { barredBy } from '../barred.ts'
import type { BasePath } from '../base-path.ts'
import type { Refusal } from '../refusal.ts'
import { answerRefusal } from './refuse.ts'
import { type AuthAnswer, type Exchange, type Method, type Route, readBody } from './request.ts'
import { serviceNamed } from './ticket.ts'

export interface LoginRouteDependencies {
  readonly basePath: BasePath
  readonly services: ReadonlyMap<string, Service>
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
    handle,
  })
  return [
    named('/auth/login', 'GET', (exchange) => begin(exchange, of)),
    { path: '/auth/callback', methods: ['GET'], handle: (exchange) => callback(exchange, all, of) },
    named('/auth/logout', 'POST', (exchange) => forCookie(exchange, of, 'login-ended', 'logout')),
    named('/auth/refresh', 'POST', (exchange) => forCookie(exchange, of, 'login-renewed', 'refreshFor')),
    { path: '/auth/backchannel-logout', methods: ['POST'], handle: (exchange) => backchannel(exchange, all, of) },
  ]
}

async function begin(exchange: Exchange, of: LoginRouteDependencies): Promise<AuthAnswer> {
  const name = exchange.query.get('with')
  const logins = exchange.service === undefined ? [] : loginsOf(exchange.service)
  const login = name === null ? logins[0] : logins.find((one) => one.name === name)
  if (login === undefined) return { status: 404, body: { error: 'no such login' } }
  return answered(exchange, await login.login.begin(exchange.query.get('returnTo')), of)
}

/** The provider sends every browser here; its own cookie says whose login it is. */
async function callback(
  exchange: Exchange,
  logins: readonly OidcAuthenticator[],
  of: LoginRouteDependencies,
): Promise<AuthAnswer> {
  const isBarred = (identity: Identity) => barredBy(of.bars, identity) !== undefined
  for (const { login } of logins) {
    const answer = await login.callback(exchange.request, exchange.query, isBarred)
    const barred = answer?.status === 403 && answer.identity && barredBy(of.bars, answer.identity)
    if (barred) return refusedLogin(exchange, barred, answer, of)
    if (answer !== undefined) return answered(exchange, answer, of, 'login-opened')
  }
  const error = `no login is under way in this browser: begin at ${of.basePath.forBrowsers('/auth/login')}`
  return answered(exchange, { status: 400, body: { error }, detail: error }, of)
}

/**
 * What a page does with its own login. Browsers name the origin in every POST; without one it is no browser, and with a
 * foreign one it never came here.
 */
async function forCookie(
  exchange: Exchange,
  of: LoginRouteDependencies,
  event: EventName,
  step: 'logout' | 'refreshFor',
): Promise<AuthAnswer> {
  const { request, service, origin } = exchange
  if (origin === undefined) {
    return answerRefusal(exchange, { cause: 'origin-not-allowed', detail: 'a login cookie needs an Origin header' }, of)
  }
  const logins = service === undefined ? [] : loginsOf(service)
  const { login } = (await loginOfCookie(logins, request)) ?? logins[0] ?? {}
  if (login === undefined) return { status: 404, body: { error: 'no such login' } }
  const own = step === 'refreshFor' ? await login.find(request) : undefined
  const barred = own === undefined ? undefined : barredBy(of.bars, own.identity)
  if (barred !== undefined) return answerRefusal(exchange, barred, of)
  return answered(exchange, await login[step](request), of, event)
}

/** Whoever is barred gets no login, and the cookie of the one under way goes. */
function refusedLogin(
  exchange: Exchange,
  barred: Refusal,
  { cookies }: LoginAnswer,
  of: LoginRouteDependencies,
): AuthAnswer {
  const answer = answerRefusal(exchange, barred, of)
  return { ...answer, headers: { ...answer.headers, ...(cookies !== undefined && { 'Set-Cookie': cookies }) } }
}

async function loginOfCookie(
  logins: readonly OidcAuthenticator[],
  request: IncomingMessage,
): Promise<OidcAuthenticator | undefined> {
  for (const one of logins) if ((await one.login.find(request)) !== undefined) return one
  return undefined
}

async function backchannel(
  exchange: Exchange,
  logins: readonly OidcAuthenticator[],
  of: LoginRouteDependencies,
): Promise<AuthAnswer> {
  const token = await formField(exchange.request, 'logout_token')
  if (token === undefined) return answered(exchange, invalidRequest('no logout_token in the form'), of)
  let answer = invalidRequest('no login here')
  for (const { login } of logins) {
    answer = await login.backchannelLogout(token)
    if (answer.status === 200) break
  }
  return answered(exchange, answer, of)
}

function invalidRequest(detail: string): LoginAnswer {
  return { status: 400, body: { error: 'invalid_request' }, detail }
}

/** The one field of that name in a form. */
async function formField(request: IncomingMessage, name: string): Promise<string | undefined> {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded') return undefined
  const body = await readBody(request)
  const values = new URLSearchParams(body ?? '').getAll(name)
  return values.length === 1 ? values[0] : undefined
}

/** The answer as HTTP, and a line in the log: of what happened, or of why it did not. */
function answered(
  { hop, service }: Exchange,
  { status, location, cookies, body, detail, identity }: LoginAnswer,
  { log }: LoginRouteDependencies,
  event?: EventName,
): AuthAnswer {
  const line = { service: service?.path, address: hop.address, subject: identity?.subject, issuer: identity?.issuer }
  if (status >= 500) log.write('authentication-failed', { ...line, detail, status })
  else if (status >= 400) log.write('authentication-refused', { ...line, cause: 'unauthenticated', detail, status })
  else if (event !== undefined && identity !== undefined) {
    log.write(event, { ...line, authenticator: identity.authenticator })
  }
  return {
    status,
    ...(body !== undefined && { body }),
    headers: {
      ...(location !== undefined && { Location: location }),
      ...(cookies !== undefined && { 'Set-Cookie': cookies }),
    },
  }
}

function loginsOf({ requirement }: Service): readonly OidcAuthenticator[] {
  return oidcAuthenticatorsOf(authenticatorsOf(requirement))
}
