/** What each identity may do, in the broker's vocabulary of configure, write and read. Shape only: deciding is the policy's. */
import { z } from 'zod'
import { permissionFor } from './matching.ts'
import { text } from './units.ts'

const namePattern = text('a name pattern', 255)
const queuePattern = namePattern.describe('Queue names: `*` any run of characters, `?` one; variables are one word.')
const exchangePattern = namePattern.describe('Exchange names, likewise.')

const queue = z.strictObject({ queue: queuePattern })
const queueOrServerNamed = z.strictObject({
  queue: z
    .union([z.literal(''), namePattern])
    .describe('Queue names; the empty string: server-named ones, owned by the session that declared them.'),
})
const exchange = z.strictObject({ exchange: exchangePattern })
const exchangeForKey = z.strictObject({
  exchange: exchangePattern,
  routingKey: z
    .string({ error: 'expected a topic pattern such as orders.*.#' })
    .max(255, { error: 'expected a topic pattern of at most 255 characters' })
    .prefault('#')
    .describe('Topic pattern that the routing or binding key must be contained in; absent: `#`.'),
})

const argument = z.union(
  [
    z.literal(true),
    z.strictObject({
      min: z.number().optional().describe('Smallest number.'),
      max: z.number().optional().describe('Largest number.'),
      values: z
        .array(z.union([z.string(), z.number(), z.boolean()]))
        .min(1)
        .optional()
        .describe('The only values.'),
      inject: z.boolean().prefault(false).describe('Adds `max` where a declaration does not have the argument.'),
    }),
  ],
  { error: 'expected true (any value) or { min, max, values, inject }' },
)

export const permission = z.strictObject({
  for: permissionFor.optional().describe('Whom it is for; absent: everyone.'),
  configure: z
    .array(z.union([queueOrServerNamed, exchange], { error: 'expected { queue: PATTERN } or { exchange: PATTERN }' }))
    .prefault([])
    .describe('What may be declared and deleted.'),
  write: z
    .array(
      z.union([queue, exchangeForKey], {
        error: 'expected { queue: PATTERN } or { exchange: PATTERN, routingKey: PATTERN }',
      }),
    )
    .prefault([])
    .describe('What may be published to and bound as a destination.'),
  read: z
    .array(
      z.union([queue, exchangeForKey], {
        error: 'expected { queue: PATTERN } or { exchange: PATTERN, routingKey: PATTERN }',
      }),
    )
    .prefault([])
    .describe('What may be consumed, purged and bound from.'),
  arguments: z
    .record(z.string(), argument)
    .optional()
    .describe(
      'Arguments of declarations and consumers that are allowed; absent: TTL, length, expiry, overflow, priority, type, single-active-consumer.',
    ),
})
