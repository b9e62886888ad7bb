/**
 * A public address with HTTP or HTTPS on it. It knows whose `X-Forwarded-For` is believed, whether clients speak TLS, and
 * which certificates to show; how the bytes are bounded is `http-server.ts`' business, what requests mean is not known here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { addressSet, clientAddress } from '../services/address.ts'
import { type Deadlines, HttpServer, type HttpServerEvents } from './server/http-server.ts'
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
  /** For tests; ten seconds and the like otherwise. */
  readonly deadlines?: Partial<Deadlines>
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

export interface ListenerEvents extends Required<Pick<HttpServerEvents, 'refused' | 'dropped' | 'hasRoom'>> {
  request(request: IncomingMessage, response: ServerResponse, hop: Hop): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, hop: Hop): void
}

export class Listener {
  readonly #server: HttpServer
  readonly #options: ListenerOptions

  /** @throws {Error} when a certificate or key cannot be used */
  constructor(options: ListenerOptions, events: ListenerEvents) {
    this.#options = options
    const { host, port, tls, maxHeaderBytes, deadlines } = options
    const trusted = addressSet(options.trustedProxies)
    const isSecure = tls !== undefined || options.behindTls === true
    const hopOf = (request: IncomingMessage): Hop => {
      const peerAddress = request.socket.remoteAddress ?? ''
      const forwarded = request.headers['x-forwarded-for']
      const forwardedFor = Array.isArray(forwarded) ? forwarded.join(',') : forwarded
      return { address: clientAddress(peerAddress, forwardedFor, trusted), peerAddress, isSecure }
    }
    const bounds = { host, port, tls: tls === undefined ? undefined : serverTls(tls), maxHeaderBytes, deadlines }
    this.#server = new HttpServer(bounds, {
      request: (request, response) => events.request(request, response, hopOf(request)),
      upgrade: (request, socket, head) => events.upgrade(request, socket, head, hopOf(request)),
      refused: (what, address) => events.refused(what, address),
      dropped: (cause, detail, address) => events.dropped(cause, detail, address),
      hasRoom: () => events.hasRoom(),
    })
  }

  /** Binds; rejects with the system's error when the address cannot be had. */
  start(): Promise<void> {
    return this.#server.start()
  }

  get host(): string {
    return this.#server.host
  }

  /** The port in use; known once `start` has resolved. */
  get port(): number {
    return this.#server.port
  }

  /** Where clients connect, without a path. */
  get url(): string {
    return `${this.#options.tls === undefined ? 'ws' : 'wss'}://${this.#server.authority}`
  }

  get socketCount(): number {
    return this.#server.socketCount
  }

  /** Uses what the certificate files hold now. @throws {Error} when they cannot be used; the old ones stay. */
  reloadCertificates(): void {
    const { tls } = this.#options
    if (tls !== undefined) this.#server.setSecureContext(readCertificates(tls))
  }

  /** Takes no more connections and ends those that carry no session; resolves when the port is free. */
  stop(): Promise<void> {
    return this.#server.stop()
  }

  /** Destroys every connection that is left. */
  cut(): void {
    this.#server.cut()
  }
}
