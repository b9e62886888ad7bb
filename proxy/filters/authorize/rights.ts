/**
 * What one session may do: the policy's word, and what the session has come to own or was given on its way (queues the
 * broker named for it, reply addresses delivered to it).
 */

import type { QueueNames } from '../track/queue-names.ts'
import type { Authorizer, Need, Permission } from './authorizer.ts'
import { wordCount } from './names.ts'
import { isReplyName, type ReplyAddresses } from './replies.ts'

/** Most words of a routing key; a broker's topic exchange walks over all of them for each binding. */
const KEY_WORDS_MAX = 128

export class Rights {
  readonly #policy: Authorizer
  readonly #queues: QueueNames
  readonly #replies: ReplyAddresses

  constructor(policy: Authorizer, queues: QueueNames, replies: ReplyAddresses) {
    this.#policy = policy
    this.#queues = queues
    this.#replies = replies
  }

  /** Reply addresses are no queues: no permission on queues reaches them. */
  mayQueue(permission: Permission, queue: string): boolean {
    if (isReplyName(queue)) return false
    if (this.#queues.owns(queue)) return this.#policy.mayDeclareServerNamed
    return this.#policy.mayQueue(permission, queue)
  }

  /** Whether any permission on the queue exists, so that its existence is no secret. */
  mayKnowQueue(queue: string): boolean {
    return this.#queues.owns(queue) || this.#policy.mayKnow('queue', queue)
  }

  /** Publishing: to the default exchange the key is a queue or a reply address. */
  mayPublish(exchange: string, routingKey: string): boolean {
    if (exchange !== '') {
      if (routingKey.length >= KEY_WORDS_MAX && wordCount(routingKey) > KEY_WORDS_MAX) return false
      return this.#policy.mayPublish(exchange, routingKey)
    }
    // No queue has an empty name: such a message goes nowhere, or back.
    return routingKey === '' || this.mayQueue('write', routingKey) || this.#replies.knows(routingKey)
  }

  /** Sending a message on by declaration (CC, BCC, dead letters): as publishing, but never to a reply address. */
  mayForward(exchange: string, routingKey: string): boolean {
    if (exchange === '' && isReplyName(routingKey)) return false
    return this.mayPublish(exchange, routingKey)
  }

  /** What a row of NEEDS says of names and binding patterns. The default exchange is never configured, nor bound. */
  permits(need: Need): boolean {
    if (need.kind === 'queue') return this.mayQueue(need.permission, need.name)
    if (need.name === '') return false
    if (need.permission === 'configure') return this.#policy.mayConfigureExchange(need.name)
    return this.#policy.mayBind(need.permission, need.name, need.routingKey ?? '#')
  }
}
