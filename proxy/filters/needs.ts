/**
 * What permission each method of a client needs, in RabbitMQ's vocabulary. Total over the methods a client may send: a
 * missing row does not compile. The authorize filter is built from these rows; docs/permissions.md shows them.
 *
 * Rows say what can be said by naming fields. What takes more than that is a case, which has a text here and a place in
 * one of the authorize-*.ts files.
 */
import type { Fields, FromClient } from '../codec/spec.ts'
import type { Permission, ResourceKind } from './authorize/authorizer.ts'

type FieldOf<M extends FromClient> = keyof Fields<M> & string

/** Every key there is, whatever the method says. */
export const EVERY_KEY = '#'

/** A permission on the resource that a field names; `key` names the field with the routing key or binding pattern. */
export interface FieldNeed<F extends string = string> {
  readonly permission: Permission
  readonly kind: ResourceKind
  readonly name: F
  readonly key?: F | typeof EVERY_KEY
}

/** A value that the broker does not implement, whatever the permissions: it ends the connection, and says so in these words. */
export interface UnimplementedValue<F extends string = string> {
  readonly field: F
  /** Of a number the broker tells the value, too. */
  readonly is: boolean | 'not 0'
  readonly says: string
}

export interface NeedsRow<F extends string = string> {
  /** All of these; none: nothing is needed. */
  readonly needs: readonly FieldNeed<F>[]
  readonly unimplemented?: UnimplementedValue<F>
  readonly cases?: readonly Case[]
  /** Never gets as far as the filters: the session answers it itself, or relays it as part of opening and closing. */
  readonly bySession?: true
}

/** What a row cannot say by naming fields. */
export const CASES = {
  'last-declared':
    'An empty queue name is the queue declared last on the channel. It is resolved before deciding and forwarded by its name; none declared, or its name not known yet: 404.',
  'last-declared-key': 'With an empty queue name *and* an empty key, the key is that queue name, too.',
  passive: 'Passive: any permission on the name will do, instead.',
  'server-named':
    'An empty name needs `configure: [{ queue: "" }]`, `exclusive` or `auto-delete`, and no `no-wait`. The queue then belongs to the session: it may do anything with it.',
  'reserved-name': 'Queue names that begin with `amq.` are refused, as they are by the broker.',
  'dead-letter':
    '`x-dead-letter-exchange`: read the queue, write that exchange for `x-dead-letter-routing-key` (`#` if absent); for the default exchange, write the queue that the key names, which must be there.',
  'alternate-exchange':
    '`alternate-exchange`: write that exchange for `#`, and read the declared one for `#`; never the default exchange.',
  'exchange-type':
    'Types other than `direct`, `fanout`, `headers`, `topic` and `x-…`: refused, as they end the connection.',
  arguments: 'Every argument must be allowed, with its value; the same argument twice is refused.',
  'keys-travel':
    'A message keeps its routing key, and its keys in `CC` and `BCC`, from exchange to exchange. One key passes a binding, and the others follow. So no binding bounds the keys that the destination gets.',
  'binding-arguments': 'With arguments (headers exchanges): for `#` instead of the key.',
  'binding-pattern': 'The permission must contain the pattern. At most 2 `#`, 16 `*` and 128 words.',
  'default-exchange':
    'To the default exchange: write the *queue* that the key names, instead. An empty key names none, and needs nothing: the message goes nowhere, or back.',
  copies:
    'The same for every key in the headers `CC` and `BCC`: at most 64 each, arrays of strings; anything else, and a second header of that name, is refused.',
  'reply-address':
    'A direct reply address (`amq.rabbitmq.reply-to.…`) needs nothing if it was delivered to this session, and is refused otherwise.',
  'reply-to':
    'The property `reply-to` must be `amq.rabbitmq.reply-to`, an address that was delivered to this session, or a queue one may read.',
  'direct-reply-to': '`amq.rabbitmq.reply-to` needs nothing.',
  'consumer-tag': 'A tag that is in use on the channel is refused, as it ends the connection.',
} as const

export type Case = keyof typeof CASES

