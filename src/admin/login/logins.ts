/**
 * Logins of people who manage, by an OpenID provider: `/auth/login`, `/auth/callback`, `/auth/logout`, `/auth/device` and
 * `/auth/backchannel-logout` of the admin listener. The steps are those of services; cookies and addresses are its own, and
 * neither blocks nor holds apply.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { OidcAuthenticator } from '../../../auth/index.ts'
import {
  backchannel,
  beginDevice,
  beginLogin,
  callback,
  finishDevice,
  forCookie,
  type LoginSteps,
} from '../../http/auth/login-steps.ts'
import type { RefusalNotes } from '../../http/auth/refuse.ts'
import { type AuthAnswer, type Exchange, isTooLarge, type Method } from '../../http/auth/request.ts'
import { checkHeaders } from '../../http/head.ts'
import type { Hop } from '../../http/hop.ts'
import type { Access } from '../access.ts'
import { type Answer, json, problemAnswer, send } from '../answer.ts'
import type { ApiAccess } from '../api.ts'
import { ApiProblem } from '../problem.ts'
import { checkSender } from '../sender.ts'

export interface AdminLoginParts {
  readonly managed: { readonly current: ApiAccess }
  readonly notes: RefusalNotes
}

interface LoginRoute {
  readonly method: Method
  /** Who may send it: only its own pages, only programs, or whoever a browser is sent by. */
  readonly from: 'own pages' | 'programs' | 'anywhere'
  handle(exchange: Exchange, logins: readonly OidcAuthenticator[], steps: LoginSteps): Promise<AuthAnswer>
}

const FOLDER = '/auth/'
const CONSOLE = '/console/'

const ROUTES: ReadonlyMap<string, LoginRoute> = new Map<string, LoginRoute>([
  // Browsers are sent to these two from elsewhere; they change nothing but a cookie that the callback needs.
  ['login', { method: 'GET', from: 'anywhere', handle: beginLogin }],
  ['callback', { method: 'GET', from: 'anywhere', handle: callback }],
  [
    'logout',
    { method: 'POST', from: 'own pages', handle: (...asked) => forCookie(...asked, ['login-ended', 'logout']) },
  ],
  ['backchannel-logout', { method: 'POST', from: 'programs', handle: backchannel }],
  ['device', { method: 'POST', from: 'programs', handle: beginDevice }],
  ['device/token', { method: 'POST', from: 'programs', handle: finishDevice }],
])

export class AdminLogins {
  readonly #of: AdminLoginParts

  constructor(parts: AdminLoginParts) {
    this.#of = parts
  }

  /** Whether a path is one of theirs. */
  static has(path: string): boolean {
    return path.startsWith(FOLDER)
  }

  /** Answers one request; never throws. */
  handle(request: IncomingMessage, response: ServerResponse, hop: Hop): void {
    this.#answerOf(request, hop).then(
      (answer) => send(request, response, answer),
      (error: unknown) => {
        if (!(error instanceof ApiProblem)) this.#of.notes.log.write('internal-error', { detail: String(error) })
        const problem = error instanceof ApiProblem ? error : new ApiProblem(500, 'internal error')
        send(request, response, problemAnswer(problem))
      },
    )
  }

  async #answerOf(request: IncomingMessage, hop: Hop): Promise<Answer> {
    const { access, identityHeaders } = this.#of.managed.current
    if (access === undefined || access.logins.length === 0)
      throw new ApiProblem(404, 'there is no login here: see admin.authenticate')
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://gateway')
    const route = ROUTES.get(pathname.slice(FOLDER.length))
    if (route === undefined) throw new ApiProblem(404, 'no such route')
    if (request.method !== route.method)
      throw new ApiProblem(405, 'expected another method', { headers: { Allow: route.method } })
    const problem = checkHeaders(request.rawHeaders, identityHeaders)
    if (problem !== undefined) throw new ApiProblem(problem.status, problem.detail)
    if (isTooLarge(request)) throw new ApiProblem(413, 'expected at most 16 KiB')
    const isFromPage = request.headers.origin !== undefined || request.headers['sec-fetch-site'] !== undefined
    if (route.from === 'programs' && isFromPage) throw new ApiProblem(403, 'this is for programs, and a page sent it')
    if (route.from === 'own pages')
      checkSender(request, { isWrite: true, isSecure: hop.isSecure, origins: access.origins })
    if (!query.has('returnTo')) query.set('returnTo', `${access.prefix}${CONSOLE}`)
    const exchange: Exchange = { request, hop, query, origin: request.headers.origin, service: undefined }
    return answerOf(await route.handle(exchange, access.logins, this.#steps(access)))
  }

  #steps({ prefix }: Access): LoginSteps {
    return { forBrowsers: (path) => `${prefix}${path}`, barred: () => undefined, ...this.#of.notes }
  }
}

function answerOf({ status, body, html, headers }: AuthAnswer): Answer {
  if (html !== undefined) return { status, type: 'text/html; charset=utf-8', text: html, headers }
  if (status < 400) return body === undefined ? { status, text: '', headers } : json(status, body, headers)
  const { error = 'no login' } = (body ?? {}) as { readonly error?: string }
  return problemAnswer(new ApiProblem(status, error, { headers }))
}
