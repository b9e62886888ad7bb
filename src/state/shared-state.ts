/** What authenticators remember, shared by all replicas: in the store, or sealed in the browser. */
import type { AuthState } from '../../auth/index.ts'
import { SharedAttempts } from './attempts.ts'
import type { StoreKeys } from './keys.ts'
import { SharedLogins } from './logins.ts'
import { SealedPendingLogins } from './pending-logins.ts'
import { RevokedMarks } from './revoked-marks.ts'
import type { Sealer } from './sealing.ts'
import type { Store } from './store.ts'
import { SharedTickets } from './tickets.ts'

export interface SharedStateOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly keys: StoreKeys
  /** How many replicas there are, as far as is known here. */
  readonly replicaCount: () => number
  /** Called when something is decided without the store. */
  readonly fallenBack: (kind: 'attempts') => void
  /** Ms since the epoch. */
  readonly nowMs?: () => number
}

export class SharedState implements AuthState {
  readonly #tickets: ByScope<SharedTickets>
  readonly #attempts: ByScope<SharedAttempts>
  readonly #logins: ByScope<SharedLogins>
  readonly #pendingLogins: ByScope<SealedPendingLogins>

  constructor({ store, sealer, keys, replicaCount, fallenBack, nowMs = () => Date.now() }: SharedStateOptions) {
    // Of all scopes: an authenticator that left and is back has missed nothing.
    const marks = new RevokedMarks()
    this.#tickets = new ByScope((scope) => {
      return new SharedTickets({ store, sealer, scope, keys: keys.scoped('t', scope), marks, nowMs })
    })
    this.#attempts = new ByScope((scope) => {
      const fallen = () => fallenBack('attempts')
      return new SharedAttempts({
        store,
        sealer,
        scope,
        keys: keys.scoped('a', scope),
        replicaCount,
        fallenBack: fallen,
      })
    })
    this.#logins = new ByScope((scope) => {
      return new SharedLogins({ store, sealer, scope, keys: keys.scoped('l', scope), nowMs })
    })
    this.#pendingLogins = new ByScope((scope) => new SealedPendingLogins(sealer, scope, nowMs))
  }

  tickets(scope: string): SharedTickets {
    return this.#tickets.of(scope)
  }

  attempts(scope: string): SharedAttempts {
    return this.#attempts.of(scope)
  }

  logins(scope: string): SharedLogins {
    return this.#logins.of(scope)
  }

  pendingLogins(scope: string): SealedPendingLogins {
    return this.#pendingLogins.of(scope)
  }

  /** In the store everything stays: other replicas may have another configuration for a while. */
  keepOnly(scopes: ReadonlySet<string>): void {
    for (const kind of [this.#tickets, this.#attempts, this.#logins, this.#pendingLogins]) kind.keepOnly(scopes)
  }
}

/** One of a kind for each scope, made when it is first asked for. */
class ByScope<T> {
  readonly #make: (scope: string) => T
  readonly #made = new Map<string, T>()

  constructor(make: (scope: string) => T) {
    this.#make = make
  }

  of(scope: string): T {
    const found = this.#made.get(scope) ?? this.#make(scope)
    this.#made.set(scope, found)
    return found
  }

  keepOnly(scopes: ReadonlySet<string>): void {
    for (const scope of this.#made.keys()) if (!scopes.has(scope)) this.#made.delete(scope)
  }
}
