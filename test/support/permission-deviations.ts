/**
 * Where the gateway is stricter than RabbitMQ's own permissions, on purpose. The only list: docs/permissions.md is generated
 * from it, and a difference that none of its entries explains fails the test of equivalence.
 */
import type { Step } from './permission-script.ts'

export interface Deviation {
  readonly name: string
  readonly rabbitmq: string
  readonly here: string
  /** Whether it can be why the gateway refuses this step where the broker did not. Without: no generated step meets it. */
  readonly explains?: (step: Step) => boolean
}

/** Whether it binds, unbinds or publishes with a key. */
const usesKey = ({ fields }: Step): boolean => 'routingKey' in fields
const publishes = ({ method }: Step): boolean => method === 'basic.publish'

export const DEVIATIONS: readonly Deviation[] = [
  {
    name: 'passive declarations',
    rabbitmq: 'need nothing before 4.2.6',
    here: 'need any permission on the name',
    explains: ({ method, fields }) => method.endsWith('.declare') && fields['passive'] === true,
  },
  {
    name: 'the default exchange',
    rabbitmq: 'one permission for all queues (`amq.default`)',
    here: 'write on the queue that the key names',
    explains: (step) => publishes(step) && step.fields['exchange'] === '',
  },
  {
    name: 'CC and BCC',
    rabbitmq: 'not compared with topic permissions before 4.0.3',
    here: 'as the routing key',
    explains: (step) => publishes(step) && step.copies !== undefined,
  },
  {
    name: 'reply-to',
    rabbitmq: 'not looked at; addresses are free',
    here: 'a queue one may read, or an address that was delivered to the session',
    explains: (step) => publishes(step) && step.replyTo !== undefined,
  },
  {
    name: 'keys of dead letters and alternate exchanges',
    rabbitmq: 'not looked at',
    here: 'as if published with them',
    explains: ({ method, fields }) =>
      method.endsWith('.declare') && (fields['arguments'] as readonly unknown[]).length > 0,
  },
  {
    name: 'keys of the destination',
    rabbitmq: 'not looked at in exchange bindings',
    here: 'every key must be writable',
    explains: ({ method }) => method === 'exchange.bind' || method === 'exchange.unbind',
  },
  {
    name: 'keys whatever the type',
    rabbitmq: 'compared for topic exchanges only',
    here: 'compared for all',
    explains: usesKey,
  },
  {
    name: 'binding patterns',
    rabbitmq: 'compared as text with an expression',
    here: 'contained as patterns; at most 2 `#`, 16 `*`, 128 words',
  },
  {
    name: 'server-named queues',
    rabbitmq: 'a permission on `amq.gen-…`',
    here: 'a permission of their own; must be exclusive or auto-delete',
  },
  { name: 'a consumer tag that is in use', rabbitmq: 'ends the connection', here: 'ends the channel' },
  { name: 'names with control characters', rabbitmq: 'shortened by some methods', here: 'refused' },
  { name: 'arguments', rabbitmq: 'all allowed', here: 'those listed' },
]
