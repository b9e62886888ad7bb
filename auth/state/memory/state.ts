/** State in the memory of this process, and gone with it. */
import type { Login } from '../logins.ts'
import type { AuthState } from '../state.ts'
import { MemoryAttempts } from './attempts.ts'
import { MemoryLogins } from './logins.ts'
import { MemoryPendingLogins } from './pending-logins.ts'
import { MemoryTickets } from './tickets.ts'

export interface Clocks {
  /** Ms that never go back. */
  readonly monotonicMs: () => number
  /** Ms since the epoch. */
  readonly nowMs: () => number
}

export class MemoryState implements AuthState {
  readonly #tickets: Scoped<MemoryTickets>
  readonly #attempts = new Scoped(() => new MemoryAttempts())
  readonly #logins: Scoped<MemoryLogins>
  readonly #pendingLogins = new Scoped(() => new MemoryPendingLogins())

  /** @param loginEnded called with each login that nobody may believe any more */
  constructor(
    { monotonicMs, nowMs }: Clocks = { monotonicMs: () => performance.now(), nowMs: Date.now },
    loginEnded: (scope: string, login: Login) => void = () => undefined,
  ) {
    this.#tickets = new Scoped(() => new MemoryTickets(monotonicMs))
    this.#logins = new Scoped((scope) => new MemoryLogins(nowMs, (login) => loginEnded(scope, login)))
  }

  tickets(scope: string): MemoryTickets {
    return this.#tickets.of(scope)
  }

  attempts(scope: string): MemoryAttempts {
    return this.#attempts.of(scope)
  }

  logins(scope: string): MemoryLogins {
    return this.#logins.of(scope)
  }

  pendingLogins(scope: string): MemoryPendingLogins {
    return this.#pendingLogins.of(scope)
  }

  keepOnly(scopes: ReadonlySet<string>): void {
    for (const kind of [this.#tickets, this.#attempts, this.#logins, this.#pendingLogins]) kind.keepOnly(scopes)
  }
}

/** One of a kind for each scope, made when it is first asked for. */
class Scoped<T> {
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
