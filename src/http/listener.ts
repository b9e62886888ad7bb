/**
 * A socket that listens, with HTTP or HTTPS on it. It knows how long a head may take and how large it may be, whose
 * `X-Forwarded-For` is believed, and when the process has no descriptors left; what requests mean is not its business.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { isIPv6, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { listenAt } from '../ops/listen-at.ts'
import { addressSet, clientAddress } from '../services/address.ts'
import { type ListenerTls, readCertificates, serverTls } from './server/tls.ts'

export interface ListenerOptions {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly tls?: ListenerTls | undefined
  readonly trustedProxies?: readonly string[] | undefined
  readonly behindTls?: boolean
  /** 16 KiB, or 32 where Kerberos tickets come in headers. */
  readonly maxHeaderBytes?: number
}

/** What a request's handler may know of the way it came. */
export interface Hop {
  /** The client's address, after trusted proxies. */
  readonly address: string
  /** The socket's other end. */
  readonly peerAddress: string
  /** Whether the client speaks TLS, to this listener or to what stands in front of it. */
  readonly isSecure: boolean
}

export interface ListenerEvents {
  request(request: IncomingMessage, response: ServerResponse, hop: Hop): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, hop: Hop): void
  /** Whether there is a descriptor left for another client. */
  hasRoom(): boolean
  tlsFailed?(error: Error, address: string): void
}

const TIMES = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 5_000,
}

export class Listener {
  readonly #server: Server | TlsServer
  readonly #options: ListenerOptions
  readonly #sockets = new Set<Socket>()

  /** @throws {Error} when a certificate or key cannot be used */
  constructor(options: ListenerOptions, events: ListenerEvents) {
    this.#options = options
    const common = { ...TIMES, maxHeaderSize: options.maxHeaderBytes ?? 16 * 1024, noDelay: true }
    this.#server =
      options.tls === undefined ? createServer(common) : createTlsServer({ ...common, ...serverTls(options.tls) })
    // A count would make Node drop what comes later, such as what a proxy appended; `tooManyHeaders` refuses instead.
    this.#server.maxHeadersCount = 0
    this.#listen(events)
  }

  /** Binds; rejects with the system's error and advice when the address cannot be had. */
  async start(): Promise<void> {
    await listenAt(this.#server, this.#options, 'listen')
  }

  get host(): string {
    return this.#options.host
  }

  /** The port in use; known once `start` has resolved. */
  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : this.#options.port
  }

  /** Where clients connect, without a path. */
  get url(): string {
    const scheme = this.#options.tls === undefined ? 'ws' : 'wss'
    const host = isIPv6(this.host) ? `[${this.host}]` : this.host
    return `${scheme}://${host}:${this.port}`
  }

  get socketCount(): number {
    return this.#sockets.size
  }

  /** Uses what the certificate files hold now. @throws {Error} when they cannot be used; the old ones stay. */
  reloadCertificates(): void {
    const { tls } = this.#options
    if (tls !== undefined && 'setSecureContext' in this.#server) this.#server.setSecureContext(readCertificates(tls))
  }

  /** Takes no more connections and ends those that carry no session; resolves when the port is free. */
  stop(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    return stopped
  }

  /** Destroys every connection that is left. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #listen(events: ListenerEvents): void {
    const trusted = addressSet(this.#options.trustedProxies)
    const isSecure = this.#options.tls !== undefined || this.#options.behindTls === true
    const hopOf = (request: IncomingMessage): Hop => {
      const peerAddress = request.socket.remoteAddress ?? ''
      const forwarded = request.headers['x-forwarded-for']
      const forwardedFor = Array.isArray(forwarded) ? forwarded.join(',') : forwarded
      return { address: clientAddress(peerAddress, forwardedFor, trusted), peerAddress, isSecure }
    }
    this.#server.on('connection', (socket: Socket) => {
      if (!events.hasRoom()) {
        socket.destroy()
        return
      }
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('request', (request, response) => events.request(request, response, hopOf(request)))
    this.#server.on('upgrade', (request, socket, head) => {
      // A reset while somebody is being authenticated has no other listener: it would end the process.
      socket.on('error', () => {})
      events.upgrade(request, socket, head, hopOf(request))
    })
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => answerUnreadable(error, socket))
    this.#server.on('tlsClientError', (error: Error, socket: Socket) => {
      events.tlsFailed?.(error, socket.remoteAddress ?? '')
    })
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** What could not be read as HTTP gets a status line and nothing else. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = UNREADABLE[error.code ?? ''] ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
}
