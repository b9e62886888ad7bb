/**
 * The management API: finds the route, keeps foreign pages out, asks who it is and whether the role does, and only then
 * reads what was sent. Every write that is refused is an audit event as well.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RefusalNotes } from '../http/auth/refuse.ts'
import { checkHeaders } from '../http/head.ts'
import type { Hop } from '../http/hop.ts'
import type { Access } from './access.ts'
import { type Answer, problemAnswer, send } from './answer.ts'
import { type Caller, callerOf } from './caller.ts'
import { ApiProblem } from './problem.ts'
import { includes } from './roles.ts'
import type { ApiRoute } from './route.ts'
import { checkSender } from './sender.ts'
import type { AdminTrail } from './trail.ts'

/** The part of the configuration in force that decides who gets in. */
export interface ApiAccess {
  readonly access: Access | undefined
  readonly identityHeaders: readonly string[]
}

export interface ApiDependencies {
  readonly managed: { readonly current: ApiAccess }
  readonly notes: RefusalNotes
  readonly trail: AdminTrail
}

/** The way that a request came. */
export interface Connection {
  readonly hop: Hop
  /** To be called where the answer has no end. */
  goesOn(): void
}

interface Found {
  readonly route: ApiRoute
  readonly id: string
}

export class Api {
  readonly #routes: readonly { readonly pattern: RegExp; readonly route: ApiRoute }[]
  readonly #of: ApiDependencies

  constructor(routes: readonly ApiRoute[], dependencies: ApiDependencies) {
    this.#routes = routes.map((route) => ({ pattern: patternOf(route.path), route }))
    this.#of = dependencies
  }

  /** Whether anybody may use it. */
  get isOffered(): boolean {
    return this.#of.managed.current.access !== undefined
  }

  /** Answers one request whose path begins with `/api/`; never throws. */
  handle(request: IncomingMessage, response: ServerResponse, connection: Connection): void {
    this.#answerOf(request, connection.hop).then(
      (answer) => {
        if (answer.stream !== undefined) connection.goesOn()
        send(request, response, answer)
      },
      (error: unknown) => {
        if (!(error instanceof ApiProblem)) this.#of.notes.log.write('internal-error', { detail: String(error) })
        const problem = error instanceof ApiProblem ? error : new ApiProblem(500, 'internal error')
        send(request, response, problemAnswer(problem))
      },
    )
  }

  async #answerOf(request: IncomingMessage, hop: Hop): Promise<Answer> {
    const { access, identityHeaders } = this.#of.managed.current
    if (access === undefined) throw new ApiProblem(404, 'there is no management API here: see admin.authenticate')
    const url = new URL(request.url ?? '/', 'http://gateway')
    const { route, id } = this.#find(request.method === 'HEAD' ? 'GET' : request.method, url.pathname)
    const isWrite = route.event !== undefined
    let caller: Caller | undefined
    try {
      const problem = checkHeaders(request.rawHeaders, identityHeaders)
      if (problem !== undefined) throw new ApiProblem(problem.status, problem.detail)
      checkSender(request, { isWrite, isSecure: hop.isSecure, origins: access.origins })
      caller = await callerOf(request, access, { isWrite, hop, notes: this.#of.notes })
      this.#checkRole(route, caller)
      const answer = await route.handle({ request, query: url.searchParams, id, caller })
      return { ...answer, headers: { ...caller.responseHeaders, ...answer.headers } }
    } catch (error) {
      if (error instanceof ApiProblem && route.event !== undefined) this.#of.trail.refused(route.event, caller, error)
      throw error
    }
  }

  /** @throws {ApiProblem} 404 or 405 */
  #find(method: string | undefined, path: string): Found {
    const here = this.#routes.flatMap(({ pattern, route }) => {
      const match = pattern.exec(path)
      return match === null ? [] : [{ route, id: match[1] ?? '' }]
    })
    if (here.length === 0) throw new ApiProblem(404, 'no such route')
    const found = here.find(({ route }) => route.method === method)
    if (found !== undefined) return found
    const methods = here.map(({ route }) => (route.method === 'GET' ? 'GET, HEAD' : route.method))
    throw new ApiProblem(405, 'expected another method', { headers: { Allow: methods.join(', ') } })
  }

  #checkRole({ role: needed }: ApiRoute, { identity, role, address }: Caller): void {
    if (role !== undefined && includes(role, needed)) return
    const { subject, issuer, authenticator } = identity
    const detail = `this needs the role ${needed} of admin.roles`
    this.#of.notes.log.write('authorization-refused', { subject, issuer, authenticator, address, detail, status: 403 })
    throw new ApiProblem(403, `this needs the role ${needed}`, { role: needed })
  }
}

/** Ids are made here: they have no other characters. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace('{id}', '([A-Za-z0-9-]{1,64})')}$`)
}
