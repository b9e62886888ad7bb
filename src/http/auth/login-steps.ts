/**
 * The steps of a login that the gateway has of its own, for whichever listener: they find the login that is meant and turn
 * its answers into HTTP. What a login is, is in auth/strategies/oidc/login.ts.
 */
import type { IncomingMessage } from 'node:http'
import type { Identity, LoginAnswer, LoginFailure, OidcAuthenticator } from '../../../auth/index.ts'
import type { EventName } from '../../ops/events.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Refusal } from '../refusal.ts'
import { loginPage, PAGE_HEADERS, wantsPage } from './login-page.ts'
import { answerRefusal } from './refuse.ts'
import { type AuthAnswer, type Exchange, readBody } from './request.ts'

export interface LoginSteps {
  /** Where a path of the listener is for browsers. */
  forBrowsers(path: string): string
  /** Why somebody may not have a login for the time being. */
  barred(identity: Identity): Refusal | undefined
  readonly metrics: Metrics
  readonly log: Log
}

/** What an answer is told with. */
interface Telling extends LoginSteps {
  /** Whose answer it is, where that is known: with several providers, an operator has to know which. */
  readonly authenticator?: string | undefined
}

const BEGIN = '/auth/login'

/** `GET /auth/login`, with `with` where there is more than one. */
export async function beginLogin(
  exchange: Exchange,
  logins: readonly OidcAuthenticator[],
  of: LoginSteps,
): Promise<AuthAnswer> {
  const login = loginFor(exchange, logins)
  if (login === undefined) {
    const failure = { reason: 'malformed' } as const
    return answered(exchange, { status: 404, body: { error: 'no such login' }, detail: 'no such login', failure }, of)
  }
  const begunBy = new URLSearchParams([...exchange.query].filter(([key]) => key === 'service' || key === 'with'))
  const answer = await login.login.begin(exchange.query.get('returnTo'), begunBy.toString())
  return answered(exchange, answer, { ...of, authenticator: login.name })
}

/** `GET /auth/callback`: the provider sends every browser here; its own cookie says whose login it is. */
export async function callback(
  exchange: Exchange,
  logins: readonly OidcAuthenticator[],
  of: LoginSteps,
): Promise<AuthAnswer> {
  const isBarred = (identity: Identity) => of.barred(identity) !== undefined
  for (const { login, name } of logins) {
    const answer = await login.callback(exchange.request, exchange.query, isBarred)
    const barred = answer?.status === 403 && answer.identity && of.barred(answer.identity)
    if (barred) return refusedLogin(exchange, barred, answer, of)
    if (answer !== undefined) return answered(exchange, answer, { ...of, authenticator: name }, 'login-opened')
  }
  const error = 'no login is under way in this browser: begin at'
  const [only, ...others] = logins
  if (only !== undefined && others.length === 0)
    return answered(exchange, only.login.unknown(error, BEGIN), { ...of, authenticator: only.name })
  const detail = `${error} ${of.forBrowsers(BEGIN)}`
  return answered(exchange, { status: 400, body: { error: detail }, detail, failure: { reason: 'unknown' } }, of)
}

/**
 * What a page does with its own login. Browsers name the origin in every POST; without one it is no browser, and with a
 * foreign one it never came here.
 */
export async function forCookie(
  exchange: Exchange,
  logins: readonly OidcAuthenticator[],
  of: LoginSteps,
  [event, step]: readonly [EventName, 'logout' | 'refreshFor'],
): Promise<AuthAnswer> {
  const { request, origin } = exchange
  if (origin === undefined) {
    return answerRefusal(exchange, { cause: 'origin-not-allowed', detail: 'a login cookie needs an Origin header' }, of)
  }
  const { login, name } = (await loginOfCookie(logins, request)) ?? logins[0] ?? {}
  if (login === undefined) return { status: 404, body: { error: 'no such login' } }
  const own = step === 'refreshFor' ? await login.find(request) : undefined
  const barred = own === undefined ? undefined : of.barred(own.identity)
  if (barred !== undefined) return answerRefusal(exchange, barred, of)
  return answered(exchange, await login[step](request), { ...of, authenticator: name }, event)
}

/**
 * `POST /auth/backchannel-logout`: a provider knows one address of each client, and means all logins of it, those of the
 * admin listener too.
 */
