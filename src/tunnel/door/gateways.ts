/**
 * The gateways that have connections at the door, as their certificates name them. All connections of one process count as one
 * gateway: where one of them does not answer, the others are doubted, too.
 */
import type { X509Certificate } from 'node:crypto'
import { carriesName } from '../../config/files/certificate-names.ts'

/** Who a gateway is: its certificate and its address. */
export class KnownGateway {
  /** The names that the door knows and the certificate carries. */
  readonly names: readonly string[]
  readonly address: string
  readonly #expiresMs: number
  /** Connections of its that are open, parked or given. */
  openCount = 0
  /** One of them did not answer in time, and none has since. */
  isDoubted = false

  constructor(names: readonly string[], address: string, expiresMs: number) {
    this.names = names
    this.address = address
    this.#expiresMs = expiresMs
  }

  /** For people. */
  get name(): string {
    return this.names[0] ?? ''
  }

  get hasExpired(): boolean {
    return Date.now() >= this.#expiresMs
  }
}

export class Gateways {
  readonly #known = new Map<string, KnownGateway>()
  /** Names that mean something here; absent: whatever a certificate calls itself. */
  #names: readonly string[] | undefined

  constructor(names: readonly string[] | undefined) {
    this.#names = names
  }

  /** Who connects from now on; whoever is here has to come again. */
  follow(names: readonly string[] | undefined): void {
    this.#names = names
    this.#known.clear()
  }

  get count(): number {
    return this.#known.size
  }

  /** The gateway with this certificate; undefined where none of its names may connect. */
  of(certificate: X509Certificate, address: string): KnownGateway | undefined {
    const key = `${certificate.fingerprint256} ${address}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const names = this.#names?.filter((name) => carriesName(certificate, name)) ?? [commonName(certificate)]
    if (names.length === 0) return undefined
    const gateway = new KnownGateway(names, address, Date.parse(certificate.validTo))
    this.#known.set(key, gateway)
    return gateway
  }

  /** Forgets it, where no connection of its is left. */
  forget(gateway: KnownGateway): void {
    for (const [key, one] of this.#known) if (one === gateway && gateway.openCount === 0) this.#known.delete(key)
  }
}

/** What a certificate calls itself, for people alone: nothing is decided by it. */
function commonName(certificate: X509Certificate): string {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? certificate.fingerprint256
}
