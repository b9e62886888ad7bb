/** Whoever lost the proof of being somebody loses sessions and tickets at once. */
import type { Authenticator } from '../../auth/index.ts'
import type { Log } from '../ops/log.ts'
import type { Sessions } from '../sessions/registry.ts'
import { endTickets } from '../sessions/tickets.ts'

export interface Revoking {
  readonly authenticators: ReadonlyMap<string, Authenticator>
  readonly sessions: Sessions
  readonly log: Log
}

/** Ends everything that people (`identityKey`) have at the moment. */
export function revoke(keys: readonly string[], { authenticators, sessions, log }: Revoking): void {
  if (keys.length === 0) return
  endTickets({ identities: keys }, authenticators.values(), log)
  const count = keys.reduce((ended, key) => ended + sessions.endIdentity(key, 'access was revoked'), 0)
  log.write('sessions-revoked', { count })
}
