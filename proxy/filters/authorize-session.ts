/** What the authorize filter keeps for one session, and what its judges share. */

import type { MethodView } from '../codec/method.ts'
import { AllowedPublish } from './authorize-allowed.ts'
import { Consumers } from './authorize-consumers.ts'
import { DeclaredQueues } from './authorize-queues.ts'
import { Refusals } from './authorize-refusals.ts'
import { ReplyAddresses } from './authorize-replies.ts'
import { Rights } from './authorize-rights.ts'
import type { Authorizer } from './authorizer.ts'
import type { SessionView, Verdict } from './filter.ts'
import type { Audit } from './observe-events.ts'

/** Judges one method of a client. */
export type Judge = (method: MethodView, state: AuthorizeSession) => Verdict

export class AuthorizeSession {
  readonly policy: Authorizer
  readonly queues: DeclaredQueues = new DeclaredQueues()
  readonly replies: ReplyAddresses = new ReplyAddresses()
  readonly consumers: Consumers = new Consumers()
  readonly allowed: AllowedPublish = new AllowedPublish()
  readonly rights: Rights
  readonly refusals: Refusals

  constructor(session: SessionView, policy: Authorizer, audit: Audit) {
    this.policy = policy
    this.rights = new Rights(policy, this.queues, this.replies)
    this.refusals = new Refusals(session, policy, audit)
  }
}
