/**
 * `basic.publish`, judged at its content header: the exchange and key, every key that CC and BCC add, and where an answer
 * is asked to be sent.
 */

import type { FilterRefusal, PublishView } from '../filter.ts'
import { IMMEDIATE } from '../needs.ts'
import { readCopies } from './copies.ts'
import { forwardNeed } from './declare.ts'
import { hasControlCharacters } from './names.ts'
import { DIRECT_REPLY_TO } from './replies.ts'
import type { AuthorizeSession } from './session.ts'

export function judgePublish(publish: PublishView, state: AuthorizeSession): FilterRefusal | undefined {
  const { header } = publish
  const { revision } = state.policy
  if (!state.allowed.has(publish, revision)) {
    const refusal = refuseMethod(publish, state)
    if (refusal !== undefined) return refusal
    if (state.policy.enforce) state.allowed.set(publish, revision)
  }
  if (header.has('headers')) {
    const refusal = refuseCopies(publish, state)
    if (refusal !== undefined) return refusal
  }
  return header.has('replyTo') ? refuseReplyTo(publish, state) : undefined
}

function refuseMethod(publish: PublishView, { rights, refusals }: AuthorizeSession): FilterRefusal | undefined {
  const { exchange, routingKey, channel } = publish
  if (publish.immediate) {
    const refusal = refusals.unimplemented('basic.publish', channel, IMMEDIATE.says)
    if (refusal !== undefined) return refusal
  }
  if (rights.mayPublish(exchange, routingKey)) return undefined
  return refusals.need('basic.publish', channel, forwardNeed(exchange, routingKey))
}

function refuseCopies(publish: PublishView, { rights, refusals }: AuthorizeSession): FilterRefusal | undefined {
  const { header, channel } = publish
  const keys = readCopies(header)
  if (keys === undefined)
    return refusals.what('basic.publish', channel, 'CC and BCC that are not one array of keys each')
  if (keys.length === 0) return undefined
  const { exchange } = publish
  for (const key of keys) {
    if (rights.mayForward(exchange, key)) continue
    const refusal = refusals.need('basic.publish', channel, forwardNeed(exchange, key))
    if (refusal !== undefined) return refusal
  }
  return undefined
}

/** Whoever answers may have rights that the asker lacks: so answers go only where the asker may read anyway. */
function refuseReplyTo(
  { header, channel }: PublishView,
  { rights, refusals, replies }: AuthorizeSession,
): FilterRefusal | undefined {
  const replyTo = header.property('replyTo') ?? ''
  if (replyTo === DIRECT_REPLY_TO || replies.knows(replyTo)) return undefined
  const need = { permission: 'read', kind: 'queue', name: replyTo } as const
  if (hasControlCharacters(replyTo)) return refusals.unfitName('basic.publish', channel, need)
  if (rights.mayQueue('read', replyTo)) return undefined
  return refusals.replyTo(channel, need)
}
