/**
 * An HTTP server for peers that nobody knows yet, with a bound on everything that Node leaves open: how long a TLS
 * handshake, a head, a request and an unread answer may take, how large a head may be, how many requests may wait on one
 * connection. Whatever it refuses by itself it tells; what requests mean is not its business. The public listeners and the
 * admin listener are made of it.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { isIPv6, type Server as NetServer, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SecureContextOptions, TlsOptions } from 'node:tls'
import { listenAt } from '../../ops/listen-at.ts'
import { answerRaw } from '../raw-answer.ts'
import { readTarget } from '../target.ts'
import { boundedRequest } from './bounded-request.ts'
import type { DropCause } from './drops.ts'
import type { Preamble } from './preamble.ts'
import { tlsFailure } from './tls-failure.ts'
import { Unanswered } from './unanswered.ts'
import { describeUnreadable, type ReadError, type Unreadable } from './unreadable.ts'

export interface HttpServerOptions {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly tls?: TlsOptions | undefined
  /** 16 KiB when left out. */
  readonly maxHeaderBytes?: number | undefined
  readonly deadlines?: Partial<Deadlines> | undefined
  /** What comes before HTTP and TLS on each connection; absent: nothing. */
  readonly preamble?: Preamble | undefined
}

/** In milliseconds. */
export interface Deadlines {
  /** From the connection to the end of the TLS handshake. */
  readonly handshake: number
  readonly head: number
  readonly request: number
  /** For the next request on a connection that waits for none. */
  readonly idle: number
  /** For an answer that is not read, since the one before it was. */
  readonly unread: number
  /** From the connection to the end of a PROXY protocol header, where there is one. */
  readonly proxyHeader: number
}

export interface HttpServerEvents {
  request(request: IncomingMessage, response: ServerResponse): void
  /** Without it upgrades are requests like others. The socket has an 'error' listener already. */
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Something was refused, and has been answered, that is no request for anybody. */
  refused(what: Unreadable, address: string): void
  /** A connection ended without an answer. */
  dropped(cause: DropCause, detail: string, address: string): void
  /** Whether there is a descriptor left for another client; without it there always is. */
  hasRoom?(): boolean
}

export const DEADLINES: Deadlines = {
  handshake: 10_000,
  head: 10_000,
  request: 15_000,
  idle: 5_000,
  unread: 30_000,
  proxyHeader: 5_000,
}

const FIXED = {
  connectionsCheckingInterval: 1_000,
  noDelay: true,
  // Node would refuse by itself, unseen, and go on to the next request.
  requireHostHeader: false,
}

const SURPLUS: Unreadable = {
  cause: 'too-many-requests',
  status: 429,
  detail: 'expected at most 16 requests, of 64 KiB together, to wait for their answers',
}

export class HttpServer {
  readonly #server: Server | TlsServer
  readonly #options: HttpServerOptions
  readonly #events: HttpServerEvents
  readonly #deadlines: Deadlines
  readonly #sockets = new Set<Socket>()
  readonly #unanswered = new WeakMap<Duplex, Unanswered>()

  /** @throws {Error} when a certificate or key cannot be used */
  constructor(options: HttpServerOptions, events: HttpServerEvents) {
    this.#options = options
    this.#events = events
    this.#deadlines = { ...DEADLINES, ...options.deadlines }
    const common = {
      ...FIXED,
      headersTimeout: this.#deadlines.head,
      requestTimeout: this.#deadlines.request,
      keepAliveTimeout: this.#deadlines.idle,
      maxHeaderSize: options.maxHeaderBytes ?? 16 * 1024,
      IncomingMessage: boundedRequest(
        events.upgrade !== undefined,
        (socket) => this.#unanswered.get(socket)?.isFull === true,
      ),
    }
    const { tls } = options
    this.#server =
      tls === undefined
        ? createServer(common)
        : createTlsServer({ ...common, ...tls, handshakeTimeout: this.#deadlines.handshake })
    // A count would make Node drop what comes later, such as what a proxy appended; `tooManyHeaders` refuses instead.
    this.#server.maxHeadersCount = 0
    this.#listen()
  }

  /**
   * Binds; rejects with the system's error and advice when the address cannot be had.
   * @param key where the configuration says the address
   * @param inherited bound to the address already
   */
  async start(key: string, inherited?: Socket): Promise<void> {
    await listenAt(this.#server, this.#options, key, inherited)
  }

  /** Begins without an address: all connections are handed to it. */
  startWithoutAddress(): void {
    // Node's deadlines for heads and requests begin with this event, and with nothing else.
    this.#server.emit('listening')
  }

  /** A connection that did not arrive at its address. */
  take(socket: Socket): void {
    this.#server.emit('connection', socket)
  }

  get host(): string {
    return this.#options.host
  }

  /** The port in use; known once `start` has resolved. */
  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : this.#options.port
  }

  /** Host and port as in a URL. */
  get authority(): string {
    return `${isIPv6(this.host) ? `[${this.host}]` : this.host}:${this.port}`
  }

  get socketCount(): number {
    return this.#sockets.size
  }

  /** Uses other certificates from now on. @throws {Error} when they cannot be used; the old ones stay. */
  setSecureContext(context: SecureContextOptions): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(context)
  }

  /** The answer to this request goes on without an end: whoever writes it sees to it that it is read. */
  goesOn({ socket }: IncomingMessage): void {
    this.#unanswered.get(socket)?.goesOn()
  }

  /** Takes no more connections and ends those that are idle; resolves when the port is free. */
  stop(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    return stopped
  }

  /** Resolves when no connection is left. */
  async emptied(): Promise<void> {
    while (this.#sockets.size > 0) await Promise.all([...this.#sockets].map((socket) => once(socket, 'close')))
  }

  /** Destroys every connection that is left. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #listen(): void {
    const { preamble } = this.#options
    const [begin] = this.#server.listeners('connection') as ((this: NetServer, socket: Socket) => void)[]
    // Node's own listener reads at once.
    if (preamble !== undefined) this.#server.removeAllListeners('connection')
    this.#server.on('connection', (socket: Socket) => {
      if (!this.#connected(socket) || preamble === undefined) return
      preamble.read(
        socket,
        () => begin?.call(this.#server, socket),
        (cause, detail) => this.#drop(socket, cause, detail),
      )
    })
    this.#server.on('request', (request, response) => this.#requested(request, response))
    this.#server.on('checkExpectation', (request, response) => {
      this.#unansweredOf(request.socket).add(request, response)
      this.#refuse(response, {
        cause: 'bad-request',
        status: 417,
        detail: 'expected no other Expect than 100-continue',
      })
    })
    this.#server.on('upgrade', (request, socket, head) => this.#upgraded(request, socket, head))
    this.#server.on('connect', (_request, socket) => {
      socket.on('error', () => {})
      this.#turnAway(socket, badRequest(405, 'expected another method than CONNECT'))
    })
    this.#server.on('clientError', (error: ReadError, socket) => this.#unreadable(error, socket))
    // Node passes a failed handshake on as a `clientError`, to be answered in a language that the peer does not speak yet.
    this.#server.removeAllListeners('tlsClientError')
    this.#server.on('tlsClientError', (error: Error, socket: Socket) => {
      const { cause, detail } = tlsFailure(error)
      this.#drop(socket, cause, detail)
    })
  }

  /** Whether there is room for it. */
  #connected(socket: Socket): boolean {
    if (this.#events.hasRoom?.() === false) {
      this.#drop(socket, 'no-descriptors', 'no descriptor is left for the connection')
      return false
    }
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    return true
  }

  #drop(socket: Socket, cause: DropCause, detail: string): void {
    this.#events.dropped(cause, detail, this.#addressOf(socket))
    socket.destroy()
  }

