/**
 * What this process knows of logins without asking the store: which have ended, and which identity came from which. It is
 * asked between the proof and the admission, and it keeps a store that brings an ended login back from being believed.
 */
import type { Identity } from '../../../auth/index.ts'

/** Shared by all identities that one login ever had. */
interface Authority {
  isLost: boolean
}

/** Logins that were seen lately. */
const MOST_SEEN = 10_000
/** Those that have ended are remembered until they would have ended by themselves; beyond so many the oldest is forgotten. */
const MOST_ENDED = 100_000

export class LoginAuthority {
  readonly #byIdentity = new WeakMap<Identity, Authority>()
  readonly #byHash = new Map<string, Authority>()
  readonly #ended = new Map<string, number>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** This identity was found in that login. */
  found(hash: string, identity: Identity): void {
    const authority = this.#byHash.get(hash) ?? { isLost: this.#ended.has(hash) }
    this.#byHash.delete(hash)
    this.#byHash.set(hash, authority)
    this.#byIdentity.set(identity, authority)
    const [oldest] = this.#byHash.keys()
    if (this.#byHash.size > MOST_SEEN && oldest !== undefined) this.#byHash.delete(oldest)
  }

  /** What was proven with `before` holds as long as `hash`. */
  continued(hash: string, before: string): void {
    const authority = this.#byHash.get(before)
    if (authority === undefined) return
    this.#byHash.delete(before)
    this.#byHash.set(hash, authority)
  }

  /** @param untilMs when it would have ended by itself */
  ended(hash: string, untilMs: number): void {
    const authority = this.#byHash.get(hash)
    if (authority !== undefined) authority.isLost = true
    this.#ended.set(hash, untilMs)
    const nowMs = this.#nowMs()
    for (const [old, oldUntilMs] of this.#ended) {
      if (oldUntilMs > nowMs && this.#ended.size <= MOST_ENDED) break
      this.#ended.delete(old)
    }
  }

  hasEnded(hash: string): boolean {
    return this.#ended.has(hash)
  }

  holds(identity: Identity): boolean {
    return this.#byIdentity.get(identity)?.isLost !== true
  }
}
