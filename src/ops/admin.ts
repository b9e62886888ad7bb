/**
 * The server for operators and their machines: health and metrics, on an address of its own and never on a public
 * listener. It reads nothing and changes nothing.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Health } from './health.ts'
import { listenAt } from './listen-at.ts'
import type { Metrics } from './metrics.ts'

export interface AdminAddress {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
}

interface Page {
  readonly status: number
  readonly type: string
  readonly text: string
}

export class AdminServer {
  readonly #server: Server
  readonly #address: AdminAddress
  readonly #pages: ReadonlyMap<string, () => Promise<Page>>

  constructor(address: AdminAddress, health: Health, metrics: Metrics) {
    this.#address = address
    this.#pages = new Map([
      ['/health/live', async () => json(200, { status: 'live' })],
      ['/health/ready', async () => await readiness(health)],
      ['/metrics', async () => ({ status: 200, type: metrics.contentType, text: await metrics.text() })],
    ])
    this.#server = createServer({ headersTimeout: 10_000, requestTimeout: 15_000, connectionsCheckingInterval: 1_000 })
    this.#server.on('request', (request, response) => this.#handle(request, response))
  }

  /** Binds; rejects with the system's error and advice when the address cannot be had. */
  async start(): Promise<void> {
    await listenAt(this.#server, this.#address, 'admin')
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
    const page = this.#pages.get((request.url ?? '').split('?', 1)[0] ?? '')
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
