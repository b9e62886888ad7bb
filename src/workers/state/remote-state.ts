/** What authenticators remember, in a worker: the primary keeps it, for all workers together. */
import type {
  AttemptAllowance,
  Attempts,
  AuthState,
  Identity,
  PendingDevice,
  PendingLogin,
  PendingLogins,
  RevokedKeys,
  Taken,
  TicketBinding,
  TicketLimits,
  Tickets,
} from '../../../auth/index.ts'
import { readIdentity, writtenIdentity } from '../../state/identity-text.ts'
import { RemoteLogins } from './remote-logins.ts'
import type { StateLine } from './state-line.ts'

export class RemoteState implements AuthState {
  readonly #line: StateLine
  /** They know something themselves. */
  readonly #logins = new Map<string, RemoteLogins>()

  constructor(line: StateLine) {
    this.#line = line
  }

  tickets(scope: string): Tickets {
    return new RemoteTickets(this.#line, scope)
  }

  attempts(scope: string): Attempts {
    return new RemoteAttempts(this.#line, scope)
  }

  logins(scope: string): RemoteLogins {
    const found = this.#logins.get(scope) ?? new RemoteLogins(this.#line, scope)
    this.#logins.set(scope, found)
    return found
  }

  pendingLogins(scope: string): PendingLogins {
    return new RemotePendingLogins(this.#line, scope)
  }

  /** The primary forgets for all: it has the same configuration. */
  keepOnly(scopes: ReadonlySet<string>): void {
    for (const scope of this.#logins.keys()) if (!scopes.has(scope)) this.#logins.delete(scope)
  }

  /** Tickets are taken at the primary, which knows. */
  revokedElsewhere(): void {}
}

class RemoteTickets implements Tickets {
  readonly #line: StateLine
  readonly #scope: string

  constructor(line: StateLine, scope: string) {
    this.#line = line
    this.#scope = scope
  }

  async issue(identity: Identity, binding: TicketBinding, limits: TicketLimits): Promise<string | undefined> {
    const ask = { scope: this.#scope, identity: writtenIdentity(identity), binding, limits }
    return (await this.#line.ask('tickets.issue', ask)) ?? undefined
  }

  async take(ticket: string, binding: TicketBinding): Promise<Taken> {
    const taken = await this.#line.ask('tickets.take', { scope: this.#scope, ticket, binding })
    return 'identity' in taken ? { identity: readIdentity(taken.identity) } : taken
  }

  /** Nobody takes one of them in this process from now on: the primary gets the questions in their order. */
  async revoke(keys: RevokedKeys): Promise<void> {
    await this.#line.ask('tickets.revoke', { scope: this.#scope, keys })
  }
}

class RemoteAttempts implements Attempts {
  readonly #line: StateLine
  readonly #scope: string

  constructor(line: StateLine, scope: string) {
    this.#line = line
    this.#scope = scope
  }

  async peek(user: string, address: string): Promise<AttemptAllowance> {
    return await this.#line.ask('attempts.peek', { scope: this.#scope, user, address })
  }

  async begin(user: string, address: string): Promise<AttemptAllowance> {
    return await this.#line.ask('attempts.begin', { scope: this.#scope, user, address })
  }

  async succeeded(user: string, address: string): Promise<void> {
    await this.#line.ask('attempts.succeeded', { scope: this.#scope, user, address })
  }

  async withdrawn(user: string, address: string): Promise<void> {
    await this.#line.ask('attempts.withdrawn', { scope: this.#scope, user, address })
  }
}

/** Sealed with the primary's key: a browser comes back to any worker. */
class RemotePendingLogins implements PendingLogins {
  readonly #line: StateLine
  readonly #scope: string

  constructor(line: StateLine, scope: string) {
    this.#line = line
    this.#scope = scope
  }

  async seal(pending: PendingLogin): Promise<string> {
    return await this.#line.ask('pending.seal', { scope: this.#scope, pending })
  }

  async open(sealed: string): Promise<PendingLogin | undefined> {
    return (await this.#line.ask('pending.open', { scope: this.#scope, sealed })) ?? undefined
  }

  async sealDevice(pending: PendingDevice): Promise<string> {
    return await this.#line.ask('pending.sealDevice', { scope: this.#scope, pending })
  }

  async openDevice(sealed: string): Promise<PendingDevice | undefined> {
    return (await this.#line.ask('pending.openDevice', { scope: this.#scope, sealed })) ?? undefined
  }
}
