/**
 * What authenticators remember. It is made once, outlives every configuration, and is reached through promises only, since
 * it may be kept outside of this process. What has to be known in the same turn of the event loop is local knowledge, and
 * says so.
 */
import type { Attempts } from './attempts.ts'
import type { Logins } from './logins.ts'
import type { PendingLogins } from './pending-logins.ts'
import type { Tickets } from './tickets.ts'

/**
 * By scope: the name of an authenticator, and whatever else must be the same for its memories to count. Authenticators of
 * one scope share them: those of the configuration before and of the next one, and those of several processes.
 */
export interface AuthState {
  tickets(scope: string): Tickets
  attempts(scope: string): Attempts
  logins(scope: string): Logins
  pendingLogins(scope: string): PendingLogins
  /** Forgets everything of other scopes: whoever left may come back, and has missed by then who lost their authority. */
  keepOnly(scopes: ReadonlySet<string>): void
}
