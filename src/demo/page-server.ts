/**
 * The demo's own small web server: the page, the unmodified client it uses, and what the broker says about
 * its connections. Not the gateway: the page reaches that by itself, from another origin, as real pages do.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { listenForDemo, namesOf } from './addresses.ts'

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
  readonly #names: readonly string[]
  #answers: Answers = {}
  #connectTo: readonly string[] = []

  private constructor(server: Server, names: readonly string[], files: ReadonlyMap<string, StaticFile>) {
    this.#server = server
    this.#names = names
    this.port = (server.address() as AddressInfo).port
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response, files).catch(() => response.destroy())
    })
  }

  /** Listens at an address. @throws when that is taken or not this machine's, saying what to do. */
  static async start(host: string, port: number): Promise<PageServer> {
    const files = await readFiles()
    const server = createServer()
    await listenForDemo(server, 'the page', { host, port }, '--port')
    return new PageServer(server, namesOf(host), files)
  }

  /** The names by which a browser can call the page. */
  get origins(): string[] {
    return this.#names.map((name) => `http://${name}:${this.port}`)
  }

  /** The page's address, for people. */
  get url(): string {
    return `${this.origins[0]}/`
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
    // A page of a foreign name that resolves to this machine is not ours.
    if (!this.origins.includes(origin(request.headers.host))) {
      response.writeHead(421, { 'content-type': 'text/plain' }).end(`This is the demo of Gatehouse. Open ${this.url}\n`)
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

/** As `URL` writes it: browsers leave port 80 out. */
function origin(host = ''): string {
  return URL.canParse(`http://${host}`) ? `http://${host}${/:\d+$/.test(host) ? '' : ':80'}` : ''
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
