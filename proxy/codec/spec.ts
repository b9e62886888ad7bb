/**
 * The protocol as one table: every method of AMQP 0-9-1 and of RabbitMQ's extensions, its ids, who may send it, and its
 * fields in wire order (the key order of `fields`; consecutive bits share octets). The only description of the protocol
 * here: types, checks, decoder, encoder, filter slots, generators of tests and documentation derive from it.
 * Ids, names and types are compared with the published description in a test; the directions are this table's own, as
 * that description marks some of them wrongly. Not here: what order methods may come in (the session's phases).
 */
import type { WireType, WireValues } from './value.ts'

export interface MethodSpec {
  /** Class id and method id. */
  readonly id: readonly [classId: number, methodId: number]
  readonly from: 'client' | 'broker' | 'both'
  /** A content header and body follow. */
  readonly content?: true
  /** Not in AMQP 0-9-1 as published by its working group, but in RabbitMQ. */
  readonly rabbitmq?: true
  readonly fields: Readonly<Record<string, WireType>>
}

/** All methods by dotted name, in the order of the specification's classes. */
export const METHODS = {
  'connection.start': {
    id: [10, 10],
    from: 'broker',
    fields: {
      versionMajor: 'octet',
      versionMinor: 'octet',
      serverProperties: 'table',
      mechanisms: 'longstr',
      locales: 'longstr',
    },
  },
  'connection.start-ok': {
    id: [10, 11],
    from: 'client',
    fields: { clientProperties: 'table', mechanism: 'shortstr', response: 'longstr', locale: 'shortstr' },
  },
  'connection.secure': { id: [10, 20], from: 'broker', fields: { challenge: 'longstr' } },
  'connection.secure-ok': { id: [10, 21], from: 'client', fields: { response: 'longstr' } },
  'connection.tune': {
    id: [10, 30],
    from: 'broker',
    fields: { channelMax: 'short', frameMax: 'long', heartbeat: 'short' },
  },
  'connection.tune-ok': {
    id: [10, 31],
    from: 'client',
    fields: { channelMax: 'short', frameMax: 'long', heartbeat: 'short' },
  },
  'connection.open': {
    id: [10, 40],
    from: 'client',
    fields: { virtualHost: 'shortstr', reserved1: 'shortstr', reserved2: 'bit' },
  },
  'connection.open-ok': { id: [10, 41], from: 'broker', fields: { reserved1: 'shortstr' } },
  'connection.close': {
    id: [10, 50],
    from: 'both',
    fields: { replyCode: 'short', replyText: 'shortstr', classId: 'short', methodId: 'short' },
  },
  'connection.close-ok': { id: [10, 51], from: 'both', fields: {} },
  'connection.blocked': { id: [10, 60], from: 'broker', rabbitmq: true, fields: { reason: 'shortstr' } },
  'connection.unblocked': { id: [10, 61], from: 'broker', rabbitmq: true, fields: {} },
  'connection.update-secret': {
    id: [10, 70],
    from: 'client',
    rabbitmq: true,
    fields: { newSecret: 'longstr', reason: 'shortstr' },
  },
  'connection.update-secret-ok': { id: [10, 71], from: 'broker', rabbitmq: true, fields: {} },

  'channel.open': { id: [20, 10], from: 'client', fields: { reserved1: 'shortstr' } },
  'channel.open-ok': { id: [20, 11], from: 'broker', fields: { reserved1: 'longstr' } },
  'channel.flow': { id: [20, 20], from: 'both', fields: { active: 'bit' } },
  'channel.flow-ok': { id: [20, 21], from: 'both', fields: { active: 'bit' } },
  'channel.close': {
    id: [20, 40],
    from: 'both',
    fields: { replyCode: 'short', replyText: 'shortstr', classId: 'short', methodId: 'short' },
  },
  'channel.close-ok': { id: [20, 41], from: 'both', fields: {} },

  // No part of 0-9-1 any more. RabbitMQ still answers old clients, and ignores the ticket it gives them.
  'access.request': {
    id: [30, 10],
    from: 'client',
    rabbitmq: true,
    fields: { realm: 'shortstr', exclusive: 'bit', passive: 'bit', active: 'bit', write: 'bit', read: 'bit' },
  },
  'access.request-ok': { id: [30, 11], from: 'broker', rabbitmq: true, fields: { ticket: 'short' } },

  'exchange.declare': {
    id: [40, 10],
    from: 'client',
    fields: {
      reserved1: 'short',
      exchange: 'shortstr',
      type: 'shortstr',
      passive: 'bit',
      durable: 'bit',
      autoDelete: 'bit',
      internal: 'bit',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  'exchange.declare-ok': { id: [40, 11], from: 'broker', fields: {} },
  'exchange.delete': {
    id: [40, 20],
    from: 'client',
    fields: { reserved1: 'short', exchange: 'shortstr', ifUnused: 'bit', noWait: 'bit' },
  },
  'exchange.delete-ok': { id: [40, 21], from: 'broker', fields: {} },
  'exchange.bind': {
    id: [40, 30],
    from: 'client',
    rabbitmq: true,
    fields: {
      reserved1: 'short',
      destination: 'shortstr',
      source: 'shortstr',
      routingKey: 'shortstr',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  'exchange.bind-ok': { id: [40, 31], from: 'broker', rabbitmq: true, fields: {} },
  'exchange.unbind': {
    id: [40, 40],
    from: 'client',
    rabbitmq: true,
    fields: {
      reserved1: 'short',
      destination: 'shortstr',
      source: 'shortstr',
      routingKey: 'shortstr',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  // 51, not the 41 that every other pair would suggest.
  'exchange.unbind-ok': { id: [40, 51], from: 'broker', rabbitmq: true, fields: {} },

  'queue.declare': {
    id: [50, 10],
    from: 'client',
    fields: {
      reserved1: 'short',
      queue: 'shortstr',
      passive: 'bit',
      durable: 'bit',
      exclusive: 'bit',
      autoDelete: 'bit',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  'queue.declare-ok': {
    id: [50, 11],
    from: 'broker',
    fields: { queue: 'shortstr', messageCount: 'long', consumerCount: 'long' },
  },
  'queue.bind': {
    id: [50, 20],
    from: 'client',
    fields: {
      reserved1: 'short',
      queue: 'shortstr',
      exchange: 'shortstr',
      routingKey: 'shortstr',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  'queue.bind-ok': { id: [50, 21], from: 'broker', fields: {} },
  'queue.unbind': {
    id: [50, 50],
    from: 'client',
    fields: {
      reserved1: 'short',
      queue: 'shortstr',
      exchange: 'shortstr',
      routingKey: 'shortstr',
      arguments: 'table',
    },
  },
  'queue.unbind-ok': { id: [50, 51], from: 'broker', fields: {} },
  'queue.purge': { id: [50, 30], from: 'client', fields: { reserved1: 'short', queue: 'shortstr', noWait: 'bit' } },
  'queue.purge-ok': { id: [50, 31], from: 'broker', fields: { messageCount: 'long' } },
  'queue.delete': {
    id: [50, 40],
    from: 'client',
    fields: { reserved1: 'short', queue: 'shortstr', ifUnused: 'bit', ifEmpty: 'bit', noWait: 'bit' },
  },
  'queue.delete-ok': { id: [50, 41], from: 'broker', fields: { messageCount: 'long' } },

  'basic.qos': {
    id: [60, 10],
    from: 'client',
    fields: { prefetchSize: 'long', prefetchCount: 'short', global: 'bit' },
  },
  'basic.qos-ok': { id: [60, 11], from: 'broker', fields: {} },
  'basic.consume': {
    id: [60, 20],
    from: 'client',
    fields: {
      reserved1: 'short',
      queue: 'shortstr',
      consumerTag: 'shortstr',
      noLocal: 'bit',
      noAck: 'bit',
      exclusive: 'bit',
      noWait: 'bit',
      arguments: 'table',
    },
  },
  'basic.consume-ok': { id: [60, 21], from: 'broker', fields: { consumerTag: 'shortstr' } },
  // From the broker too: RabbitMQ tells a client with `consumer_cancel_notify` that its queue is gone.
  'basic.cancel': { id: [60, 30], from: 'both', fields: { consumerTag: 'shortstr', noWait: 'bit' } },
  'basic.cancel-ok': { id: [60, 31], from: 'both', fields: { consumerTag: 'shortstr' } },
  'basic.publish': {
    id: [60, 40],
    from: 'client',
    content: true,
    fields: { reserved1: 'short', exchange: 'shortstr', routingKey: 'shortstr', mandatory: 'bit', immediate: 'bit' },
  },
  'basic.return': {
    id: [60, 50],
    from: 'broker',
    content: true,
    fields: { replyCode: 'short', replyText: 'shortstr', exchange: 'shortstr', routingKey: 'shortstr' },
  },
  'basic.deliver': {
    id: [60, 60],
    from: 'broker',
    content: true,
    fields: {
      consumerTag: 'shortstr',
      deliveryTag: 'longlong',
      redelivered: 'bit',
      exchange: 'shortstr',
      routingKey: 'shortstr',
    },
  },
  'basic.get': { id: [60, 70], from: 'client', fields: { reserved1: 'short', queue: 'shortstr', noAck: 'bit' } },
  'basic.get-ok': {
    id: [60, 71],
    from: 'broker',
    content: true,
    fields: {
      deliveryTag: 'longlong',
      redelivered: 'bit',
      exchange: 'shortstr',
      routingKey: 'shortstr',
      messageCount: 'long',
    },
  },
  'basic.get-empty': { id: [60, 72], from: 'broker', fields: { reserved1: 'shortstr' } },
  // From the broker too: publisher confirms.
  'basic.ack': { id: [60, 80], from: 'both', fields: { deliveryTag: 'longlong', multiple: 'bit' } },
  'basic.reject': { id: [60, 90], from: 'client', fields: { deliveryTag: 'longlong', requeue: 'bit' } },
  'basic.recover-async': { id: [60, 100], from: 'client', fields: { requeue: 'bit' } },
  'basic.recover': { id: [60, 110], from: 'client', fields: { requeue: 'bit' } },
  'basic.recover-ok': { id: [60, 111], from: 'broker', fields: {} },
  'basic.nack': {
    id: [60, 120],
    from: 'both',
    rabbitmq: true,
    fields: { deliveryTag: 'longlong', multiple: 'bit', requeue: 'bit' },
  },

  'confirm.select': { id: [85, 10], from: 'client', rabbitmq: true, fields: { noWait: 'bit' } },
  'confirm.select-ok': { id: [85, 11], from: 'broker', rabbitmq: true, fields: {} },

  'tx.select': { id: [90, 10], from: 'client', fields: {} },
  'tx.select-ok': { id: [90, 11], from: 'broker', fields: {} },
  'tx.commit': { id: [90, 20], from: 'client', fields: {} },
  'tx.commit-ok': { id: [90, 21], from: 'broker', fields: {} },
  'tx.rollback': { id: [90, 30], from: 'client', fields: {} },
  'tx.rollback-ok': { id: [90, 31], from: 'broker', fields: {} },
} as const satisfies Readonly<Record<string, MethodSpec>>

type Spec = typeof METHODS

/** A method's dotted name. */
export type MethodName = keyof Spec

/** The methods a client may send. */
export type FromClient = { [M in MethodName]: Spec[M]['from'] extends 'broker' ? never : M }[MethodName]

/** The methods a broker may send. */
export type FromBroker = { [M in MethodName]: Spec[M]['from'] extends 'client' ? never : M }[MethodName]

type ValueOf<T> = T extends WireType ? WireValues[T] : never

/** A method's fields as values. */
export type Fields<M extends MethodName> = { readonly [F in keyof Spec[M]['fields']]: ValueOf<Spec[M]['fields'][F]> }

type Reserved = `reserved${string}`

/** What the encoder needs of a method's fields: reserved ones may be left out and are zero then. */
export type Arguments<M extends MethodName> = Omit<Fields<M>, Reserved> &
  Partial<Pick<Fields<M>, keyof Fields<M> & Reserved>>

/** Every field name there is. */
export type MethodFieldName = { [M in MethodName]: keyof Spec[M]['fields'] }[MethodName] & string

/** The values a field of this name can have; one type for all methods, except for reserved ones. */
export type FieldValue<F extends MethodFieldName> = {
  [M in MethodName]: F extends keyof Spec[M]['fields'] ? ValueOf<Spec[M]['fields'][F]> : never
}[MethodName]
