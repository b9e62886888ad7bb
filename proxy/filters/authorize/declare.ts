/**
 * `queue.declare` and `exchange.declare`: where authority can be passed on by arguments, and names come into being.
 */
import { decodeMethod, methodFrame } from '../../codec/method.ts'
import type { Table } from '../../codec/table.ts'
import type { FilterRefusal } from '../filter.ts'
import { duplicateKey, missingFrom, nameArgument } from './arguments.ts'
import type { Need } from './authorizer.ts'
import { hasControlCharacters } from './names.ts'
import { DIRECT_REPLY_TO, isReplyName } from './replies.ts'
import type { AuthorizeSession, Judge } from './session.ts'

const EXCHANGE_TYPES: ReadonlySet<string> = new Set(['direct', 'fanout', 'headers', 'topic'])

/** Judges `queue.declare`, and adds the arguments that the policy injects. */
export const judgeQueueDeclare: Judge = (method, state) => {
  const { channel } = method
  const fields = decodeMethod('queue.declare', method.buffer, method.start, method.end)
  const { queue, passive } = fields
  const refusal = refuseQueueDeclare(fields, channel, state)
  if (refusal !== undefined) return refusal
  // An address is only asked for: the broker declares nothing.
  if (passive || isReplyName(queue)) return undefined
  const added = missingFrom(fields.arguments, state.policy.injected)
  if (added.length === 0) return undefined
  return methodFrame(channel, 'queue.declare', { ...fields, arguments: [...fields.arguments, ...added] })
}

interface QueueDeclare {
  readonly queue: string
  readonly passive: boolean
  readonly exclusive: boolean
  readonly autoDelete: boolean
  readonly noWait: boolean
  readonly arguments: Table
}

function refuseQueueDeclare(fields: QueueDeclare, channel: number, state: AuthorizeSession): FilterRefusal | undefined {
  const { refusals, rights, policy } = state
  const { queue } = fields
  const configure: Need = { permission: 'configure', kind: 'queue', name: queue }
  if (hasControlCharacters(queue)) return refusals.unfitName('queue.declare', channel, configure)
  if (isReplyName(queue)) {
    if (queue === DIRECT_REPLY_TO || state.replies.knows(queue)) return undefined
    return refusals.need('queue.declare', channel, configure)
  }
  if (fields.passive) {
    if (queue !== '' && rights.mayKnowQueue(queue)) return undefined
    return refusals.need('queue.declare', channel, configure)
  }
  if (queue === '') {
    if (!policy.mayDeclareServerNamed) return refusals.need('queue.declare', channel, configure)
    if (!fields.exclusive && !fields.autoDelete)
      return refusals.what('queue.declare', channel, 'a server-named queue that is neither exclusive nor auto-delete')
    if (fields.noWait) return refusals.what('queue.declare', channel, 'a server-named queue with no-wait')
  } else if (queue.startsWith('amq.')) {
    return refusals.what('queue.declare', channel, "a queue name that begins with 'amq.'")
  } else if (!policy.mayQueue('configure', queue)) {
    return refusals.need('queue.declare', channel, configure)
  }
  return refuseArguments('queue.declare', fields.arguments, channel, state) ?? refuseDeadLetters(fields, channel, state)
}

/** Arguments of a declaration or consumer: each once, and each one allowed. */
export function refuseArguments(
  method: 'queue.declare' | 'exchange.declare' | 'basic.consume',
  table: Table,
  channel: number,
  { policy, refusals }: AuthorizeSession,
): FilterRefusal | undefined {
  if (table.length === 0) return undefined
  const twice = duplicateKey(table)
  if (twice !== undefined) return refusals.argument(method, channel, twice, 'given twice')
  const excess = table.find((argument) => !policy.mayCarry(argument))
  return excess === undefined ? undefined : refusals.argument(method, channel, excess.key, 'with this value')
}

function refuseDeadLetters(
  { queue, arguments: table }: QueueDeclare,
  channel: number,
  state: AuthorizeSession,
): FilterRefusal | undefined {
  const { refusals, rights } = state
  const exchange = nameArgument(table, 'x-dead-letter-exchange')
  if (exchange.kind === 'absent') return undefined
  if (exchange.kind === 'unfit')
    return refusals.argument('queue.declare', channel, 'x-dead-letter-exchange', 'that is no name')
  const key = nameArgument(table, 'x-dead-letter-routing-key')
  if (key.kind === 'unfit')
    return refusals.argument('queue.declare', channel, 'x-dead-letter-routing-key', 'that is no key')
  if (queue !== '' && !rights.mayQueue('read', queue)) {
    const verdict = refusals.need('queue.declare', channel, { permission: 'read', kind: 'queue', name: queue })
    if (verdict !== undefined) return verdict
  }
  const { name } = exchange
  if (key.kind === 'name') {
    if (rights.mayForward(name, key.name)) return undefined
    return refusals.need('queue.declare', channel, forwardNeed(name, key.name))
  }
  // Without a key of their own dead letters keep theirs: any key, and on the default exchange any queue.
  const need: Need = { permission: 'write', kind: 'exchange', name, routingKey: '#' }
  return rights.permits(need) ? undefined : refusals.need('queue.declare', channel, need)
}

/** What it takes to send a message on to an exchange under a key. */
export function forwardNeed(exchange: string, routingKey: string): Need {
  if (exchange === '') return { permission: 'write', kind: 'queue', name: routingKey }
  return { permission: 'write', kind: 'exchange', name: exchange, routingKey }
}

/** Judges `exchange.declare`. */
export const judgeExchangeDeclare: Judge = (method, state) => {
  const { channel } = method
  const { refusals, rights, policy } = state
  const {
    exchange,
    type,
    passive,
    arguments: table,
  } = decodeMethod('exchange.declare', method.buffer, method.start, method.end)
  const configure: Need = { permission: 'configure', kind: 'exchange', name: exchange }
  if (hasControlCharacters(exchange)) return refusals.unfitName('exchange.declare', channel, configure)
  if (passive) {
    if (exchange !== '' && policy.mayKnow('exchange', exchange)) return undefined
    return refusals.need('exchange.declare', channel, configure)
  }
  if (!rights.permits(configure)) return refusals.need('exchange.declare', channel, configure)
  if (!EXCHANGE_TYPES.has(type) && !type.startsWith('x-'))
    return refusals.what('exchange.declare', channel, 'an unknown exchange type')
  return refuseArguments('exchange.declare', table, channel, state) ?? refuseAlternate(exchange, table, channel, state)
}

function refuseAlternate(
  exchange: string,
  table: Table,
  channel: number,
  { refusals, rights }: AuthorizeSession,
): FilterRefusal | undefined {
  const alternate = nameArgument(table, 'alternate-exchange')
  if (alternate.kind === 'absent') return undefined
  if (alternate.kind === 'unfit')
    return refusals.argument('exchange.declare', channel, 'alternate-exchange', 'that is no name')
  const needs: Need[] = [
    { permission: 'read', kind: 'exchange', name: exchange, routingKey: '#' },
    { permission: 'write', kind: 'exchange', name: alternate.name, routingKey: '#' },
  ]
  const lacking = needs.find((need) => !rights.permits(need))
  return lacking === undefined ? undefined : refusals.need('exchange.declare', channel, lacking)
}
