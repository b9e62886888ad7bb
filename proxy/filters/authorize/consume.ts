/** `basic.consume`, and what becomes of consumers whose right is withdrawn later. */
import type { MethodView } from '../../codec/method.ts'
import type { FilterRefusal } from '../filter.ts'
import { NEEDS_ROWS } from '../needs.ts'
import type { Authorizer, Need } from './authorizer.ts'
import { refuseArguments } from './declare.ts'
import { lastDeclared, refuseNeeds, withQueue } from './judge.ts'
import { DIRECT_REPLY_TO } from './replies.ts'
import type { Rights } from './rights.ts'
import type { AuthorizeSession, Judge } from './session.ts'

const ROW = NEEDS_ROWS['basic.consume']

/** Most consumers of one session. */
const CONSUMERS_MAX = 10_000

/** Judges `basic.consume`. */
export const judgeConsume: Judge = (method, state) => {
  const { channel } = method
  let queue = method.field('queue')
  const isResolved = queue === ''
  if (isResolved) {
    const last = lastDeclared('basic.consume', channel, state)
    if (typeof last !== 'string') return last
    queue = last
  }
  const refusal = refuseConsume(method, queue, isResolved, state)
  if (refusal !== undefined) return refusal
  return isResolved ? withQueue('basic.consume', method, queue) : undefined
}

function refuseConsume(
  method: MethodView,
  queue: string,
  isResolved: boolean,
  state: AuthorizeSession,
): FilterRefusal | undefined {
  const { channel } = method
  const { refusals, consumers } = state
  const tag = method.field('consumerTag')
  if (tag !== '' && consumers.isInUse(channel, tag))
    return refusals.what('basic.consume', channel, 'a consumer tag that is in use')
  if (consumers.count >= CONSUMERS_MAX) return refusals.what('basic.consume', channel, 'one more consumer')
  const refusal =
    queue === DIRECT_REPLY_TO
      ? undefined
      : refuseNeeds('basic.consume', ROW, method, state, isResolved ? queue : undefined)
  return refusal ?? refuseArguments('basic.consume', method.field('arguments'), channel, state)
}

/**
 * Ends the consumers that may not read their queue any more; those that are being cancelled end anyway. With `enforce: false`
 * it is only written down.
 */
export function endLostConsumers({ session, policy, rights, refusals, consumers, audit }: AuthorizeSession): void {
  for (const { channel, tag, queue, isCancelled } of consumers.list()) {
    const { name } = queue
    if (isCancelled || name === DIRECT_REPLY_TO || mayGoOn(name, rights, policy)) continue
    audit.record(policy.enforce ? 'permission.lost' : 'permission.would-refuse', {
      channel,
      queue: name,
      ...(policy.enforce ? { consumerTag: tag } : { method: 'basic.consume' }),
    })
    if (!policy.enforce) continue
    const need: Need = { permission: 'read', kind: 'queue', name }
    const fault = refusals.lost('basic.consume', need)
    if (tag === '') session.closeChannel(channel, fault)
    else session.cancelConsumer(channel, tag, fault)
  }
}

/** A queue whose name the broker is still to say will be the session's own. */
function mayGoOn(queue: string, rights: Rights, policy: Authorizer): boolean {
  return queue === '' ? policy.mayDeclareServerNamed : rights.mayQueue('read', queue)
}
