/**
 * What a login's end and renewal mean for live sessions: sessions opened with it end at once, tickets too; renewed ones
 * go on as long as their rules still lead to the same broker user.
 */
import {
  type Authenticator,
  combine,
  type Identity,
  type LoginListener,
  oidcAuthenticatorsOf,
} from '../../auth/index.ts'
import type { Log } from '../ops/log.ts'
import type { Sessions } from './registry.ts'
import { endTickets } from './tickets.ts'

const LOGGED_OUT = 'logged out'

export interface FollowedLogins {
  /** Whose logins are to be followed from now on. */
  readonly made: ReadonlyMap<string, Authenticator>
  /** Whose tickets end with a login. */
  readonly current: { readonly current: { readonly authenticators: ReadonlyMap<string, Authenticator> } }
  readonly sessions: Sessions
  readonly log: Log
  /** Whom else it concerns; undefined: nobody. */
  readonly others: LoginListener | undefined
}

/** Makes sessions and tickets follow the logins of all authenticators that have some. */
export function followLogins(parts: FollowedLogins): void {
  for (const { login } of oidcAuthenticatorsOf(parts.made.values())) login.subscribe(listener(parts))
}

function listener(parts: FollowedLogins): LoginListener {
  const { current, log, others } = parts
  const own = sessionsOfLogins(parts)
  return {
    ended(keys) {
      endTickets(keys, current.current.authenticators.values(), log)
      own.ended(keys)
      others?.ended(keys)
    },
    renewed(sessionKey, identity) {
      own.renewed(sessionKey, identity)
      others?.renewed(sessionKey, identity)
    },
  }
}

/** What logins mean for the live sessions of this process, whichever process they ended or were renewed in. */
export function sessionsOfLogins({ sessions, log }: Pick<FollowedLogins, 'sessions' | 'log'>): LoginListener {
  return {
    ended(keys) {
      let count = 0
      for (const key of keys.sessions) count += sessions.endSessionKey(key, LOGGED_OUT)
      for (const key of keys.identities) count += sessions.endIdentity(key, LOGGED_OUT)
      if (count > 0) log.write('sessions-revoked', { count })
    },
    renewed(sessionKey, identity) {
      for (const { session } of sessions.withSessionKey(sessionKey))
        session
          ?.goOn((now) => renewedPart(now, identity))
          .catch((error: unknown) => log.write('internal-error', { detail: String(error) }))
    },
  }
}

/** The session's identity with what this login said in it replaced; undefined where the login has no part in it. */
function renewedPart(identity: Identity, fresh: Identity): Identity | undefined {
  const parts = identity.parts ?? [identity]
  const index = parts.findIndex((part) => part.authenticator === fresh.authenticator)
  return index === -1 ? undefined : combine(parts.with(index, fresh))
}
