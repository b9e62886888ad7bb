/** What gateways that share their state tell one another, and what each does about it. */
import type { Identity, LoginListener, RevokedKeys } from '../../../auth/index.ts'
import type { Management } from '../../admin/management.ts'
import type { Everywhere } from '../../admin/replicas/everywhere.ts'
import type { AnsweredBy, OrderAnswer, OrderNews, Others } from '../../admin/replicas/others.ts'
import type { Question, QuestionKind } from '../../admin/replicas/questions.ts'
import type { Log } from '../../ops/log.ts'
import { sessionsOfLogins } from '../../sessions/logins.ts'
import type { Sessions } from '../../sessions/registry.ts'
import { readIdentity, type WrittenIdentity, writtenIdentity } from '../../state/identity-text.ts'
import type { EndedUntil } from '../../state/logins.ts'
import type { Received } from '../../state/news/news.ts'
import type { SharedStore } from '../../state/open.ts'

type GatewayNews =
  | OrderNews
  /** Login sessions and people have lost their authority. */
  | { readonly kind: 'ended'; readonly sessions: readonly string[]; readonly identities: readonly string[] }
  /** Sessions of a login go on as this identity. */
  | { readonly kind: 'renewed'; readonly sessionKey: string; readonly identity: WrittenIdentity }
  /** Logins have ended, whatever the store says of them. */
  | { readonly kind: 'logins'; readonly scope: string; readonly logins: EndedUntil }

/** Longer than any ticket lives, and than a gateway may be cut off from the store without a restart of it being better. */
const KNOWN_MS = 15 * 60 * 1000
/** A renewal is soon followed by the next. */
const RENEWED_MS = 60_000
/** Whoever has not answered by then is named. */
const ANSWER_MS = 1_000

/** Passes orders on, and asks. Whoever replies has the same key, and speaks the truth. */
export function othersOf({ news, questions }: SharedStore): Others {
  return {
    async pass(order, untilMs, atMs) {
      const { answers, notReached } = await news.publish(order, { untilMs, atMs, withinMs: ANSWER_MS })
      return { answers: answers.map(({ answer }) => answer as OrderAnswer), notReached }
    },
    async ask<K extends QuestionKind>(kind: K, asked: Question<K>['asked'], withinMs: number) {
      const question: Question<K> = { kind, asked }
      return (await questions.ask(question, withinMs)) as AnsweredBy<K>
    },
  }
}

/** Passes the ends and renewals of logins on. */
export function loginNews({ news }: SharedStore): LoginListener {
  const publish = (one: GatewayNews, forMs: number): void => void news.publish(one, { untilMs: Date.now() + forMs })
  return {
    ended: ({ sessions, identities }) => publish({ kind: 'ended', sessions, identities }, KNOWN_MS),
    renewed: (sessionKey, identity: Identity) =>
      publish({ kind: 'renewed', sessionKey, identity: writtenIdentity(identity) }, RENEWED_MS),
  }
}

export interface FollowingParts {
  readonly sessions: Sessions
  readonly log: Log
  readonly management: Management
  readonly everywhere: Everywhere
}

/** Acts on what other gateways say. */
export function followNews(shared: SharedStore, { sessions, log, management, everywhere }: FollowingParts): void {
  const { authState, news: stream } = shared
  const own = sessionsOfLogins({ sessions, log })
  const act = ({ news, atMs }: Received): OrderAnswer | undefined => {
    // It was sealed by a gateway with the same key.
    const told = news as GatewayNews
    switch (told.kind) {
      case 'ended': {
        const keys: Required<RevokedKeys> = { sessions: told.sessions, identities: told.identities }
        authState.revokedElsewhere(keys, atMs)
        own.ended(keys)
        return undefined
      }
      case 'renewed':
        own.renewed(told.sessionKey, readIdentity(told.identity))
        return undefined
      case 'logins':
        authState.logins(told.scope).endedElsewhere(told.logins)
        return undefined
      case 'blocked':
      case 'unblocked':
      case 'kicked':
        return management.received(told, atMs)
    }
  }
  shared.follow({
    received(received) {
      try {
        return act(received)
      } catch (error) {
        log.write('internal-error', { detail: String(error) })
        return undefined
      }
    },
    async answer(question) {
      try {
        return await everywhere.answer(question as Question)
      } catch (error) {
        log.write('internal-error', { detail: String(error) })
        return undefined
      }
    },
    loginsEnded(scope, logins) {
      const told: GatewayNews = { kind: 'logins', scope, logins }
      void stream.publish(told, { untilMs: Date.now() + KNOWN_MS })
    },
  })
}
