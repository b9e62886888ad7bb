/** What the authorize filter keeps for one session, and what its judges share. */

import { Audit, type AuditSink } from '../../audit.ts'
import type { MethodView } from '../../codec/method.ts'
import type { SessionView, Verdict } from '../filter.ts'
import type { Consumers } from '../track/consumers.ts'
import type { QueueNames } from '../track/queue-names.ts'
import { AllowedPublish } from './allowed.ts'
import type { Authorizer } from './authorizer.ts'
import { Refusals } from './refusals.ts'
import type { ReplyAddresses } from './replies.ts'
import { Rights } from './rights.ts'

/** Judges one method of a client. */
export type Judge = (method: MethodView, state: AuthorizeSession) => Verdict

export class AuthorizeSession {
  readonly session: SessionView
  readonly audit: Audit
  readonly policy: Authorizer
  // The session's own: they were there before this filter, and may be there after it.
  readonly queues: QueueNames
  readonly replies: ReplyAddresses
  readonly consumers: Consumers
  readonly allowed: AllowedPublish = new AllowedPublish()
  readonly rights: Rights
  readonly refusals: Refusals

  /** Of the policy, when consumers were last looked at. */
  #revision: number

  constructor(session: SessionView, policy: Authorizer, sink: AuditSink) {
    const { queues, replies, consumers } = session.track
    this.session = session
    this.queues = queues
    this.replies = replies
    this.consumers = consumers
    this.policy = policy
    this.audit = new Audit(session, sink)
    this.#revision = policy.revision
    this.rights = new Rights(policy, queues, replies)
    this.refusals = new Refusals(session, policy, this.audit)
  }

  /** Whether the policy says something else than it did when this was asked last. */
  isPolicyNew(): boolean {
    if (this.policy.revision === this.#revision) return false
    this.#revision = this.policy.revision
    return true
  }
}
