/**
 * The properties a content header of class `basic` may carry, as one table. Types, content header reader and writer
 * derive from it; it says nothing about what a property may contain (policy decides).
 */
import type { WireType, WireValues } from './value.ts'

/** The class that content belongs to. */
export const BASIC_CLASS_ID = 60

/**
 * The content properties of class `basic`, in wire order: the first has flag bit 15, the last bit 2. [AMQP §4.2.6.1]
 * The last is reserved in 0-9-1; RabbitMQ and its clients still know it as cluster-id.
 */
export const PROPERTIES = {
  contentType: 'shortstr',
  contentEncoding: 'shortstr',
  headers: 'table',
  deliveryMode: 'octet',
  priority: 'octet',
  correlationId: 'shortstr',
  replyTo: 'shortstr',
  expiration: 'shortstr',
  messageId: 'shortstr',
  timestamp: 'timestamp',
  type: 'shortstr',
  userId: 'shortstr',
  appId: 'shortstr',
  clusterId: 'shortstr',
} as const satisfies Readonly<Record<string, WireType>>

export type PropertyName = keyof typeof PROPERTIES

/** Content properties as values; absent where the flag is not set. */
export type Properties = { readonly [P in PropertyName]?: WireValues[(typeof PROPERTIES)[P]] }

/** All properties in wire order; a property's position is its place. */
export const PROPERTY_NAMES: readonly PropertyName[] = Object.keys(PROPERTIES) as PropertyName[]

/** The flag of the property at this place. */
export function flagOf(place: number): number {
  return 0x8000 >> place
}
