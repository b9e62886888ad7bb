/**
 * A public address with HTTP or HTTPS on it. It knows whose word about client addresses is believed, whether clients speak TLS, and
 * which certificates to show; how the bytes are bounded is `http-server.ts`' business, what requests mean is not known here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { addressSet } from '../services/address.ts'
import { type Hop, Hops } from './hop.ts'
import { ProxiedConnections } from './proxy-protocol/proxied-connections.ts'
import { DEADLINES, type Deadlines, HttpServer, type HttpServerEvents } from './server/http-server.ts'
import type { ListenerTls } from './server/tls.ts'

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

export interface ListenerEvents extends Required<Pick<HttpServerEvents, 'refused' | 'dropped' | 'hasRoom'>> {
  request(request: IncomingMessage, response: ServerResponse, hop: Hop): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, hop: Hop): void
}

export class Listener {
  readonly #server: HttpServer
  #options: ListenerOptions
  readonly #proxied: ProxiedConnections
  #hops: Hops

  /** @throws {Error} when a certificate or key cannot be used */
  constructor(options: ListenerOptions, events: ListenerEvents) {
    this.#options = options
    this.#hops = new Hops(options)
    const { host, port, tls, maxHeaderBytes, deadlines } = options
    this.#proxied = new ProxiedConnections(proxiesOf(options), deadlines?.proxyHeader ?? DEADLINES.proxyHeader)
    const bounds = { host, port, tls, maxHeaderBytes, deadlines, preamble: this.#proxied }
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

  /** Begins without a port: all connections are handed to it. */
  startWithoutAddress(): void {
    this.#server.startWithoutAddress()
  }

  /** A connection that another process has accepted. */
  take(socket: Socket): void {
    // As of those that it accepts itself: a client may have said all that it has to say, and waits for the answer.
    socket.allowHalfOpen = true
    this.#server.take(socket)
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
    const changeTls = this.#server.change(options.tls)
    return () => {
      this.#options = options
      this.#hops = new Hops(options)
      this.#proxied.follow(proxiesOf(options))
      changeTls()
    }
  }

  #hopOf(request: IncomingMessage): Hop {
    return this.#hops.of(request, this.#proxied.addressOf(request.socket))
  }

  /** Takes no more connections and ends those that carry no session; resolves when the port is free. */
  stop(): Promise<void> {
    return this.#server.stop()
  }

  /** Resolves when no connection is left. */
  emptied(): Promise<void> {
    return this.#server.emptied()
  }

  /** Destroys every connection that is left. */
  cut(): void {
    this.#server.cut()
  }
}

/** Who may connect where nobody else may. */
function proxiesOf({ proxyProtocol, trustedProxies }: ListenerOptions): ReturnType<typeof addressSet> | undefined {
  return proxyProtocol === true ? addressSet(trustedProxies) : undefined
}
