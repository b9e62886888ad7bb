/**
 * The listener for clients: counts them, reads the first message of their TLS, finds a connection of a gateway for each, and
 * passes bytes. It knows nothing of what they say.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { networkOf } from '../../../auth/index.ts'
import type { DoorConfig } from '../../config/schema/door.ts'
import { listenAt } from '../../ops/listen-at.ts'
import { announcement } from '../announcement.ts'
import type { Refuse } from './causes.ts'
import { readClientHello } from './hello-reader.ts'
import { Passing } from './passing.ts'
import type { Pool } from './pool.ts'
import type { Site } from './site.ts'
import type { Sites } from './sites.ts'

export interface ClientListenerParts {
  readonly pool: Pool
  /** Whether there are descriptors for one more. */
  hasRoom(): boolean
  /** In force for clients that connect from now on. */
  config(): DoorConfig
  sites(): Sites
  /** A gateway has another client. */
  given(): void
  readonly refuse: Refuse
}

export class ClientListener {
  readonly #parts: ClientListenerParts
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #byNetwork = new Map<string, number>()
  readonly #passing = new Set<Passing>()
  #stopped: Promise<void> | undefined

  constructor(parts: ClientListenerParts) {
    this.#parts = parts
    const options = { allowHalfOpen: true, noDelay: true, keepAlive: true }
    this.#server = createServer(options, (socket) => this.#connected(socket))
  }

  async start(): Promise<void> {
    await listenAt(this.#server, this.#parts.config().listen, 'listen')
  }

  /** The port in use; known once `start` has resolved. */
  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : this.#parts.config().listen.port
  }

  /** Clients, those that wait included. */
  get clientCount(): number {
    return this.#sockets.size
  }

  /** Takes no more clients; resolves when the last one has gone. */
  stop(): Promise<void> {
    this.#stopped ??= new Promise((resolve) => this.#server.close(() => resolve()))
    return this.#stopped
  }

  /** Drops every client that is left. */
  cut(): void {
    for (const passing of this.#passing) passing.cut()
    for (const socket of this.#sockets) socket.destroy()
  }

  #connected(socket: Socket): void {
    socket.on('error', () => {})
    const address = socket.remoteAddress ?? ''
    const network = networkOf(address)
    const count = this.#byNetwork.get(network) ?? 0
    const { limits } = this.#parts.config()
    const drop = (cause: Parameters<Refuse>[0], detail: string) => {
      socket.destroy()
      this.#parts.refuse(cause, detail, address)
    }
    if (count >= limits.connectionsPerAddress)
      return drop('address-limit', `${network} has ${limits.connectionsPerAddress} clients`)
    if (this.#sockets.size >= limits.connections) return drop('limit', `there are ${limits.connections} clients`)
    if (!this.#parts.hasRoom()) return drop('no-descriptors', 'no descriptors are left for a client')
    this.#sockets.add(socket)
    this.#byNetwork.set(network, count + 1)
    socket.once('close', () => this.#left(socket, network))
    readClientHello(socket, {
      read: (hello, serverName) => {
        const site = this.#parts.sites().of(serverName)
        if (site === undefined) return drop('unknown-site', 'no entry of listen.sites has the name that it asks for')
        this.#wait(socket, hello, site, () => drop('no-gateway', 'no gateway had a free connection in time'))
      },
      failed: drop,
      left: () => socket.destroy(),
    })
  }

  #wait(socket: Socket, hello: Buffer, site: Site, inVain: () => void): void {
    const { wait, limits } = this.#parts.config()
    const timer = setTimeout(() => {
      finish()
      inVain()
    }, wait)
    const finish = (): void => {
      clearTimeout(timer)
      socket.off('close', finish)
      leave()
    }
    const given = (gateway: TLSSocket): void => {
      finish()
      this.#parts.given()
      this.#pass(socket, gateway, [announcement(socket), hello], limits.idle)
    }
    const leave = this.#parts.pool.wait(site, { given })
    socket.once('close', finish)
  }

  #pass(socket: Socket, gateway: TLSSocket, head: readonly Buffer[], idleMs: number): void {
    const passing = new Passing(socket, gateway, head, idleMs, () => this.#passing.delete(passing))
    this.#passing.add(passing)
  }

  #left(socket: Socket, network: string): void {
    this.#sockets.delete(socket)
    const count = (this.#byNetwork.get(network) ?? 1) - 1
    if (count === 0) this.#byNetwork.delete(network)
    else this.#byNetwork.set(network, count)
  }
}
