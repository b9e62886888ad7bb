/**
 * Logins under way, sealed with a key that all replicas have: the browser keeps them, and whichever replica it returns to
 * reads them. Nothing of them is in the store.
 */
import { PENDING_SECONDS, type PendingLogin, type PendingLogins } from '../../auth/index.ts'
import type { Sealer } from './sealing.ts'

const KIND = 'pending login'

interface Sealed extends PendingLogin {
  readonly endsAtMs: number
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

  async seal({ state, nonce, verifier, returnTo }: PendingLogin): Promise<string> {
    const endsAtMs = this.#nowMs() + PENDING_SECONDS * 1000
    const plain: Sealed = { state, nonce, verifier, returnTo, endsAtMs }
    return this.#sealer.seal(JSON.stringify(plain), { kind: KIND, name: this.#scope })
  }

  async open(sealed: string): Promise<PendingLogin | undefined> {
    const text = this.#sealer.open(sealed, { kind: KIND, name: this.#scope })
    if (text === undefined) return undefined
    const { endsAtMs, ...pending } = JSON.parse(text) as Sealed
    return endsAtMs > this.#nowMs() ? pending : undefined
  }
}
