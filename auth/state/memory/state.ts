/** State in the memory of this process, and gone with it. */
import type { AuthState } from '../state.ts'
import { MemoryTickets } from './tickets.ts'

export interface Clocks {
  /** Ms that never go back. */
  readonly monotonicMs: () => number
}

export class MemoryState implements AuthState {
  readonly #tickets: Scoped<MemoryTickets>

  constructor({ monotonicMs }: Clocks = { monotonicMs: () => performance.now() }) {
    this.#tickets = new Scoped(() => new MemoryTickets(monotonicMs))
  }

  tickets(scope: string): MemoryTickets {
    return this.#tickets.of(scope)
  }

  keepOnly(scopes: ReadonlySet<string>): void {
    this.#tickets.keepOnly(scopes)
  }
}

/** One of a kind for each scope, made when it is first asked for. */
class Scoped<T> {
  readonly #make: () => T
  readonly #made = new Map<string, T>()

  constructor(make: () => T) {
    this.#make = make
  }

  of(scope: string): T {
    const found = this.#made.get(scope) ?? this.#make()
    this.#made.set(scope, found)
    return found
  }

  keepOnly(scopes: ReadonlySet<string>): void {
    for (const scope of this.#made.keys()) if (!scopes.has(scope)) this.#made.delete(scope)
  }
}
