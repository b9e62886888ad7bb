/**
 * The server for operators and their machines: health and metrics, on an address of its own and never on a public
 * listener. It reads nothing and changes nothing.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIPv6 } from 'node:net'
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

export class AdminServer {
  readonly #server: Server
  readonly #address: AdminAddress
  readonly #ownHosts: OwnHosts
  readonly #pages: ReadonlyMap<string, () => Promise<Page>>
  readonly #refused: (host: string) => void

  /** @param refused told of each request that calls it by a name that is none of its own */
  constructor(address: AdminAddress, health: Health, metrics: Metrics, refused: (host: string) => void) {
    this.#address = address
    this.#ownHosts = new OwnHosts([address.host, ...address.hosts])
    this.#refused = refused
    this.#pages = new Map([
      [LIVE, async () => json(200, { status: 'live' })],
      ['/health/ready', async () => await readiness(health)],
      ['/metrics', async () => ({ status: 200, type: metrics.contentType, text: await metrics.text() })],
    ])
    this.#server = createServer({ headersTimeout: 10_000, requestTimeout: 15_000, connectionsCheckingInterval: 1_000 })
    this.#server.on('request', (request, response) => this.#handle(request, response))
  }

  /** Binds; rejects with the system's error when the address cannot be had. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#address.port, this.#address.host, () => {
        this.#server.off('error', reject)
        this.#server.on('error', () => {})
        resolve()
      })
    })
  }

  get host(): string {
    return this.#address.host
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : this.#address.port
  }

  get url(): string {
    return `http://${isIPv6(this.host) ? `[${this.host}]` : this.host}:${this.port}`
  }

  /** Ends every connection; resolves when the port is free. */
  stop(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
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
