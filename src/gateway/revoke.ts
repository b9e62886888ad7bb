/** Whoever lost the proof of being somebody loses sessions and tickets at once. */
import { type Authenticator, isTicketAuthenticator } from '../../auth/index.ts'
import type { Log } from '../ops/log.ts'
import type { Sessions } from '../sessions/registry.ts'

export interface Revoking {
  readonly authenticators: ReadonlyMap<string, Authenticator>
  readonly sessions: Sessions
  readonly log: Log
}

/** Ends everything that people (`identityKey`) have at the moment. */
export function revoke(keys: readonly string[], { authenticators, sessions, log }: Revoking): void {
  if (keys.length === 0) return
  for (const authenticator of authenticators.values()) {
    if (isTicketAuthenticator(authenticator)) authenticator.revoke({ identities: keys })
  }
  const count = keys.reduce((ended, key) => ended + sessions.endIdentity(key, 'access was revoked'), 0)
  log.write('sessions-revoked', { count })
}
