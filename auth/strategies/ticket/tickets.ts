/**
 * One-time tickets: what a page fetches with its real credential, because a browser cannot set headers on a WebSocket.
 * A ticket carries an identity for one service, and for one Origin if it was asked for from one. It is taken once,
 * whatever the outcome; only its hash is kept.
 */
import { createHash, randomBytes } from 'node:crypto'
import { type Identity, identityKey, identityKeys, sessionKeys } from '../../identity.ts'

const TICKET_BYTES = 32
const TICKET = /^[A-Za-z0-9_-]{43}$/

/** What a ticket is good for. */
export interface TicketBinding {
  readonly service: string
  /** The POST's Origin; absent: any. */
  readonly origin: string | undefined
}

export interface TicketLimits {
  readonly ttlSeconds: number
  /** Of all people together; one more is not issued. */
  readonly ticketCount: number
  /** Of one person; one more ends that person's oldest. */
  readonly perIdentityCount: number
}

const TICKET_LIMITS: TicketLimits = { ttlSeconds: 30, ticketCount: 10_000, perIdentityCount: 32 }

interface Entry extends TicketBinding {
  readonly identity: Identity
  readonly endsAtMs: number
}

/** What taking a ticket gave. `detail` is for operators. */
export type Taken = { readonly identity: Identity } | { readonly detail: string }

export class TicketStore {
  readonly #limits: TicketLimits
  readonly #now: () => number
  /** In the order of issue, which is the order of expiry. */
  readonly #entries = new Map<string, Entry>()
  readonly #byIdentity = new Map<string, Set<string>>()

  /** `now` gives ms that never go back. */
  constructor(limits: Partial<TicketLimits> = {}, now: () => number = () => performance.now()) {
    this.#limits = { ...TICKET_LIMITS, ...limits }
    this.#now = now
  }

  get size(): number {
    return this.#entries.size
  }

  get ttlSeconds(): number {
    return this.#limits.ttlSeconds
  }

  /** A fresh ticket of 256 random bits in base64url, or undefined when there are too many. */
  issue(identity: Identity, binding: TicketBinding): string | undefined {
    this.#dropExpired()
    const owned = this.#byIdentity.get(identityKey(identity))
    const [oldest] = owned !== undefined && owned.size >= this.#limits.perIdentityCount ? owned : []
    if (oldest !== undefined) this.#remove(oldest)
    if (this.#entries.size >= this.#limits.ticketCount) return undefined
    const ticket = randomBytes(TICKET_BYTES).toString('base64url')
    const { service, origin } = binding
    this.#add(digest(ticket), { identity, service, origin, endsAtMs: this.#now() + this.#limits.ttlSeconds * 1000 })
    return ticket
  }

  /** Takes a ticket: it is gone afterwards, even when it was meant for another service or Origin. */
  take(ticket: string, { service, origin }: TicketBinding): Taken {
    if (!TICKET.test(ticket)) return { detail: 'not of a ticket’s form' }
    const entry = this.#remove(digest(ticket))
    if (entry === undefined || entry.endsAtMs <= this.#now()) return { detail: 'unknown, used or expired ticket' }
    if (entry.service !== service) return { detail: `a ticket for ${entry.service}` }
    if (entry.origin !== undefined && entry.origin !== origin) return { detail: 'a ticket for another Origin' }
    return { identity: entry.identity }
  }

  /** Ends the tickets of people (`identityKey`) or login sessions that lost their authority. */
  revoke(keys: { readonly identities?: readonly string[]; readonly sessions?: readonly string[] }): void {
    const identities = new Set(keys.identities)
    const sessions = new Set(keys.sessions)
    for (const [hash, { identity }] of this.#entries) {
      const lost =
        identityKeys(identity).some((key) => identities.has(key)) ||
        sessionKeys(identity).some((key) => sessions.has(key))
      if (lost) this.#remove(hash)
    }
  }

  clear(): void {
    this.#entries.clear()
    this.#byIdentity.clear()
  }

  #dropExpired(): void {
    const now = this.#now()
    for (const [hash, { endsAtMs }] of this.#entries) {
      if (endsAtMs > now) return
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
