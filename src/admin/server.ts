/**
 * The server for operators and their machines, on an address of its own and never on a public listener: health and
 * metrics for whoever reaches it, the management API and its console for those who have a role.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Hops } from '../http/hop.ts'
import { HttpServer, type HttpServerEvents } from '../http/server/http-server.ts'
import type { ListenerTls } from '../http/server/tls.ts'
import type { Health } from '../ops/health.ts'
import { type Answer, json, problemAnswer, send } from './answer.ts'
import type { Api } from './api.ts'
import { Console } from './console/console.ts'
import { AdminLogins } from './login/logins.ts'
import { OwnHosts } from './own-hosts.ts'
import { ApiProblem } from './problem.ts'

export interface AdminAddress {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  /** Names that it answers to, beside its own host and `localhost`. */
  readonly hosts: readonly string[]
  /** How browsers reach it, where that is said. */
  readonly publicUrl?: string | undefined
  readonly tls?: ListenerTls | undefined
  readonly trustedProxies?: readonly string[] | undefined
  readonly behindTls?: boolean
}

export interface AdminParts {
  readonly health: Health
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  readonly api: Api
  readonly logins: AdminLogins
}

/** Answered whatever a client calls it by: a probe of life says nothing of anybody. */
const LIVE = '/health/live'

/** A longer one is no host name. [RFC 1035 §2.3.4] */
const LONGEST_HOST = 255

/** Told what was turned away before it was a request, and each request that calls it by a name that is none of its own. */
export interface AdminEvents extends Pick<HttpServerEvents, 'refused' | 'dropped'> {
  misnamed(host: string): void
}

export class AdminServer {
  readonly #server: HttpServer
  #options: AdminAddress
  #ownHosts: OwnHosts
  #hops: Hops
  readonly #api: Api
  readonly #logins: AdminLogins
  readonly #console: Console
  readonly #pages: ReadonlyMap<string, () => Promise<Answer>>
  readonly #refused: (host: string) => void

  constructor(address: AdminAddress, { health, metrics, api, logins }: AdminParts, events: AdminEvents) {
    this.#options = address
    this.#ownHosts = ownHosts(address)
    this.#hops = new Hops(address)
    this.#refused = (host) => events.misnamed(host)
    this.#api = api
    this.#logins = logins
    this.#console = new Console(() => api.isOffered)
    this.#pages = new Map([
      [LIVE, async () => json(200, { status: 'live' })],
      ['/health/ready', async () => await readiness(health)],
      ['/metrics', async () => ({ status: 200, type: metrics.contentType, text: await metrics.text() })],
    ])
    const { host, port, tls } = address
    this.#server = new HttpServer(
      { host, port, tls },
      {
        request: (request, response) => this.#handle(request, response),
        refused: (what, from) => events.refused(what, from),
        dropped: (cause, detail, from) => events.dropped(cause, detail, from),
      },
    )
  }

  /** Binds; rejects with the system's error and advice when the address cannot be had. */
  start(): Promise<void> {
    return this.#server.start('admin')
  }

  get host(): string {
    return this.#server.host
  }

  get port(): number {
    return this.#server.port
  }

  get url(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://${this.#server.authority}`
  }

  /**
   * Other settings for the same address; certificate files are read again in any case.
   *
   * @returns what puts them into use, at once
   * @throws {Error} where they cannot be used: then nothing has changed
   */
  change(next: AdminAddress): () => void {
    const changeTls = this.#server.change(next.tls)
    return () => {
      this.#options = next
      this.#ownHosts = ownHosts(next)
      this.#hops = new Hops(next)
      changeTls()
    }
  }

  /** Ends every connection; resolves when the port is free. */
  stop(): Promise<void> {
    const stopped = this.#server.stop()
    this.#server.cut()
    return stopped
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const refuse = (problem: ApiProblem): void => send(request, response, problemAnswer(problem))
    const foreign = path === LIVE ? undefined : this.#ownHosts.foreignIn(request)
    if (foreign !== undefined) {
      const host = foreign.slice(0, LONGEST_HOST)
      this.#refused(host)
      return refuse(new ApiProblem(421, `this listener does not answer to '${host}': see admin.hosts`))
    }
    if (path.startsWith('/api/'))
      return this.#api.handle(request, response, {
        hop: this.#hops.of(request),
        goesOn: () => this.#server.goesOn(request),
      })
    if (AdminLogins.has(path)) return this.#logins.handle(request, response, this.#hops.of(request))
    if (Console.has(path)) return this.#answer(this.#console.answer(request, path), request, response)
    const page = this.#pages.get(path)
    if (page === undefined) return refuse(new ApiProblem(404, 'not found'))
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return refuse(new ApiProblem(405, 'expected another method', { headers: { Allow: 'GET, HEAD' } }))
    this.#answer(page(), request, response)
  }

  #answer(answer: Promise<Answer>, request: IncomingMessage, response: ServerResponse): void {
    answer.then(
      (found) => send(request, response, found),
      (error: unknown) => {
        const problem = error instanceof ApiProblem ? error : new ApiProblem(500, 'internal error')
        send(request, response, problemAnswer(problem))
      },
    )
  }
}

function ownHosts({ host, hosts, publicUrl }: AdminAddress): OwnHosts {
  return new OwnHosts([host, ...hosts, ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname])])
}

async function readiness(health: Health): Promise<Answer> {
  const { ready, draining, brokers, state, audit } = await health.readiness()
  const status = draining ? 'draining' : ready ? 'ready' : 'not ready'
  return json(ready ? 200 : 503, { status, brokers, state, audit })
}
