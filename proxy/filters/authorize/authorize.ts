/**
 * The filter that decides what a client may do: every method against NEEDS, every publish with its content header, before
 * one byte of it is forwarded.
 *
 * It asks the policy, and the session's books for what deciding takes (declared queues, consumers, reply addresses). What is
 * refused is `channel.close` 403 with the need and the subject; nothing is repaired, but for the empty queue name, which is
 * forwarded as the name it stands for.
 */

import type { AuditSink } from '../../audit.ts'
import type { FromClient } from '../../codec/spec.ts'
import type { FilterChecks, FilterOf, SessionView } from '../filter.ts'
import { NEEDS_ROWS } from '../needs.ts'
import type { Authorizer } from './authorizer.ts'
import { endLostConsumers, judgeConsume } from './consume.ts'
import { judgeExchangeDeclare, judgeQueueDeclare } from './declare.ts'
import { judgeOf } from './judge.ts'
import { judgePublish } from './publish.ts'
import { AuthorizeSession, type Judge } from './session.ts'

/** What the rows cannot say; `basic.publish` has its own way in. */
const SPECIAL: { readonly [M in FromClient]?: Judge } = {
  'exchange.declare': judgeExchangeDeclare,
  'queue.declare': judgeQueueDeclare,
  'basic.consume': judgeConsume,
}

const JUDGES: readonly (readonly [FromClient, Judge])[] = Object.entries(NEEDS_ROWS).flatMap(([key, row]) => {
  const name = key as FromClient
  const judge = SPECIAL[name] ?? judgeOf(name, row)
  return judge === undefined || name === 'basic.publish' ? [] : [[name, judge] as const]
})

const CHECKS: FilterChecks<AuthorizeSession> = {
  toBroker: Object.fromEntries(JUDGES),
  publish: judgePublish,
  delivery: (header, { replies }) => replies.learn(header.property('replyTo') ?? ''),
  deliveryWith: ['replyTo'],
  tick: (_nowMs, state) => {
    if (state.isPolicyNew()) endLostConsumers(state)
  },
  exchanged: endLostConsumers,
}

class AuthorizeFilter implements FilterOf<AuthorizeSession> {
  readonly name = 'authorize'
  readonly checks = CHECKS
  readonly #policy: Authorizer
  readonly #sink: AuditSink

  constructor(policy: Authorizer, sink: AuditSink) {
    this.#policy = policy
    this.#sink = sink
  }

  start(session: SessionView): AuthorizeSession {
    return new AuthorizeSession(session, this.#policy, this.#sink)
  }
}

/** `policy` is one session's: it knows for whom it decides. */
export function authorizeFilter(policy: Authorizer, sink: AuditSink): FilterOf<AuthorizeSession> {
  return new AuthorizeFilter(policy, sink)
}
