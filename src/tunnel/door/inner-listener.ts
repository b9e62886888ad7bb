/** The listener for gateways: mutual TLS, names, and a connection parked for each that may be here. */
import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import { networkOf } from '../../../auth/index.ts'
import { certificateBytes } from '../../config/files/protected-file.ts'
import type { DoorConfig } from '../../config/schema/door.ts'
import { listenAt } from '../../ops/listen-at.ts'
import { TUNNEL_PROTOCOL } from '../wire.ts'
import type { Refuse } from './causes.ts'
import { Gateways, type KnownGateway } from './gateways.ts'
import { Parked, type ParkedTimes } from './parked.ts'
import type { Pool } from './pool.ts'

const HANDSHAKE_MS = 10_000
/** Connections whose TLS is not finished: nobody knows yet whose they are. */
const MOST_UNKNOWN = 1_024
/** Of one address, so that no stranger keeps gateways out: a gateway has 64 at most. */
const MOST_UNKNOWN_OF_ONE = 256
/** Connections that wait, of all gateways together. */
const MOST_PARKED = 8_192

export interface GatewayEvents {
  joined(gateway: KnownGateway): void
  left(gateway: KnownGateway): void
}

export interface InnerListenerParts {
  readonly pool: Pool
  readonly refuse: Refuse
  readonly events: GatewayEvents
  /** For tests. */
  readonly times?: Partial<ParkedTimes> | undefined
}

export class InnerListener {
  readonly #parts: InnerListenerParts
  readonly #gateways: Gateways
  readonly #server: Server
  readonly #config: DoorConfig['inner']
  readonly #sockets = new Set<Socket>()
  #knownCount = 0
  readonly #unknownByNetwork = new Map<string, number>()
  #stopped: Promise<void> | undefined

  /** @throws {Error} when a certificate or key cannot be used */
  constructor(config: DoorConfig['inner'], names: readonly string[] | undefined, parts: InnerListenerParts) {
    this.#config = config
    this.#parts = parts
    this.#gateways = new Gateways(names)
    this.#server = createServer({
      ...readTls(config.tls),
      requestCert: true,
      // Refused below, at the same moment: Node itself would say neither why nor whom.
      rejectUnauthorized: false,
      ALPNProtocols: [TUNNEL_PROTOCOL],
      handshakeTimeout: HANDSHAKE_MS,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
    })
    this.#server.on('connection', (socket: Socket) => this.#connected(socket))
    this.#server.on('secureConnection', (socket) => this.#secured(socket))
    this.#server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      parts.refuse('gateway-tls', error.message, socket.remoteAddress ?? '')
      socket.destroy()
    })
  }

  async start(): Promise<void> {
    await listenAt(this.#server, this.#config, 'inner')
  }

  /** The port in use; known once `start` has resolved. */
  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : this.#config.port
  }

  get socketCount(): number {
    return this.#sockets.size
  }

  /**
   * Other certificates and names; files are read again in any case.
   *
   * @returns what puts them into use, at once
   * @throws {Error} where they cannot be used: then nothing has changed
   */
  change(tls: DoorConfig['inner']['tls'], names: readonly string[] | undefined): () => void {
    const next = readTls(tls)
    return () => {
      this.#server.setSecureContext(next)
      this.#gateways.follow(names)
    }
  }

  /** Takes no more connections; resolves when the last one has ended. */
  stop(): Promise<void> {
    this.#stopped ??= new Promise((resolve) => this.#server.close(() => resolve()))
    return this.#stopped
  }

  /** Destroys every connection that is left. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #connected(socket: Socket): void {
    const address = socket.remoteAddress ?? ''
    const network = networkOf(address)
    const unknownCount = this.#unknownByNetwork.get(network) ?? 0
    if (
      unknownCount >= MOST_UNKNOWN_OF_ONE ||
      this.#sockets.size - this.#knownCount >= MOST_UNKNOWN ||
      this.#parts.pool.count >= MOST_PARKED
    ) {
      this.#parts.refuse('gateway-limit', 'too many connections at the inner port', address)
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    this.#countUnknown(network, 1)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#countUnknown(network, -1)
    })
  }

  #countUnknown(network: string, by: 1 | -1): void {
    const count = (this.#unknownByNetwork.get(network) ?? 0) + by
    if (count === 0) this.#unknownByNetwork.delete(network)
    else this.#unknownByNetwork.set(network, count)
  }

  #secured(socket: TLSSocket): void {
    const address = socket.remoteAddress ?? ''
    const network = networkOf(address)
    this.#knownCount += 1
    this.#countUnknown(network, -1)
    socket.once('close', () => {
      this.#knownCount -= 1
      this.#countUnknown(network, 1)
    })
    socket.on('error', () => {})
    const drop = (cause: Parameters<Refuse>[0], detail: string) => {
      socket.destroy()
      this.#parts.refuse(cause, detail, address)
    }
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return drop('gateway-tls', 'it shows no certificate')
    if (!socket.authorized)
      return drop('gateway-tls', `\`inner.tls.ca\` does not vouch for its certificate: ${socket.authorizationError}`)
    if (socket.alpnProtocol !== TUNNEL_PROTOCOL)
      return drop('gateway-protocol', `expected ${TUNNEL_PROTOCOL}: is it a gateway of this version?`)
    const gateway = this.#gateways.of(certificate, address)
    if (gateway === undefined) return drop('gateway-name', 'its certificate carries none of inner.names')
    if (gateway.openCount === 0) this.#parts.events.joined(gateway)
    gateway.openCount += 1
    socket.once('close', () => {
      gateway.openCount -= 1
      if (gateway.openCount > 0) return
      this.#gateways.forget(gateway)
      this.#parts.events.left(gateway)
    })
    this.#parts.pool.join(new Parked(socket, gateway, this.#parts.pool, this.#parts.times))
  }
}

/** @throws {Error} when a file cannot be read or is not safe from others, or certificate and key do not belong together */
function readTls({ cert, key, ca }: DoorConfig['inner']['tls']): SecureContextOptions {
  const options: SecureContextOptions = {
    cert: certificateBytes(cert),
    key: certificateBytes(key),
    ca: certificateBytes(ca),
    minVersion: 'TLSv1.3',
    // A resumed session would carry a certificate that nobody checks again.
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
  createSecureContext(options)
  return options
}
