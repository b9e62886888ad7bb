/** The way that a request came to a listener: whose address it is, and whether it came over TLS. */
import type { IncomingMessage } from 'node:http'
import { addressSet, clientAddress } from '../services/address.ts'

/** What a request's handler may know of the way it came. */
export interface Hop {
  /** The client's address, after trusted proxies. */
  readonly address: string
  /** The socket's other end. */
  readonly peerAddress: string
  /** Whether the client speaks TLS, to this listener or to what stands in front of it. */
  readonly isSecure: boolean
}

/** What of a listener's settings decides that. */
export interface HopOptions {
  readonly tls?: unknown
  readonly trustedProxies?: readonly string[] | undefined
  readonly behindTls?: boolean
}

/** Reads the way of each request that comes to a listener with these settings. */
export class Hops {
  readonly #isSecure: boolean
  readonly #trusted: ReturnType<typeof addressSet>

  constructor({ tls, trustedProxies, behindTls = false }: HopOptions) {
    this.#isSecure = tls !== undefined || behindTls
    this.#trusted = addressSet(trustedProxies)
  }

  of({ socket, headers }: IncomingMessage): Hop {
    const peerAddress = socket.remoteAddress ?? ''
    const forwarded = headers['x-forwarded-for']
    const forwardedFor = Array.isArray(forwarded) ? forwarded.join(',') : forwarded
    return { address: clientAddress(peerAddress, forwardedFor, this.#trusted), peerAddress, isSecure: this.#isSecure }
  }
}
