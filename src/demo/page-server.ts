/**
 * The demo's own small web server, on loopback: the page, the unmodified client it uses, and what the broker says about
 * its connections. Not the gateway: the page reaches that by itself, from another origin, as real pages do.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

const CLIENT = '../../dist/amqp-websocket-client.mjs'

/** Answers of this server beside its files: path → JSON. */
export type Answers = Readonly<Record<string, () => unknown>>

interface StaticFile {
  readonly type: string
  readonly bytes: Buffer
}

export class PageServer {
  readonly port: number
  readonly #server: Server
  #answers: Answers = {}
  #connectTo: readonly string[] = []

  private constructor(server: Server, files: ReadonlyMap<string, StaticFile>) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response, files).catch(() => response.destroy())
    })
  }

  /** Listens on 127.0.0.1. @throws when the port is taken, saying what to do. */
  static async start(port: number): Promise<PageServer> {
    const files = await readFiles()
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => {
        const advice = cause.code === 'EADDRINUSE' ? '; choose another one with --port' : ''
        reject(new Error(`the page cannot listen on 127.0.0.1:${port}: ${cause.message}${advice}`, { cause }))
      })
      server.listen(port, '127.0.0.1', resolve)
    })
    return new PageServer(server, files)
  }

  /** The names by which a browser on this machine can call the page. */
  get origins(): string[] {
    return [`http://127.0.0.1:${this.port}`, `http://localhost:${this.port}`]
  }

  /** What it answers from now on, and where its page may connect to. */
  serve(answers: Answers, connectTo: readonly string[]): void {
    this.#answers = answers
    this.#connectTo = connectTo
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    files: ReadonlyMap<string, StaticFile>,
  ): Promise<void> {
    const path = (request.url ?? '/').replace(/\?.*/, '')
    // A page of a foreign name that resolves to loopback is not ours.
    if (!this.origins.includes(`http://${request.headers.host ?? ''}`)) {
      response.writeHead(421).end()
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end()
      return
    }
    const file = files.get(path)
    const make = Object.hasOwn(this.#answers, path) ? this.#answers[path] : undefined
    if (file) {
      response.writeHead(200, { ...this.#headers(), 'content-type': file.type }).end(file.bytes)
    } else if (make) {
      const body = JSON.stringify(await make())
      response.writeHead(200, { ...this.#headers(), 'content-type': 'application/json' }).end(body)
    } else {
      response.writeHead(404).end()
    }
  }

  #headers(): Record<string, string> {
    const connect = ["'self'", ...this.#connectTo].join(' ')
    return {
      'cache-control': 'no-store',
      'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src ${connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    }
  }
}

async function readFiles(): Promise<ReadonlyMap<string, StaticFile>> {
  const page = (name: string) => fileURLToPath(new URL(`page/${name}`, import.meta.url))
  const client = fileURLToPath(new URL(CLIENT, import.meta.resolve('@cloudamqp/amqp-client')))
  const sources: [path: string, file: string, type: string][] = [
    ['/', page('index.html'), 'text/html; charset=utf-8'],
    ['/base.css', page('base.css'), 'text/css; charset=utf-8'],
    ['/style.css', page('style.css'), 'text/css; charset=utf-8'],
    ['/page.js', page('page.js'), 'text/javascript; charset=utf-8'],
    ['/amqp-client.mjs', client, 'text/javascript; charset=utf-8'],
    ['/amqp-websocket-client.mjs.map', `${client}.map`, 'application/json'],
  ]
  const files = new Map<string, StaticFile>()
  for (const [path, file, type] of sources) files.set(path, { type, bytes: await readFile(file) })
  return files
}
