/**
 * Proves an identity by a one-time ticket: `?ticket=` exactly once in the query, or the HttpOnly cookie that
 * `POST /auth/ticket?as=cookie` set. The identity is the one the ticket was issued for, with its expiry, and renewal
 * stays with the authenticator that proved it first.
 */
import type { AuthenticationRequest, Authenticator, Outcome, Requirement } from '../../authenticator.ts'
import { AuthenticationRefused, StateUnavailable } from '../../errors.ts'
import type { Identity } from '../../identity.ts'
import type { RevokedKeys, Taken, TicketBinding, TicketLimits, Tickets } from '../../state/tickets.ts'
import { cookieValues, queryValues } from '../carriers.ts'
import { type CookieScope, cookieName, setCookie } from '../oidc/cookie.ts'
import { authenticatorOf } from '../strategy.ts'

const LIMITS: TicketLimits = { ttlSeconds: 30, ticketCount: 10_000, perIdentityCount: 32 }

export interface TicketOptions extends Partial<TicketLimits> {
  readonly name: string
  /** Where they are kept; shared with whoever had this name before. */
  readonly tickets: Tickets
  /** What stands before the paths of services where browsers see them; absent: nothing. */
  readonly basePath?: string | undefined
}

/** The ticket authenticator, which also issues them. */
export interface TicketAuthenticator extends Authenticator {
  readonly type: 'ticket'
  /**
   * Issues a ticket for one service, and for one Origin if there is one.
   * @throws AuthenticationRefused 'throttled' when too many are outstanding
   */
  issue(identity: Identity, binding: TicketBinding): Promise<IssuedTicket>
  /** `Set-Cookie` for a ticket that the next upgrade of this service takes by itself. [RFC 6265 §4.1] */
  cookie(issued: IssuedTicket, of: CookieRequest): string
  /** Ends tickets: in this process at once, everywhere when it resolves. */
  revoke(keys: RevokedKeys): Promise<void>
}

/** By which a ticket's cookie is known. */
type CookieRequest = Pick<AuthenticationRequest, 'service' | 'isSecure'>

export interface IssuedTicket {
  readonly ticket: string
  readonly expiresInSeconds: number
}

export function ticketAuthenticator({ name, tickets, basePath = '', ...options }: TicketOptions): TicketAuthenticator {
  const limits: TicketLimits = { ...LIMITS, ...options }
  const { ttlSeconds } = limits
  return {
    ...authenticatorOf({ name, type: 'ticket' }, async (request) =>
      prove(tickets, request, cookieScope(basePath, request)),
    ),
    type: 'ticket',
    async issue(identity, binding) {
      const ticket = await tickets.issue(identity, binding, limits)
      if (ticket !== undefined) return { ticket, expiresInSeconds: ttlSeconds }
      throw new AuthenticationRefused('throttled', 'too many tickets are outstanding', {
        retryAfterSeconds: ttlSeconds,
      })
    },
    cookie: (issued, of) => setCookie(cookieScope(basePath, of), issued.ticket, issued.expiresInSeconds),
    revoke: (keys) => tickets.revoke(keys),
  }
}

/** The first ticket authenticator of a requirement, if it takes tickets. */
export function ticketAuthenticatorOf(requirement: Requirement): TicketAuthenticator | undefined {
  return requirement.flatMap((entry) => ('all' in entry ? entry.all : [entry])).find(isTicketAuthenticator)
}

/** What `POST /auth/ticket` accepts: every entry of the requirement that needs no ticket itself. */
export function withoutTickets(requirement: Requirement): Requirement {
  return requirement.filter((entry) => !('all' in entry ? entry.all : [entry]).some(isTicketAuthenticator))
}

/** Tells those that hand out tickets from the others. */
export function isTicketAuthenticator(authenticator: Authenticator): authenticator is TicketAuthenticator {
  return authenticator.type === 'ticket' && 'issue' in authenticator
}

/** The same for whoever sets it and for whoever reads it: over TLS no cookie without the prefix is looked at. */
function cookieScope(basePath: string, { service, isSecure: secure }: CookieRequest): CookieScope {
  const name = cookieName({ label: 'gatehouse-ticket', path: `${basePath}${service}`, secure })
  return { name, secure, sameSite: 'Strict' }
}

async function prove(tickets: Tickets, request: AuthenticationRequest, { name }: CookieScope): Promise<Outcome> {
  const [explicit, ambient] = await Promise.all([
    take(tickets, queryValues(request.http, 'ticket'), request),
    take(tickets, cookieValues(request.http, name), request, name),
  ])
  if (explicit.kind === 'refused' || ambient.kind === 'absent') return explicit
  if (explicit.kind === 'absent' || ambient.kind === 'refused') return explicit.kind === 'absent' ? ambient : explicit
  if (ambient.kind === 'proven' && ambient.identity.subject !== explicit.identity.subject) {
    return { kind: 'refused', detail: 'two tickets of different subjects' }
  }
  return explicit
}

async function take(
  tickets: Tickets,
  values: readonly string[],
  request: AuthenticationRequest,
  cookie?: string,
): Promise<Outcome> {
  const [ticket] = values
  if (ticket === undefined) return { kind: 'absent' }
  const fromCookie = cookie !== undefined
  const carrier = fromCookie ? `cookie:${cookie}` : 'query:ticket'
  if (values.length > 1)
    return { kind: 'refused', detail: 'more than one ticket', malformed: true, ambient: fromCookie, carrier }
  let taken: Taken
  try {
    taken = await tickets.take(ticket, request)
  } catch (cause) {
    if (!(cause instanceof StateUnavailable)) throw cause
    return { kind: 'refused', detail: cause.message, cause, ambient: fromCookie, carrier }
  }
  if ('detail' in taken) return { kind: 'refused', detail: taken.detail, ambient: fromCookie, carrier }
  return { kind: 'proven', identity: { ...taken.identity, fromCookie }, carrier }
}
