/** The users of a `basic` authenticator: passwords as hashes, roles, claims. */
import { z } from 'zod'
import { oneOrMany, text } from './units.ts'

const HASH_TEXT = 'expected a hash as `gatehouse hash-password` prints it'

/** One user. */
export const user = z.strictObject({
  password: z
    .string({ error: HASH_TEXT })
    .regex(/^\$[a-z0-9-]+\$[\x21-\x7e]+$/, { error: HASH_TEXT })
    .describe('Hash of the password, from `gatehouse hash-password`.'),
  roles: oneOrMany(text('a role'), 0).prefault([]).describe('Roles of the user.'),
  claims: z.record(z.string(), z.unknown()).prefault({}).describe('Claims of the user, for rules.'),
})

/** The whole of a users file. */
export const usersFile = z.strictObject({
  users: z.record(text('a user name', 255), user).describe('Name → user.'),
})

export type Users = z.output<typeof usersFile>['users']
