/** Health and metrics of a door, on an address of their own. The only HTTP that a door speaks. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Answer, json, send } from '../../admin/answer.ts'
import { OwnHosts } from '../../admin/own-hosts.ts'
import type { DoorConfig } from '../../config/schema/door.ts'
import { HttpServer } from '../../http/server/http-server.ts'
import type { DoorMetrics } from '../../ops/door-metrics.ts'
import type { Site } from './site.ts'

export interface DoorAdminParts {
  readonly metrics: DoorMetrics
  sites(): readonly Site[]
  isDraining(): boolean
}

export class DoorAdmin {
  readonly #server: HttpServer
  readonly #ownHosts: OwnHosts
  readonly #pages: ReadonlyMap<string, () => Answer | Promise<Answer>>

  constructor({ host, port, hosts }: NonNullable<DoorConfig['admin']>, { metrics, sites, isDraining }: DoorAdminParts) {
    this.#ownHosts = new OwnHosts([host, ...hosts])
    this.#pages = new Map<string, () => Answer | Promise<Answer>>([
      ['/health/live', () => json(200, { status: 'live' })],
      ['/health/ready', () => readiness(sites(), isDraining())],
      ['/metrics', async () => ({ status: 200, type: metrics.contentType, text: await metrics.text() })],
    ])
    this.#server = new HttpServer(
      { host, port },
      {
        request: (request, response) => void this.#answer(request, response),
        refused: () => {},
        dropped: () => {},
      },
    )
  }

  async start(): Promise<void> {
    await this.#server.start('admin')
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

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const page = this.#pages.get(path)
    if (path !== '/health/live' && this.#ownHosts.foreignIn(request) !== undefined)
      return send(
        request,
        response,
        json(421, { status: 'this listener does not answer to that name: see admin.hosts' }),
      )
    if (page === undefined) return send(request, response, json(404, { status: 'not found' }))
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return send(request, response, json(405, { status: 'expected GET' }, { Allow: 'GET, HEAD' }))
    send(request, response, await page())
  }
}

/** A door is ready when each of its sites has a gateway inside. */
function readiness(sites: readonly Site[], isDraining: boolean): Answer {
  const ready = !isDraining && sites.every(({ isReady }) => isReady)
  const status = isDraining ? 'draining' : ready ? 'ready' : 'not ready'
  const shown = sites.map(({ name, isReady, spareCount }) => ({ name, ready: isReady, spare: spareCount }))
  return json(ready ? 200 : 503, { status, sites: shown })
}
