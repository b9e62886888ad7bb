/** The users of a `basic` authenticator as an operator writes them: passwords as hashes, roles, claims. */
import { z } from 'zod'
import { oneOrMany, text } from '../../schema/index.ts'

const HASH_TEXT = 'expected a hash as `gatehouse hash-password` prints it'

const user = z.strictObject({
  password: z
    .string({ error: HASH_TEXT })
    .regex(/^\$[a-z0-9-]+\$[\x21-\x7e]+$/, { error: HASH_TEXT })
    .describe('Hash of the password, from `gatehouse hash-password`.'),
  roles: oneOrMany(text('a role'), 0).prefault([]).describe('Roles of the user.'),
  claims: z.record(z.string(), z.unknown()).prefault({}).describe('Claims of the user, for rules.'),
})

/** Name → user. */
export const usersSchema = z.record(text('a user name', 255), user)

/** The whole of a users file. */
export const usersFileSchema = z.strictObject({ users: usersSchema.describe('Name → user.') })
