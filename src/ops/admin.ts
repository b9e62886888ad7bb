/**
 * The server for operators and their machines: health and metrics, on an address of its own and never on a public
 * listener. It reads nothing and changes nothing.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpServer, type HttpServerEvents } from '../http/server/http-server.ts'
import type { Health } from './health.ts'
import type { Metrics } from './metrics.ts'
import { OwnHosts } from './own-hosts.ts'

export interface AdminAddress {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  /** Names that it answers to, beside its own host and `localhost`. */
  readonly hosts: readonly string[]
}

/** Answered whatever a client calls it by: a probe of life says nothing of anybody. */
const LIVE = '/health/live'

/** A longer one is no host name. [RFC 1035 §2.3.4] */
const LONGEST_HOST = 255

interface Page {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** Told what was turned away before it was a request, and each request that calls it by a name that is none of its own. */
export interface AdminEvents extends Pick<HttpServerEvents, 'refused' | 'dropped'> {
  misnamed(host: string): void
}

export class AdminServer {
  readonly #server: HttpServer
  readonly #ownHosts: OwnHosts
  readonly #pages: ReadonlyMap<string, () => Promise<Page>>
  readonly #refused: (host: string) => void

  constructor(
    address: AdminAddress,
    { health, metrics }: { readonly health: Health; readonly metrics: Metrics },
    events: AdminEvents,
  ) {
    this.#ownHosts = new OwnHosts([address.host, ...address.hosts])
    this.#refused = (host) => events.misnamed(host)
    this.#pages = new Map([
      [LIVE, async () => json(200, { status: 'live' })],
      ['/health/ready', async () => await readiness(health)],
      ['/metrics', async () => ({ status: 200, type: metrics.contentType, text: await metrics.text() })],
    ])
    this.#server = new HttpServer(address, {
      request: (request, response) => this.#handle(request, response),
      refused: (what, from) => events.refused(what, from),
      dropped: (cause, detail, from) => events.dropped(cause, detail, from),
    })
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
    return `http://${this.#server.authority}`
  }

  /** Ends every connection; resolves when the port is free. */
  stop(): Promise<void> {
    const stopped = this.#server.stop()
    this.#server.cut()
    return stopped
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const foreign = path === LIVE ? undefined : this.#ownHosts.foreignIn(request)
    if (foreign !== undefined) {
      const host = foreign.slice(0, LONGEST_HOST)
      this.#refused(host)
      return send(response, json(421, { error: `this listener does not answer to '${host}': see admin.hosts` }))
    }
    const page = this.#pages.get(path)
    if (page === undefined) return send(response, json(404, { error: 'not found' }))
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return send(response, json(405, { error: 'method not allowed' }))
    }
    page().then(
      (found) => send(response, found),
      () => send(response, json(500, { error: 'internal error' })),
    )
  }
}

async function readiness(health: Health): Promise<Page> {
  const { ready, draining, brokers } = await health.readiness()
  const status = draining ? 'draining' : ready ? 'ready' : 'not ready'
  return json(ready ? 200 : 503, { status, brokers })
}

function json(status: number, body: object): Page {
  return { status, type: 'application/json; charset=utf-8', text: `${JSON.stringify(body)}\n` }
}

function send(response: ServerResponse, { status, type, text }: Page): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(text)
}