  #requested(request: IncomingMessage, response: ServerResponse): void {
    const unanswered = this.#unansweredOf(request.socket)
    const isSurplus = unanswered.isFull
    unanswered.add(request, response)
    if (isSurplus) return this.#refuse(response, SURPLUS)
    const wrong = readTarget(request)
    if (wrong !== undefined) return this.#refuse(response, badRequest(400, wrong))
    // Node's parser drops what came in one piece with an upgrade that nobody takes: nobody may wait for its answer.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false
    this.#events.request(request, response)
  }

  #upgraded(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A reset while somebody is being authenticated has no other listener: it would end the process.
    socket.on('error', () => {})
    const unanswered = this.#unanswered.get(socket)
    if (unanswered?.isFull === true) return this.#turnAway(socket, SURPLUS)
    // The answers before it would be written into the WebSocket.
    if (unanswered !== undefined && unanswered.count > 0)
      return this.#turnAway(socket, badRequest(400, 'expected no upgrade before earlier requests are answered'))
    const wrong = readTarget(request)
    if (wrong !== undefined) return this.#turnAway(socket, badRequest(400, wrong))
    this.#events.upgrade?.(request, socket, head)
  }

  #unreadable(error: ReadError, socket: Duplex): void {
    const unanswered = this.#unanswered.get(socket)
    if (error.code === 'ECONNRESET' || !socket.writable || unanswered?.isEnding === true) {
      socket.destroy()
      return
    }
    const what = describeUnreadable(error, unanswered === undefined)
    if (unanswered === undefined || unanswered.isClear || unanswered.isComplete) return this.#turnAway(socket, what)
    this.#events.refused(what, this.#addressOf(socket))
    socket.destroy()
  }

  /** Answers what has no response of its own, behind all that came before it, and ends the connection. */
  #turnAway(socket: Duplex, what: Unreadable): void {
    this.#events.refused(what, this.#addressOf(socket))
    const answer = (): void => answerRaw(socket, { status: what.status, text: what.detail })
    const unanswered = this.#unanswered.get(socket)
    if (unanswered === undefined || unanswered.isClear) answer()
    else unanswered.whenNone(answer)
  }

  #refuse(response: ServerResponse, what: Unreadable): void {
    this.#events.refused(what, this.#addressOf(response.req.socket))
    const text = `${what.detail}\n`
    response.writeHead(what.status, {
      Connection: 'close',
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(text),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    })
    response.end(text)
  }

  #unansweredOf(socket: Socket): Unanswered {
    let unanswered = this.#unanswered.get(socket)
    if (unanswered === undefined) {
      unanswered = new Unanswered(socket, this.#deadlines.unread, () =>
        this.#events.dropped('answer-unread', 'an answer was not read in time', this.#addressOf(socket)),
      )
      this.#unanswered.set(socket, unanswered)
    }
    return unanswered
  }

  /** Whose connection it is, by what came before HTTP or else by its other end. */
  #addressOf(socket: Duplex): string {
    if (!(socket instanceof Socket)) return ''
    return this.#options.preamble?.addressOf(socket) ?? socket.remoteAddress ?? ''
  }
}

function badRequest(status: number, detail: string): Unreadable {
  return { cause: 'bad-request', status, detail }
}
