/** What may be ordered through the API, from the command line and from code: one shape each. */
import { z } from 'zod'
import { count, duration, text } from '../../config/schema/units.ts'
import { isEmptyMatch, matchSchema } from '../match.ts'

const LONGEST_REASON = 200
const reason = text('a reason', LONGEST_REASON)

/** How long whoever was sent away is kept out: so that clients that connect again by themselves are not back at once. */
const hold = duration('0s', '1h').prefault('30s')

export const kickSchema = z.strictObject({
  match: matchSchema.refine((match) => !isEmptyMatch(match), {
    error: 'expected at least one condition: an empty one would mean everybody',
  }),
  /** The clients read it. */
  reason: reason.optional(),
  hold,
  /** Spreads the ends; absent: all at once. */
  perSecond: count(1, 10_000).optional(),
  /** Only tells how many are meant. */
  dryRun: z.boolean({ error: 'expected true or false' }).prefault(false),
})

/** In the query of the end of one session, whose id stands in the path. */
export const dismissSchema = kickSchema.pick({ hold: true })

export type KickOrder = z.output<typeof kickSchema>

export const blockSchema = z.strictObject({
  subject: text('a subject'),
  /** Absent: that subject of every issuer. */
  issuer: text('an issuer').optional(),
  for: duration('1s', '3650d'),
  /** For operators: clients do not read it. */
  reason,
})

export type BlockOrder = z.output<typeof blockSchema>
