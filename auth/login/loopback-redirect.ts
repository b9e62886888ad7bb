/**
 * Where a provider sends the person's browser back to: an address of this machine, for one login and no longer. Anything on
 * this machine may ask there; only who knows the state of the login is listened to. [RFC 8252 §7.3, §8.9]
 */
import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const HOST = '127.0.0.1'
const LIMITS = { requestTimeout: 5_000, headersTimeout: 5_000, keepAliveTimeout: 1, maxHeaderSize: 16 * 1024 }
const CONNECTIONS_MAX = 16
const HEADERS = {
  'content-type': 'text/plain; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  connection: 'close',
}

export class LoopbackRedirect {
  readonly #server: Server
  readonly #state: string
  readonly #answer: Promise<URL>
  #answered: (url: URL) => void = () => {}

  /** @param state which the answer has to repeat */
  static async open(state: string): Promise<LoopbackRedirect> {
    const redirect = new LoopbackRedirect(state)
    const server = redirect.#server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, HOST, resolve)
    })
    server.on('error', () => {})
    return redirect
  }

  private constructor(state: string) {
    this.#state = state
    this.#answer = new Promise((resolve) => {
      this.#answered = resolve
    })
    this.#server = createServer(LIMITS, (request, response) => this.#take(request, response))
    this.#server.maxConnections = CONNECTIONS_MAX
  }

  /** For the provider, which compares it without the port. */
  get url(): string {
    return `http://${HOST}:${(this.#server.address() as AddressInfo).port}/`
  }

  /** Resolves with the address that the browser was sent to: the first with the state. @throws when the signal says so */
  async answer(signal: AbortSignal): Promise<URL> {
    let stop = (): void => {}
    const stopped = new Promise<never>((_resolve, reject) => {
      stop = () => reject(new Error('nobody has logged in', { cause: signal.reason }))
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop, { once: true })
    })
    try {
      return await Promise.race([this.#answer, stopped])
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  close(): void {
    this.#server.close()
    this.#server.closeIdleConnections()
    // The browser reads its answer; nobody holds the port for longer.
    setTimeout(() => this.#server.closeAllConnections(), LIMITS.requestTimeout).unref()
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url?.startsWith('/?') === true ? new URL(`${this.url}${request.url.slice(1)}`) : undefined
    if (request.method !== 'GET' || url === undefined || !this.#isOurs(url.searchParams.getAll('state'))) {
      response.writeHead(404, HEADERS).end('Nothing is here.\n')
      return
    }
    response.writeHead(200, HEADERS).end('The login is done here: close this page, and go back to the program.\n')
    this.#answered(url)
  }

  #isOurs([state = '', ...more]: readonly string[]): boolean {
    const [given, wanted] = [Buffer.from(state), Buffer.from(this.#state)]
    return more.length === 0 && given.length === wanted.length && timingSafeEqual(given, wanted)
  }
}