export async function backchannel(
  exchange: Exchange,
  logins: readonly OidcAuthenticator[],
  of: LoginSteps,
): Promise<AuthAnswer> {
  const token = await formField(exchange.request, 'logout_token')
  if (token === undefined) return answered(exchange, invalidRequest('no logout_token in the form'), of)
  let answer = invalidRequest('no login here')
  for (const { login } of logins) {
    const next = await login.backchannelLogout(token)
    if (next.status === 200 || answer.status !== 200) answer = next
  }
  return answered(exchange, answer, of)
}

/** `POST /auth/device`: the login of a program begins, and its person gets a code to type elsewhere. */
export async function beginDevice(
  exchange: Exchange,
  logins: readonly OidcAuthenticator[],
  of: LoginSteps,
): Promise<AuthAnswer> {
  const login = loginFor(exchange, logins)
  if (login === undefined) return { status: 404, body: { error: 'no such login' } }
  return answered(exchange, await login.login.devices.begin(), { ...of, authenticator: login.name })
}

/** `POST /auth/device/token`: whether the person has agreed. */
export async function finishDevice(
  exchange: Exchange,
  logins: readonly OidcAuthenticator[],
  of: LoginSteps,
): Promise<AuthAnswer> {
  const handle = await formField(exchange.request, 'handle')
  const login = loginFor(exchange, logins)
  if (login === undefined || handle === undefined)
    return { status: 400, body: { error: 'expected a handle in a form' } }
  const answer = await login.login.devices.finish(handle)
  return answered(exchange, answer, { ...of, authenticator: login.name }, 'login-opened')
}

function loginFor({ query }: Exchange, logins: readonly OidcAuthenticator[]): OidcAuthenticator | undefined {
  const name = query.get('with')
  return name === null ? logins[0] : logins.find((one) => one.name === name)
}

/** Whoever is barred gets no login, and the cookie of the one under way goes. */
function refusedLogin(exchange: Exchange, barred: Refusal, { cookies }: LoginAnswer, of: LoginSteps): AuthAnswer {
  const answer = answerRefusal(exchange, barred, of)
  const headers = { ...answer.headers, ...(cookies !== undefined && { 'Set-Cookie': cookies }) }
  if (!wantsPage(exchange.request)) return { ...answer, headers }
  return { status: answer.status, html: loginPage({ reason: 'barred' }), headers: { ...headers, ...PAGE_HEADERS } }
}

async function loginOfCookie(
  logins: readonly OidcAuthenticator[],
  request: IncomingMessage,
): Promise<OidcAuthenticator | undefined> {
  for (const one of logins) if ((await one.login.find(request)) !== undefined) return one
  return undefined
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
function answered(exchange: Exchange, answer: LoginAnswer, of: Telling, event?: EventName): AuthAnswer {
  const { hop, service, request } = exchange
  const { status, location, cookies, body, detail, identity } = answer
  const { log, authenticator = identity?.authenticator } = of
  const { subject, issuer } = identity ?? {}
  const line = { service: service?.path, address: hop.address, subject, issuer, authenticator }
  if (status >= 500)
    log.write('authentication-failed', { ...line, cause: 'authentication-unavailable', detail, status })
  else if (status >= 400) log.write('authentication-refused', { ...line, cause: 'unauthenticated', detail, status })
  else if (event !== undefined && identity !== undefined) log.write(event, line)
  const headers = {
    ...(location !== undefined && { Location: location }),
    ...(cookies !== undefined && { 'Set-Cookie': cookies }),
  }
  if (answer.failure === undefined) return { status, ...(body !== undefined && { body }), headers }
  return failedAnswer(answer.failure, { status, body, headers }, wantsPage(request), of)
}

/** For a person a page, of the operator or of our own; for a program JSON. */
function failedAnswer(
  { reason, begunBy, errorUrl }: LoginFailure,
  { status, body, headers }: AuthAnswer,
  isForPerson: boolean,
  { forBrowsers }: LoginSteps,
): AuthAnswer {
  if (!isForPerson) return { status, body: { ...(body ?? {}), reason }, headers }
  if (errorUrl !== undefined) return { status: 303, headers: { ...headers, Location: errorUrl } }
  const again = begunBy === undefined ? undefined : `${forBrowsers(BEGIN)}?${begunBy}`
  return { status, html: loginPage({ reason, again }), headers: { ...headers, ...PAGE_HEADERS } }
}
