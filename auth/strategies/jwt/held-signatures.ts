/**
 * Tokens whose signature has held, so that a page that connects again does not cost another verification. Remembered as
 * digests, with the key they held under: whoever comes has that key looked up first, and a key that has left its set, or
 * was fetched anew, takes what it vouched for along. Time and claims are judged each time, elsewhere.
 */
import { hash } from 'node:crypto'
import type { JWK } from 'jose'

/** Of each key; the oldest goes first. 44 characters each. */
const MOST = 10_000

export class HeldSignatures {
  readonly #most: number
  readonly #byKey = new WeakMap<JWK, Set<string>>()

  constructor(most: number = MOST) {
    this.#most = most
  }

  /** Whether these very bytes were verified with this key and algorithm. */
  has(token: string, key: JWK, algorithm: string): boolean {
    return this.#byKey.get(key)?.has(nameOf(token, algorithm)) === true
  }

  /** The token's signature has held. */
  add(token: string, key: JWK, algorithm: string): void {
    const held = this.#byKey.get(key) ?? new Set()
    this.#byKey.set(key, held)
    held.add(nameOf(token, algorithm))
    if (held.size <= this.#most) return
    for (const oldest of held) {
      held.delete(oldest)
      break
    }
  }
}

function nameOf(token: string, algorithm: string): string {
  return hash('sha256', `${algorithm} ${token}`, 'base64')
}
