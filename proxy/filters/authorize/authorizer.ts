/**
 * What the authorize filter asks of a policy: one identity's permissions, decided at once and without side effects.
 *
 * Names arrive as the broker will read them, "the last declared queue" already resolved; no rule may match an empty name,
 * or one with control characters. Where rules come from, whom they are for and how they are written is not known here.
 */
import type { Table, TableEntry } from '../../codec/table.ts'

/** RabbitMQ's three: to make and remove, to put into, to take out of. */
export type Permission = 'configure' | 'write' | 'read'

export type ResourceKind = 'queue' | 'exchange'

/** One permission on one resource: what a method needs, and what a refusal names. */
export interface Need {
  readonly permission: Permission
  readonly kind: ResourceKind
  readonly name: string
  /** For exchanges under `write` and `read`: the routing key, or the binding's pattern. */
  readonly routingKey?: string
}

export interface Authorizer {
  /** Grows when the policy or the identity changes: decisions made before may not hold any more. */
  readonly revision: number
  /** `false`: what is refused is reported and let through. */
  readonly enforce: boolean
  /** Whether queues named by the broker may be declared. */
  readonly mayDeclareServerNamed: boolean
  mayQueue(permission: Permission, queue: string): boolean
  mayConfigureExchange(exchange: string): boolean
  /** Publishing with this key, read literally. Never asked for the default exchange: there it is writing to a queue. */
  mayPublish(exchange: string, routingKey: string): boolean
  /** Binding with this pattern: everything that it matches must be allowed. `#` is the whole exchange. */
  mayBind(permission: 'write' | 'read', exchange: string, pattern: string): boolean
  /** Whether there is any permission at all on the name, under whatever key. */
  mayKnow(kind: ResourceKind, name: string): boolean
  /** Whether a declaration or consumer may carry this argument with this value. */
  mayCarry(argument: TableEntry): boolean
  /** Added to `queue.declare` where the client's table does not have them. */
  readonly injected: Table
}
