/** Whom a promotion rule (`when`) or a permission entry (`for`) speaks of. Keys are AND, a list is OR, no key is anyone. */
import { z } from 'zod'
import { addressRange, oneOrMany, text } from './units.ts'

const glob = z.strictObject({ glob: text('a pattern').describe('`*` stands for any run of characters, `?` for one.') })
const matches = z.strictObject({
  matches: text('a regular expression', 512).describe(
    'Regular expression over the whole value, of the subset that takes linear time.',
  ),
})

const PATTERN_TEXT = 'expected a value, { glob: PATTERN }, { matches: EXPRESSION } or a list of these'

const condition = oneOrMany(z.union([text('a value'), glob, matches], { error: PATTERN_TEXT })).meta({
  id: 'condition',
  title: 'condition',
})
const claimCondition = oneOrMany(
  z.union([z.string(), z.number(), z.boolean(), glob, matches], { error: PATTERN_TEXT }),
).meta({ id: 'claimCondition', title: 'condition' })

const matchFields = {
  subject: condition.optional().describe('Who the identity is.'),
  role: condition.optional().describe('A role it has; never compared with subjects.'),
  claim: z
    .record(z.string(), claimCondition)
    .optional()
    .describe('Claim → value; a claim that is a list matches by any of its entries.'),
  issuer: condition.optional().describe("Who vouches: a token's `iss`, else the authenticator's name."),
  authenticator: condition.optional().describe("The authenticator's name in this file."),
  address: oneOrMany(addressRange).optional().describe("The client's address, after trusted proxies."),
}

export const when = z.strictObject(matchFields)

export const permissionFor = z.strictObject({
  ...matchFields,
  tag: condition.optional().describe('A tag that the winning promotion rule set.'),
})
