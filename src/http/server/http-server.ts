/**
 * An HTTP server for peers that nobody knows yet, with a bound on everything that Node leaves open: how long a TLS
 * handshake, a head, a request and an unread answer may take, how large a head may be, how many requests may wait on one
 * connection. Whatever it refuses by itself it tells; what requests mean is not its business. The public listeners and the
 * admin listener are made of it.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIPv6, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { listenAt } from '../../ops/listen-at.ts'
import { answerRaw } from '../raw-answer.ts'
import { readTarget } from '../target.ts'
import { boundedRequest } from './bounded-request.ts'
import type { DropCause } from './drops.ts'
import type { Preamble } from './preamble.ts'
import { Speaker, type SpeakerOptions } from './speaker.ts'
import { type ListenerTls, readCertificates, tlsKind } from './tls.ts'
import { tlsFailure } from './tls-failure.ts'
import { Unanswered } from './unanswered.ts'
import { describeUnreadable, type ReadError, type Unreadable } from './unreadable.ts'

export interface HttpServerOptions {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly tls?: ListenerTls | undefined
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

const SURPLUS: Unreadable = {
  cause: 'too-many-requests',
  status: 429,
  detail: 'expected at most 16 requests, of 64 KiB together, to wait for their answers',
}

export class HttpServer {
  /** One for each kind that was asked for; the first one has the address. */
  readonly #speakers = new Map<string, Speaker>()
  readonly #first: Speaker
  readonly #speakerOptions: SpeakerOptions
  /** Takes the connections of now. */
  #speaking: Speaker
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
    this.#speakerOptions = {
      headersTimeout: this.#deadlines.head,
      requestTimeout: this.#deadlines.request,
      keepAliveTimeout: this.#deadlines.idle,
      handshakeTimeout: this.#deadlines.handshake,
      maxHeaderSize: options.maxHeaderBytes ?? 16 * 1024,
      IncomingMessage: boundedRequest(
        events.upgrade !== undefined,
        (socket) => this.#unanswered.get(socket)?.isFull === true,
      ),
    }
    this.#first = this.#makeSpeaker(options.tls)
    this.#speakers.set(tlsKind(options.tls), this.#first)
    this.#speaking = this.#first
    this.#first.server.on('connection', (socket: Socket) => this.take(socket))
  }

  /**
   * Binds; rejects with the system's error and advice when the address cannot be had.
   * @param key where the configuration says the address
   * @param inherited bound to the address already
   */
  async start(key: string, inherited?: Socket): Promise<void> {
    await listenAt(this.#first.server, this.#options, key, inherited)
  }

  /** Begins without an address: all connections are handed to it. */
  startWithoutAddress(): void {
    this.#first.start()
  }

  /** A connection, which may not have arrived at its address. */
  take(socket: Socket): void {
    if (!this.#connected(socket)) return
    const { preamble } = this.#options
    const speaker = this.#speaking
    if (preamble === undefined) return speaker.begin(socket)
    preamble.read(
      socket,
      () => speaker.begin(socket),
      (cause, detail) => this.#drop(socket, cause, detail),
    )
  }

  get host(): string {
    return this.#options.host
  }

  /** The port in use; known once `start` has resolved. */
  get port(): number {
    const address = this.#first.server.address()
    return typeof address === 'object' && address !== null ? address.port : this.#options.port
  }

  /** Host and port as in a URL. */
  get authority(): string {
    return `${isIPv6(this.host) ? `[${this.host}]` : this.host}:${this.port}`
  }

  get socketCount(): number {
    return this.#sockets.size
  }

  /**
   * Speaks with these certificates from now on, or TLS where it spoke none, or the other way round. Connections that are there
   * stay as they are; those without a session end after their request.
   *
   * @returns what puts it into use, at once
   * @throws {Error} when a certificate or key cannot be used: then nothing has changed
   */
  change(tls: ListenerTls | undefined): () => void {
    const kind = tlsKind(tls)
    const known = this.#speakers.get(kind)
    const certificates = tls === undefined ? undefined : readCertificates(tls)
    const speaker = known ?? this.#makeSpeaker(tls)
    return () => {
      if (known === undefined) {
        this.#speakers.set(kind, speaker)
        speaker.start()
      } else if (certificates !== undefined) known.show(certificates)
      const before = this.#speaking
      this.#speaking = speaker
      if (before !== speaker) before.server.closeIdleConnections()
    }
  }

  /** The answer to this request goes on without an end: whoever writes it sees to it that it is read. */
  goesOn({ socket }: IncomingMessage): void {
    this.#unanswered.get(socket)?.goesOn()
  }

  /** Takes no more connections and ends those that are idle; resolves when the port is free. */
  stop(): Promise<void> {
    const stopped = [...this.#speakers.values()].map((speaker) => speaker.stop())
    return Promise.all(stopped).then(() => undefined)
  }

  /** Resolves when no connection is left. */
  async emptied(): Promise<void> {
    while (this.#sockets.size > 0) await Promise.all([...this.#sockets].map((socket) => once(socket, 'close')))
  }

  /** Destroys every connection that is left. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #makeSpeaker(tls: ListenerTls | undefined): Speaker {
    const speaker = new Speaker(tls, this.#speakerOptions)
    const { server } = speaker
    server.on('request', (request, response) => {
      // It was asked in a way that is not spoken here any more.
      if (speaker !== this.#speaking) response.shouldKeepAlive = false
      this.#requested(request, response)
    })
    server.on('checkExpectation', (request, response) => {
      this.#unansweredOf(request.socket).add(request, response)
      this.#refuse(response, {
        cause: 'bad-request',
        status: 417,
        detail: 'expected no other Expect than 100-continue',
      })
    })
    server.on('upgrade', (request, socket, head) => this.#upgraded(request, socket, head))
    server.on('connect', (_request, socket) => {
      socket.on('error', () => {})
      this.#turnAway(socket, badRequest(405, 'expected another method than CONNECT'))
    })
    server.on('clientError', (error: ReadError, socket) => this.#unreadable(error, socket))
    // Node passes a failed handshake on as a `clientError`, to be answered in a language that the peer does not speak yet.
    server.removeAllListeners('tlsClientError')
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      const { cause, detail } = tlsFailure(error)
      this.#drop(socket, cause, detail)
    })
    return speaker
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
