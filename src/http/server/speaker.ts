/**
 * What speaks HTTP with peers: plainly, or over one kind of TLS. Node fixes that when it makes a server, so an address that
 * changes between them has a speaker for each.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import { type ListenerTls, serverTls } from './tls.ts'

/** Times in milliseconds. */
export interface SpeakerOptions {
  readonly headersTimeout: number
  readonly requestTimeout: number
  readonly keepAliveTimeout: number
  readonly handshakeTimeout: number
  readonly maxHeaderSize: number
  readonly IncomingMessage: typeof IncomingMessage
}

const FIXED = {
  connectionsCheckingInterval: 1_000,
  noDelay: true,
  // Node would refuse by itself, unseen, and go on to the next request.
  requireHostHeader: false,
}

export class Speaker {
  readonly server: Server | TlsServer
  readonly #begin: (socket: Socket) => void

  /** @throws {Error} when a certificate or key cannot be used */
  constructor(tls: ListenerTls | undefined, { handshakeTimeout, ...options }: SpeakerOptions) {
    this.server =
      tls === undefined
        ? createServer({ ...FIXED, ...options })
        : createTlsServer({ ...FIXED, ...options, ...serverTls(tls), handshakeTimeout })
    // A count would make Node drop what comes later, such as what a proxy appended; `tooManyHeaders` refuses instead.
    this.server.maxHeadersCount = 0
    const [begin] = this.server.listeners('connection') as ((socket: Socket) => void)[]
    if (begin === undefined) throw new TypeError('a server of Node begins with its connections')
    // It reads at once, and whoever accepts may have something to read before.
    this.server.removeAllListeners('connection')
    this.#begin = begin.bind(this.server)
  }

  /** Reads requests from a connection. */
  begin(socket: Socket): void {
    this.#begin(socket)
  }

  /** Begins without an address: Node's deadlines for heads and requests begin with this event, and with nothing else. */
  start(): void {
    this.server.emit('listening')
  }

  /** Uses other certificates from now on. */
  show(certificates: SecureContextOptions): void {
    if ('setSecureContext' in this.server) this.server.setSecureContext(certificates)
  }

  /** Ends connections that are idle, and leaves the address; resolves when it is free. */
  stop(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.server.close(() => resolve()))
    this.server.closeIdleConnections()
    return stopped
  }
}
