/** `GET /health`: for whoever watches the process. It shows no secret and takes no other request. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ConnectHealth {
  readonly gateway: string
  readonly listening: string
  readonly clients: number
  readonly sessions: number
  readonly login: string
  /** RFC 3339; null where it does not end, or nobody knows. */
  readonly loginEndsAt: string | null
  /** Sessions that were shown a fresh login, and whose gateway took it. */
  readonly renewals: number
  /** Why the last client did not get through, or the login could not be renewed; null as long as all is well. */
  readonly problem: string | null
}

export class StatusServer {
  readonly #server: Server

  static async open(host: string, port: number, health: () => ConnectHealth): Promise<StatusServer> {
    const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
      if (request.method !== 'GET' || request.url !== '/health') {
        response.writeHead(404).end()
        return
      }
      const answer = health()
      response.writeHead(answer.problem === null ? 200 : 503, {
        'content-type': 'application/json',
        'cache-control': 'no-store',
      })
      response.end(`${JSON.stringify(answer)}\n`)
    })
    server.maxConnections = 32
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
    server.on('error', () => undefined)
    return new StatusServer(server)
  }

  private constructor(server: Server) {
    this.#server = server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
