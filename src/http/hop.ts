/** The way that a request came to a listener: whose address it is, and whether it came over TLS. */
import type { IncomingMessage } from 'node:http'
import { addressSet, canonicalAddress, clientAddress } from '../services/address.ts'

/** What a request's handler may know of the way it came. */
export interface Hop {
  /** The client's address, after trusted proxies. */
  readonly address: string
  /** The connection's other end: of the socket, or as a PROXY protocol header announced it. */
  readonly peerAddress: string
  /** Whether the client speaks TLS, to this listener or to what stands in front of it. */
  readonly isSecure: boolean
}

/** What of a listener's settings decides that. */
export interface HopOptions {
  readonly trustedProxies?: readonly string[] | undefined
  readonly behindTls?: boolean
  readonly proxyProtocol?: boolean
}

/** Reads the way of each request that comes to a listener with these settings. */
export class Hops {
  readonly #isBehindTls: boolean
  readonly #trusted: ReturnType<typeof addressSet>
  readonly #isProxied: boolean

  constructor({ trustedProxies, behindTls = false, proxyProtocol = false }: HopOptions) {
    this.#isProxied = proxyProtocol
    this.#isBehindTls = behindTls
    this.#trusted = addressSet(trustedProxies)
  }

  /** @param announced the address that a PROXY protocol header gave for the connection */
  of({ socket, headers }: IncomingMessage, announced?: string): Hop {
    const peerAddress = announced ?? socket.remoteAddress ?? ''
    // By the connection: it may be older than the settings.
    const isSecure = this.#isBehindTls || 'encrypted' in socket
    // The header has said it; X-Forwarded-For would be the client's own word here.
    if (announced !== undefined || this.#isProxied) {
      return { address: canonicalAddress(peerAddress) ?? peerAddress, peerAddress, isSecure }
    }
    const forwarded = headers['x-forwarded-for']
    const forwardedFor = Array.isArray(forwarded) ? forwarded.join(',') : forwarded
    return { address: clientAddress(peerAddress, forwardedFor, this.#trusted), peerAddress, isSecure }
  }
}
