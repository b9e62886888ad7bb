/**
 * Where the gateway is stricter than RabbitMQ's own permissions, on purpose. docs/permissions.md lists the same; a difference
 * that none of these explains is a defect.
 */
import type { Step } from './permission-script.ts'

export interface Deviation {
  /** As in docs/permissions.md. */
  readonly name: string
  /** Whether it can be why the gateway refuses this step where the broker did not. */
  explains(step: Step): boolean
}

/** Whether it binds, unbinds or publishes with a key. */
const usesKey = ({ fields }: Step): boolean => 'routingKey' in fields

export const DEVIATIONS: readonly Deviation[] = [
  {
    name: 'passive declarations',
    explains: ({ method, fields }) => method.endsWith('.declare') && fields['passive'] === true,
  },
  {
    name: 'the default exchange',
    explains: ({ method, fields }) => method === 'basic.publish' && fields['exchange'] === '',
  },
  { name: 'CC and BCC', explains: ({ method, copies }) => method === 'basic.publish' && copies !== undefined },
  { name: 'reply-to', explains: ({ method, replyTo }) => method === 'basic.publish' && replyTo !== undefined },
  {
    name: 'keys of dead letters and alternate exchanges',
    explains: ({ method, fields }) =>
      method.endsWith('.declare') && (fields['arguments'] as readonly unknown[]).length > 0,
  },
  {
    name: 'keys of the destination',
    explains: ({ method }) => method === 'exchange.bind' || method === 'exchange.unbind',
  },
  { name: 'keys whatever the type', explains: usesKey },
  { name: 'transactions', explains: ({ method }) => method.startsWith('tx.') },
]