const NOTHING = { needs: [] } as const
const BY_SESSION = { needs: [], bySession: true } as const

const BINDING = ['binding-pattern', 'binding-arguments'] as const
const QUEUE_BINDING = {
  needs: [
    { permission: 'write', kind: 'queue', name: 'queue' },
    { permission: 'read', kind: 'exchange', name: 'exchange', key: 'routingKey' },
  ],
  cases: ['last-declared', 'last-declared-key', ...BINDING],
} as const
const EXCHANGE_BINDING = {
  needs: [
    { permission: 'write', kind: 'exchange', name: 'destination', key: EVERY_KEY },
    { permission: 'read', kind: 'exchange', name: 'source', key: 'routingKey' },
  ],
  cases: ['keys-travel', ...BINDING],
} as const
const READ_QUEUE = { permission: 'read', kind: 'queue', name: 'queue' } as const
/** Judged with the content header, as all that is published. */
export const IMMEDIATE = { field: 'immediate', is: true, says: 'immediate=true' } as const
const RECOVER = { needs: [], unimplemented: { field: 'requeue', is: false, says: 'requeue=false' } } as const

const NEEDS = {
  'connection.start-ok': BY_SESSION,
  'connection.secure-ok': BY_SESSION,
  'connection.tune-ok': BY_SESSION,
  'connection.open': BY_SESSION,
  'connection.close': BY_SESSION,
  'connection.close-ok': BY_SESSION,
  'connection.update-secret': BY_SESSION,
  'channel.open': BY_SESSION,
  'channel.close': BY_SESSION,
  'channel.close-ok': BY_SESSION,
  'channel.flow': { needs: [], unimplemented: { field: 'active', is: false, says: 'active=false' } },
  'channel.flow-ok': NOTHING,
  'access.request': NOTHING,
  'exchange.declare': {
    needs: [{ permission: 'configure', kind: 'exchange', name: 'exchange' }],
    cases: ['passive', 'alternate-exchange', 'exchange-type', 'arguments'],
  },
  'exchange.delete': { needs: [{ permission: 'configure', kind: 'exchange', name: 'exchange' }] },
  'exchange.bind': EXCHANGE_BINDING,
  'exchange.unbind': EXCHANGE_BINDING,
  'queue.declare': {
    needs: [{ permission: 'configure', kind: 'queue', name: 'queue' }],
    cases: ['passive', 'server-named', 'reserved-name', 'dead-letter', 'arguments'],
  },
  'queue.bind': QUEUE_BINDING,
  'queue.unbind': QUEUE_BINDING,
  'queue.purge': { needs: [READ_QUEUE], cases: ['last-declared'] },
  'queue.delete': {
    needs: [{ permission: 'configure', kind: 'queue', name: 'queue' }],
    cases: ['last-declared'],
  },
  'basic.qos': { needs: [], unimplemented: { field: 'prefetchSize', is: 'not 0', says: 'prefetch_size!=0' } },
  'basic.consume': {
    needs: [READ_QUEUE],
    cases: ['last-declared', 'direct-reply-to', 'arguments', 'consumer-tag'],
  },
  'basic.cancel': NOTHING,
  'basic.cancel-ok': NOTHING,
  'basic.publish': {
    needs: [{ permission: 'write', kind: 'exchange', name: 'exchange', key: 'routingKey' }],
    unimplemented: IMMEDIATE,
    cases: ['default-exchange', 'copies', 'reply-address', 'reply-to'],
  },
  'basic.get': { needs: [READ_QUEUE], cases: ['last-declared'] },
  'basic.ack': NOTHING,
  'basic.reject': NOTHING,
  'basic.nack': NOTHING,
  'basic.recover-async': RECOVER,
  'basic.recover': RECOVER,
  'confirm.select': NOTHING,
  'tx.select': NOTHING,
  'tx.commit': NOTHING,
  'tx.rollback': NOTHING,
} as const satisfies { readonly [M in FromClient]: NeedsRow<FieldOf<M>> }

/** The rows as data of one type, for those who go through all of them. */
export const NEEDS_ROWS: Readonly<Record<FromClient, NeedsRow>> = NEEDS
