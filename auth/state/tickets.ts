/**
 * One-time tickets, as those see them who issue and take them. Whatever keeps them knows their hashes only, and they are
 * taken once in all, however many processes there are.
 */
import type { Identity } from '../identity.ts'

/** What a ticket is good for. */
export interface TicketBinding {
  readonly service: string
  /** The POST's Origin; absent: any. */
  readonly origin: string | undefined
}

/** Of the authenticator that issues; they may differ from one ticket to the next. */
export interface TicketLimits {
  readonly ttlSeconds: number
  /** Of all people together; one more is not issued. */
  readonly ticketCount: number
  /** Of one person; one more ends that person's oldest. */
  readonly perIdentityCount: number
}

/** What taking a ticket gave. `detail` is for operators. */
export type Taken = { readonly identity: Identity } | { readonly detail: string }

/** People (`identityKey`) and login sessions that lost their authority. */
export interface RevokedKeys {
  readonly identities?: readonly string[]
  readonly sessions?: readonly string[]
}

/** All functions reject where the tickets cannot be reached; then nobody has got one, and nobody has got in. */
export interface Tickets {
  /**
   * A fresh ticket of 256 random bits in base64url, or undefined when there are too many. It lives as long as was said
   * when it was issued, whatever is said later.
   */
  issue(identity: Identity, binding: TicketBinding, limits: TicketLimits): Promise<string | undefined>
  /** Takes a ticket: it is gone afterwards, even when it was meant for another service or Origin. */
  take(ticket: string, binding: TicketBinding): Promise<Taken>
  /** Ends tickets: for whoever takes one in this process at once, for all when it resolves. */
  revoke(keys: RevokedKeys): Promise<void>
}
