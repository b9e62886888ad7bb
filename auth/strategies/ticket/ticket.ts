/**
 * Proves an identity by a one-time ticket: `?ticket=` exactly once in the query, or the HttpOnly cookie that
 * `POST /auth/ticket?as=cookie` set. The identity is the one the ticket was issued for, with its expiry, and renewal
 * stays with the authenticator that proved it first.
 */
import type { AuthenticationRequest, Authenticator, Outcome, Requirement } from '../../authenticator.ts'
import { AuthenticationRefused } from '../../errors.ts'
import type { Identity } from '../../identity.ts'
import { cookieValues, queryValues } from '../carriers.ts'
import { type CookieScope, cookieName, setCookie } from '../oidc/cookie.ts'
import { authenticatorOf } from '../strategy.ts'
import { type TicketLimits, TicketStore } from './tickets.ts'

export interface TicketOptions extends Partial<TicketLimits> {
  readonly name: string
}

/** The ticket authenticator, which also issues them. */
export interface TicketAuthenticator extends Authenticator {
  readonly type: 'ticket'
  /**
   * Issues a ticket for one service, and for one Origin if there is one.
   * @throws AuthenticationRefused 'throttled' when too many are outstanding
   */
  issue(identity: Identity, binding: { readonly service: string; readonly origin: string | undefined }): IssuedTicket
  /** Ends the tickets of people (`identityKey`) or login sessions that lost their authority. */
  revoke(keys: { readonly identities?: readonly string[]; readonly sessions?: readonly string[] }): void
  close(): void
}

export interface IssuedTicket {
  readonly ticket: string
  readonly expiresInSeconds: number
}

export function ticketAuthenticator({ name, ...limits }: TicketOptions): TicketAuthenticator {
  const store = new TicketStore(limits)
  return {
    ...authenticatorOf({ name, type: 'ticket' }, async (request) => prove(store, request)),
    type: 'ticket',
    issue(identity, binding) {
      const ticket = store.issue(identity, binding)
      if (ticket !== undefined) return { ticket, expiresInSeconds: store.ttlSeconds }
      throw new AuthenticationRefused('throttled', 'too many tickets are outstanding', {
        retryAfterSeconds: store.ttlSeconds,
      })
    },
    revoke: (keys) => store.revoke(keys),
    close: () => store.clear(),
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

/** `Set-Cookie` for a ticket that the next upgrade of this service takes by itself. [RFC 6265 §4.1] */
export function ticketCookie(
  issued: IssuedTicket,
  of: { readonly service: string; readonly isSecure: boolean },
): string {
  return setCookie(cookieScope(of), issued.ticket, issued.expiresInSeconds)
}

/** The same for whoever sets it and for whoever reads it: over TLS no cookie without the prefix is looked at. */
function cookieScope(of: { readonly service: string; readonly isSecure: boolean }): CookieScope {
  const secure = of.isSecure
  return { name: cookieName({ label: 'gatehouse-ticket', path: of.service, secure }), secure, sameSite: 'Strict' }
}

function prove(store: TicketStore, request: AuthenticationRequest): Outcome {
  const explicit = take(store, queryValues(request.http, 'ticket'), request)
  const { name } = cookieScope(request)
  const ambient = take(store, cookieValues(request.http, name), request, name)
  if (explicit.kind === 'refused' || ambient.kind === 'absent') return explicit
  if (explicit.kind === 'absent' || ambient.kind === 'refused') return explicit.kind === 'absent' ? ambient : explicit
  if (ambient.kind === 'proven' && ambient.identity.subject !== explicit.identity.subject) {
    return { kind: 'refused', detail: 'two tickets of different subjects' }
  }
  return explicit
}

function take(
  store: TicketStore,
  tickets: readonly string[],
  request: AuthenticationRequest,
  cookie?: string,
): Outcome {
  const [ticket] = tickets
  if (ticket === undefined) return { kind: 'absent' }
  const fromCookie = cookie !== undefined
  const carrier = fromCookie ? `cookie:${cookie}` : 'query:ticket'
  if (tickets.length > 1)
    return { kind: 'refused', detail: 'more than one ticket', malformed: true, ambient: fromCookie, carrier }
  const taken = store.take(ticket, request)
  if ('detail' in taken) return { kind: 'refused', detail: taken.detail, ambient: fromCookie, carrier }
  return { kind: 'proven', identity: { ...taken.identity, fromCookie }, carrier }
}
