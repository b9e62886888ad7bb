/**
 * Logins under way, sealed with a key that all replicas have: the browser keeps them, and whichever replica it returns to
 * reads them. Nothing of them is in the store.
 */
import { KEPT_SECONDS, type PendingDevice, type PendingLogin, type PendingLogins } from '../../auth/index.ts'
import type { Sealer } from './sealing.ts'

type Kind = 'pending login' | 'pending device'

interface Sealed<T> {
  readonly pending: T
  /** From then on it is not even read. */
  readonly keptUntilMs: number
}

export class SealedPendingLogins implements PendingLogins {
  readonly #sealer: Sealer
  readonly #scope: string
  readonly #nowMs: () => number

  /** @param scope logins of one scope are none of another */
  constructor(sealer: Sealer, scope: string, nowMs: () => number) {
    this.#sealer = sealer
    this.#scope = scope
    this.#nowMs = nowMs
  }

  async seal(pending: PendingLogin): Promise<string> {
    return this.#seal('pending login', pending)
  }

  async open(sealed: string): Promise<PendingLogin | undefined> {
    return this.#open<PendingLogin>('pending login', sealed)
  }

  async sealDevice(pending: PendingDevice): Promise<string> {
    return this.#seal('pending device', pending)
  }

  async openDevice(sealed: string): Promise<PendingDevice | undefined> {
    return this.#open<PendingDevice>('pending device', sealed)
  }

  #seal<T>(kind: Kind, pending: T): string {
    const plain: Sealed<T> = { pending, keptUntilMs: this.#nowMs() + KEPT_SECONDS * 1000 }
    return this.#sealer.seal(JSON.stringify(plain), { kind, name: this.#scope })
  }

  #open<T>(kind: Kind, sealed: string): T | undefined {
    const text = this.#sealer.open(sealed, { kind, name: this.#scope })
    if (text === undefined) return undefined
    const { pending, keptUntilMs } = JSON.parse(text) as Sealed<T>
    return keptUntilMs > this.#nowMs() ? pending : undefined
  }
}
