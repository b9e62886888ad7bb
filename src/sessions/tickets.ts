/** Tickets end with the authority of whoever asked for them, as sessions do. */
import { type Authenticator, isTicketAuthenticator, type RevokedKeys, StateUnavailable } from '../../auth/index.ts'
import type { Log } from '../ops/log.ts'

/** Ends the tickets of all authenticators that issue some. */
export function endTickets(keys: RevokedKeys, authenticators: Iterable<Authenticator>, log: Log): void {
  for (const authenticator of authenticators) {
    if (!isTicketAuthenticator(authenticator)) continue
    authenticator.revoke(keys).catch((error: unknown) => {
      // This process knows of it, and no other gives one out while the store is away.
      if (!(error instanceof StateUnavailable)) log.write('internal-error', { detail: String(error) })
    })
  }
}
