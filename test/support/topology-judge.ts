/** Whether a message went a way that joe made, and that joe could not have carried it himself. */
import type { Authorizer } from '../../proxy/filters/authorize/authorizer.ts'
import type { Passage } from './topology-model.ts'

/**
 * Why joe had no right to make the message go this way: he could not have published it there with all of its keys, or could
 * not have taken it from where it came. Undefined where he had, or where others made the way.
 */
export function trespass({ by, from, fromType, to, toKind, keys }: Passage, policy: Authorizer): string | undefined {
  if (by === 'other') return undefined
  const lacking = toKind === 'queue' ? !policy.mayQueue('write', to) : keys.some((key) => !mayPublish(policy, to, key))
  if (lacking) return `joe may not write ${keys.join(' and ')} to ${toKind} ${JSON.stringify(to)}`
  return mayTake(policy, from, fromType, keys) ? undefined : `joe may not read ${keys.join(' or ')} from ${from}`
}

function mayPublish(policy: Authorizer, exchange: string, key: string): boolean {
  return exchange === '' ? policy.mayQueue('write', key) : policy.mayPublish(exchange, key)
}

/** Other types take no notice of keys: whoever may read one key of them reads everything, as docs/permissions.md says. */
function mayTake(policy: Authorizer, from: string, type: string | undefined, keys: readonly string[]): boolean {
  if (type === undefined) return policy.mayQueue('read', from)
  if (type !== 'topic' && type !== 'direct') return policy.mayKnow('exchange', from)
  return keys.some((key) => policy.mayBind('read', from, key))
}
