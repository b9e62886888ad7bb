/**
 * A public address with HTTP or HTTPS on it. It knows whose word about client addresses is believed, whether clients speak TLS, and
 * which certificates to show; how the bytes are bounded is `http-server.ts`' business, what requests mean is not known here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { addressSet, canonicalAddress, clientAddress } from '../services/address.ts'
import { ProxiedConnections } from './proxy-protocol/proxied-connections.ts'
import { DEADLINES, type Deadlines, HttpServer, type HttpServerEvents } from './server/http-server.ts'
import { type ListenerTls, readCertificates, serverTls } from './server/tls.ts'

export interface ListenerOptions {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly tls?: ListenerTls | undefined
  readonly trustedProxies?: readonly string[] | undefined
  readonly behindTls?: boolean
  /** Each connection begins with a PROXY protocol header of one of `trustedProxies`. */
  readonly proxyProtocol?: boolean
  /** 16 KiB, or 32 where Kerberos tickets come in headers. */
  readonly maxHeaderBytes?: number | undefined
  /** For tests; ten seconds and the like otherwise. */
  readonly deadlines?: Partial<Deadlines>
}

/** What a request's handler may know of the way it came. */
export interface Hop {
  /** The client's address, after trusted proxies. */
  readonly address: string
  /** The connection's other end: of the socket, or as a PROXY protocol header announced it. */
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
  #options: ListenerOptions
  #trusted: ReturnType<typeof addressSet>
  readonly #proxied: ProxiedConnections

  /** @throws {Error} when a certificate or key cannot be used */
  constructor(options: ListenerOptions, events: ListenerEvents) {
    this.#options = options
    this.#trusted = addressSet(options.trustedProxies)
    const { host, port, tls, maxHeaderBytes, deadlines } = options
    this.#proxied = new ProxiedConnections(this.#proxies(), deadlines?.proxyHeader ?? DEADLINES.proxyHeader)
    const secure = tls === undefined ? undefined : serverTls(tls)
    const bounds = { host, port, tls: secure, maxHeaderBytes, deadlines, preamble: this.#proxied }
    this.#server = new HttpServer(bounds, {
      request: (request, response) => events.request(request, response, this.#hopOf(request)),
      upgrade: (request, socket, head) => events.upgrade(request, socket, head, this.#hopOf(request)),
      refused: (what, address) => events.refused(what, address),
      dropped: (cause, detail, address) => events.dropped(cause, detail, address),
      hasRoom: () => events.hasRoom(),
    })
  }

  /**
   * Binds; rejects with the system's error and advice when the address cannot be had.
   * @param inherited bound to the address already, by another process
   */
  start(inherited?: Socket): Promise<void> {
    return this.#server.start('listen', inherited)
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

  /**
   * Other settings for the same address; certificate files are read again in any case.
   *
   * @returns what puts them into use, at once
   * @throws {Error} where they cannot be used: then nothing has changed
   */
  change(options: ListenerOptions): () => void {
    const { tls } = options
    if ((tls === undefined) !== (this.#options.tls === undefined) || asks(tls) !== asks(this.#options.tls))
      throw new Error(
        `${this.#server.authority}: TLS and client certificates are switched by a restart, or on another port`,
      )
    const certificates = tls === undefined ? undefined : readCertificates(tls)
    return () => {
      this.#options = options
      this.#trusted = addressSet(options.trustedProxies)
      this.#proxied.follow(this.#proxies())
      if (certificates !== undefined) this.#server.setSecureContext(certificates)
    }
  }

  #hopOf(request: IncomingMessage): Hop {
    const { tls, behindTls = false, proxyProtocol = false } = this.#options
    const isSecure = tls !== undefined || behindTls
    const announced = this.#proxied.addressOf(request.socket)
    const peerAddress = announced ?? request.socket.remoteAddress ?? ''
    // The header has said it; X-Forwarded-For would be the client's own word here.
    if (announced !== undefined || proxyProtocol) {
      return { address: canonicalAddress(peerAddress) ?? peerAddress, peerAddress, isSecure }
    }
    const forwarded = request.headers['x-forwarded-for']
    const forwardedFor = Array.isArray(forwarded) ? forwarded.join(',') : forwarded
    const address = clientAddress(peerAddress, forwardedFor, this.#trusted)
    return { address, peerAddress, isSecure }
  }

  /** Who may connect where nobody else may. */
  #proxies(): ReturnType<typeof addressSet> | undefined {
    return this.#options.proxyProtocol === true ? this.#trusted : undefined
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

/** Whether clients are asked for certificates, and turned away without one: fixed when a server is made. */
function asks(tls: ListenerTls | undefined): string {
  return tls?.clientCertificates?.mode ?? 'none'
}
