/** What authenticators remember, shared by all replicas: in the store, or sealed in the browser. */
import type { AuthState, RevokedKeys } from '../../auth/index.ts'
import { SharedAttempts } from './attempts.ts'
import type { StoreKeys } from './keys.ts'
import { type EndedUntil, SharedLogins } from './logins/logins.ts'
import { SealedPendingLogins } from './pending-logins.ts'
import { RevokedMarks } from './revoked-marks.ts'
import type { Sealer } from './sealing.ts'
import type { Store } from './store.ts'
import { TakenTickets } from './taken-tickets.ts'
import { SharedTickets } from './tickets.ts'

export interface SharedStateOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly keys: StoreKeys
  /** How many replicas there are, as far as is known here. */
  readonly replicaCount: () => number
  /** Called when something is decided without the store. */
  readonly fallenBack: (kind: 'attempts') => void
  /** Called with logins that no gateway may believe any more. */
  readonly loginsEnded?: (scope: string, logins: EndedUntil) => void
  /** Called with the name of each ticket that was taken here, and until when it could be taken again. */
  readonly ticketTaken?: (name: string, untilMs: number) => void
  /** Ms since the epoch. */
  readonly nowMs?: () => number
}

export class SharedState implements AuthState {
  readonly #tickets: ByScope<SharedTickets>
  readonly #attempts: ByScope<SharedAttempts>
  readonly #logins: ByScope<SharedLogins>
  readonly #pendingLogins: ByScope<SealedPendingLogins>
  /** Of all scopes: an authenticator that left and is back has missed nothing. */
  readonly #marks = new RevokedMarks()
  readonly #taken: TakenTickets

  constructor({
    store,
    sealer,
    keys,
    replicaCount,
    fallenBack,
    loginsEnded = () => undefined,
    ticketTaken = () => undefined,
    nowMs = () => Date.now(),
  }: SharedStateOptions) {
    const taken = new TakenTickets(nowMs)
    this.#taken = taken
    const ofTickets = { store, sealer, marks: this.#marks, taken, told: ticketTaken, nowMs }
    this.#tickets = new ByScope((scope) => {
      return new SharedTickets({ ...ofTickets, scope, keys: keys.scoped('t', scope) })
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
      const ended = (logins: EndedUntil) => loginsEnded(scope, logins)
      return new SharedLogins({ store, sealer, scope, keys: keys.scoped('l', scope), nowMs, ended })
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

  /** People and login sessions have lost their authority at another gateway, at that time: tickets from before are no good. */
  revokedElsewhere(keys: RevokedKeys, atMs: number): void {
    this.#marks.add(keys, atMs)
  }

  /** Another gateway has taken a ticket: whatever the store says, it is used. */
  ticketTakenElsewhere(name: string, untilMs: number): void {
    this.#taken.add(name, untilMs)
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
