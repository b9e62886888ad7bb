/**
 * A port whose connections are served by workers. Nothing is read here, not even a PROXY protocol header: whoever gets the
 * socket sees the client's own address, and every byte.
 */
import { createServer, isIPv6, type Server, type Socket } from 'node:net'
import type { ListenerTls } from '../../http/server/tls.ts'
import { listenAt } from '../../ops/listen-at.ts'

export interface HandingOptions {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly tls?: ListenerTls | undefined
}

export class HandingListener {
  #options: HandingOptions
  readonly #server: Server
  readonly #take: (socket: Socket, from: HandingListener) => void

  constructor(options: HandingOptions, take: (socket: Socket, from: HandingListener) => void) {
    this.#options = options
    this.#take = take
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.take(socket))
  }

  /** @param inherited bound to the address already, by another process */
  async start(inherited?: Socket): Promise<void> {
    await listenAt(this.#server, this.#options, 'listen', inherited)
  }

  take(socket: Socket): void {
    this.#take(socket, this)
  }

  get host(): string {
    return this.#options.host
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : this.#options.port
  }

  get url(): string {
    const { host } = this
    return `${this.#options.tls === undefined ? 'ws' : 'wss'}://${isIPv6(host) ? `[${host}]` : host}:${this.port}`
  }

  /** Those that it has are the workers'. */
  get socketCount(): number {
    return 0
  }

  /** Other settings for the same address: all but the address are the workers'. */
  change(options: HandingOptions): () => void {
    return () => {
      this.#options = options
    }
  }

  /** Shuts the port; it is free at once. What was handed over is not waited for. */
  async stop(): Promise<void> {
    this.#server.close()
  }

  cut(): void {}
}
