/** What clients may want of a door: a host name, the gateways that serve it, and who waits for whom. */
import type { TLSSocket } from 'node:tls'
import type { KnownGateway } from './gateways.ts'
import type { Parked } from './parked.ts'

/** All connections of a gateway may be given away at once; it brings others at once, too. */
const GRACE_MS = 1_000

/** A client that waits. */
export interface Waiter {
  /** It has this connection from now on. */
  given(socket: TLSSocket, gateway: KnownGateway): void
}

export class Site {
  /** As clients name it; `*` where there are no sites. */
  readonly name: string
  /** Gateways that serve it; absent: all. */
  readonly #to: ReadonlySet<string> | undefined
  /** The oldest first. */
  readonly #idle = new Set<Parked>()
  readonly #asked = new Set<Parked>()
  readonly waiting = new Set<Waiter>()
  #leftMs = Number.NEGATIVE_INFINITY

  constructor(name: string, to?: readonly string[]) {
    this.name = name
    this.#to = to === undefined ? undefined : new Set(to)
  }

  isServedBy({ names }: KnownGateway): boolean {
    return this.#to === undefined || names.some((name) => this.#to?.has(name))
  }

  /** Connections that were alive when they were asked last. */
  get idle(): ReadonlySet<Parked> {
    return this.#idle
  }

  /** Connections that somebody waits for. */
  get askedCount(): number {
    return this.#asked.size
  }

  /** Connections of one gateway. */
  of(gateway: KnownGateway): Parked[] {
    return [...this.#asked, ...this.#idle].filter((parked) => parked.gateway === gateway)
  }

  get spareCount(): number {
    return this.#idle.size + this.#asked.size
  }

  /** Whether a client that came now would be served. */
  get isReady(): boolean {
    return this.spareCount > 0 || performance.now() - this.#leftMs < GRACE_MS
  }

  /** It is alive. */
  add(parked: Parked): void {
    this.#asked.delete(parked)
    this.#idle.add(parked)
  }

  /** It is being asked for a client. */
  ask(parked: Parked): void {
    this.#idle.delete(parked)
    this.#asked.add(parked)
  }

  remove(parked: Parked): void {
    const was = this.#idle.delete(parked) || this.#asked.delete(parked)
    if (was && this.spareCount === 0) this.#leftMs = performance.now()
  }
}
