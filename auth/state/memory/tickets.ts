/** Tickets in the memory of this process. */
import { createHash, randomBytes } from 'node:crypto'
import { type Identity, identityKey, identityKeys, sessionKeys } from '../../identity.ts'
import type { RevokedKeys, Taken, TicketBinding, TicketLimits, Tickets } from '../tickets.ts'

const TICKET_BYTES = 32
const TICKET = /^[A-Za-z0-9_-]{43}$/

interface Entry extends TicketBinding {
  readonly identity: Identity
  readonly endsAtMs: number
}

export class MemoryTickets implements Tickets {
  readonly #monotonicMs: () => number
  /** In the order of issue, which is the order of expiry as long as all are issued for the same time. */
  readonly #entries = new Map<string, Entry>()
  readonly #byIdentity = new Map<string, Set<string>>()

  /** `monotonicMs` gives ms that never go back. */
  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  async issue(identity: Identity, { service, origin }: TicketBinding, limits: TicketLimits) {
    this.#dropExpired(this.#entries.size >= limits.ticketCount)
    this.#dropOldest(this.#byIdentity.get(identityKey(identity)), limits.perIdentityCount)
    if (this.#entries.size >= limits.ticketCount) return undefined
    const ticket = randomBytes(TICKET_BYTES).toString('base64url')
    const endsAtMs = this.#monotonicMs() + limits.ttlSeconds * 1000
    this.#add(digest(ticket), { identity, service, origin, endsAtMs })
    return ticket
  }

  async take(ticket: string, { service, origin }: TicketBinding): Promise<Taken> {
    if (!TICKET.test(ticket)) return { detail: 'not of a ticket’s form' }
    const entry = this.#remove(digest(ticket))
    if (entry === undefined || entry.endsAtMs <= this.#monotonicMs()) {
      return { detail: 'unknown, used or expired ticket' }
    }
    if (entry.service !== service) return { detail: `a ticket for ${entry.service}` }
    if (entry.origin !== undefined && entry.origin !== origin) return { detail: 'a ticket for another Origin' }
    return { identity: entry.identity }
  }

  async revoke(keys: RevokedKeys): Promise<void> {
    const identities = new Set(keys.identities)
    const sessions = new Set(keys.sessions)
    for (const [hash, { identity }] of this.#entries) {
      const lost =
        identityKeys(identity).some((key) => identities.has(key)) ||
        sessionKeys(identity).some((key) => sessions.has(key))
      if (lost) this.#remove(hash)
    }
  }

  /** Those at the front; where room is short, also those that were issued for less time than one before them. */
  #dropExpired(roomIsShort: boolean): void {
    const now = this.#monotonicMs()
    for (const [hash, { endsAtMs }] of this.#entries) {
      if (endsAtMs <= now) this.#remove(hash)
      else if (!roomIsShort) return
    }
  }

  /** Until there is room for one more. */
  #dropOldest(owned: ReadonlySet<string> = new Set(), most: number): void {
    for (const hash of owned) {
      if (owned.size < most) return
      this.#remove(hash)
    }
  }

  #add(hash: string, entry: Entry): void {
    this.#entries.set(hash, entry)
    const key = identityKey(entry.identity)
    const owned = this.#byIdentity.get(key) ?? new Set()
    this.#byIdentity.set(key, owned.add(hash))
  }

  #remove(hash: string): Entry | undefined {
    const entry = this.#entries.get(hash)
    if (entry === undefined) return undefined
    this.#entries.delete(hash)
    const key = identityKey(entry.identity)
    const owned = this.#byIdentity.get(key)
    owned?.delete(hash)
    if (owned?.size === 0) this.#byIdentity.delete(key)
    return entry
  }
}

function digest(ticket: string): string {
  return createHash('sha256').update(ticket).digest('base64url')
}
