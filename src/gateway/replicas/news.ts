/** What processes that share their state tell one another, whatever carries it, and what each does about it. */
import type { RevokedKeys } from '../../../auth/index.ts'
import type { Management } from '../../admin/management.ts'
import type { OrderAnswer, OrderNews } from '../../admin/replicas/others.ts'
import type { Log } from '../../ops/log.ts'
import type { Bars } from '../../sessions/bars.ts'
import { sessionsOfLogins } from '../../sessions/logins.ts'
import type { Sessions } from '../../sessions/registry.ts'
import { readIdentity, type WrittenIdentity } from '../../state/identity-text.ts'
import type { EndedUntil } from '../../state/logins/logins.ts'

export type GatewayNews =
  | OrderNews
  /** Login sessions and people have lost their authority. */
  | { readonly kind: 'ended'; readonly sessions: readonly string[]; readonly identities: readonly string[] }
  /** Sessions of a login go on as this identity. */
  | { readonly kind: 'renewed'; readonly sessionKey: string; readonly identity: WrittenIdentity }
  /** Logins have ended, whatever the store says of them. */
  | { readonly kind: 'logins'; readonly scope: string; readonly logins: EndedUntil }
  /** People (`identityKey`) are kept out for a while; between the processes of one gateway only. */
  | { readonly kind: 'held'; readonly key: string; readonly untilMs: number }

/** What this process knows of the state that others keep, too. */
export interface OwnKnowledge {
  revokedElsewhere(keys: RevokedKeys, atMs: number): void
  logins(scope: string): { endedElsewhere(logins: EndedUntil): void }
}

export interface NewsParts {
  readonly sessions: Sessions
  readonly log: Log
  readonly bars: Bars
  readonly management: Pick<Management, 'received'>
  /** Undefined: this process keeps the state itself. */
  readonly knowledge: OwnKnowledge | undefined
}

/** Acts on news. */
export type ActOnNews = (news: GatewayNews, atMs: number) => OrderAnswer | undefined

export function actOnNews({ sessions, log, bars, management, knowledge }: NewsParts): ActOnNews {
  const own = sessionsOfLogins({ sessions, log })
  const act = (told: GatewayNews, atMs: number): OrderAnswer | undefined => {
    switch (told.kind) {
      case 'ended': {
        const keys: Required<RevokedKeys> = { sessions: told.sessions, identities: told.identities }
        knowledge?.revokedElsewhere(keys, atMs)
        own.ended(keys)
        return undefined
      }
      case 'renewed':
        own.renewed(told.sessionKey, readIdentity(told.identity))
        return undefined
      case 'logins':
        knowledge?.logins(told.scope).endedElsewhere(told.logins)
        return undefined
      case 'held':
        bars.holdKey(told.key, told.untilMs - Date.now())
        return undefined
      case 'blocked':
      case 'unblocked':
      case 'kicked':
        return management.received(told, atMs)
    }
  }
  return (told, atMs) => {
    try {
      return act(told, atMs)
    } catch (error) {
      log.write('internal-error', { detail: String(error) })
      return undefined
    }
  }
}
