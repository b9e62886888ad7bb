/**
 * Judges made from rows of NEEDS: values that no broker takes, the queue an empty name stands for, names, patterns, and
 * the permissions themselves, in this order.
 */

import { decodeMethod, type MethodView, methodFrame } from '../../codec/method.ts'
import type { Arguments, FromClient, MethodFieldName } from '../../codec/spec.ts'
import type { FilterRefusal, Verdict } from '../filter.ts'
import { EVERY_KEY, type FieldNeed, type NeedsRow, type UnimplementedValue } from '../needs.ts'
import { NAME_AWAITED } from '../track/queue-names.ts'
import type { Need } from './authorizer.ts'
import { hasControlCharacters, isModestPattern } from './names.ts'
import type { Refusals } from './refusals.ts'
import type { AuthorizeSession, Judge } from './session.ts'

/** The methods whose empty queue name is the last declared queue. */
type NamesQueue = 'queue.bind' | 'queue.unbind' | 'queue.purge' | 'queue.delete' | 'basic.consume' | 'basic.get'

/** The judge a row describes; undefined where it lets everything through. */
export function judgeOf(name: FromClient, row: NeedsRow): Judge | undefined {
  const { unimplemented, needs } = row
  if (unimplemented !== undefined) return (method, { refusals }) => refuseValue(name, unimplemented, method, refusals)
  if (needs.length === 0) return undefined
  return row.cases?.includes('last-declared') === true
    ? (method, state) => judgeWithQueue(name as NamesQueue, row, method, state)
    : (method, state) => refuseNeeds(name, row, method, state, undefined)
}

function refuseValue(
  name: FromClient,
  { field, is, says }: UnimplementedValue,
  method: MethodView,
  refusals: Refusals,
): FilterRefusal | undefined {
  const value = method.field(field as MethodFieldName)
  if (is === 'not 0')
    return value === 0 ? undefined : refusals.unimplemented(name, method.channel, `${says} (${Number(value)})`)
  return value === is ? refusals.unimplemented(name, method.channel, says) : undefined
}

function judgeWithQueue(name: NamesQueue, row: NeedsRow, method: MethodView, state: AuthorizeSession): Verdict {
  if (method.field('queue') !== '') return refuseNeeds(name, row, method, state, undefined)
  const queue = lastDeclared(name, method.channel, state)
  if (typeof queue !== 'string') return queue
  return refuseNeeds(name, row, method, state, queue) ?? withQueue(name, method, queue)
}

/** What the empty name stands for, or the refusal because that is nothing, or not known for certain yet. */
export function lastDeclared(
  name: FromClient,
  channel: number,
  { queues, refusals }: AuthorizeSession,
): string | FilterRefusal | undefined {
  const queue = queues.last(channel)
  if (queue === NAME_AWAITED)
    return refusals.because(name, channel, 'the queue declared last has no name yet', 'not-found')
  return queue === '' ? refusals.because(name, channel, 'no previously declared queue', 'not-found') : queue
}

/** The method's frame with the queue's name in it, and in the key where that was empty, too. */
export function withQueue(name: NamesQueue, method: MethodView, queue: string): Buffer {
  const fields = decodeMethod(name, method.buffer, method.start, method.end)
  const changed =
    'routingKey' in fields && fields.routingKey === '' ? { ...fields, queue, routingKey: queue } : { ...fields, queue }
  return methodFrame(method.channel, name, changed as Arguments<NamesQueue>)
}

/** The first need that is not met, or the first name that is not fit; `queue` is what an empty queue name stands for. */
export function refuseNeeds(
  name: FromClient,
  row: NeedsRow,
  method: MethodView,
  { rights, refusals }: AuthorizeSession,
  queue: string | undefined,
): FilterRefusal | undefined {
  for (const field of row.needs) {
    const need = needOf(field, method, queue)
    let refusal: FilterRefusal | undefined
    if (hasControlCharacters(need.name)) refusal = refusals.unfitName(name, method.channel, need)
    else if (need.routingKey !== undefined && !isModestPattern(need.routingKey)) {
      refusal = refusals.what(name, method.channel, 'a binding key with too many words or wildcards')
    } else if (!rights.permits(need)) refusal = refusals.need(name, method.channel, need)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function needOf({ permission, kind, name, key }: FieldNeed, method: MethodView, queue: string | undefined): Need {
  const resource = kind === 'queue' && queue !== undefined ? queue : (method.field(name as MethodFieldName) as string)
  if (key === undefined) return { permission, kind, name: resource }
  // A headers exchange looks at the arguments instead of the key.
  const isWhole = key === EVERY_KEY || method.field('arguments').length > 0
  if (isWhole) return { permission, kind, name: resource, routingKey: EVERY_KEY }
  const routingKey = method.field(key as MethodFieldName) as string
  return { permission, kind, name: resource, routingKey: routingKey === '' ? (queue ?? '') : routingKey }
}
