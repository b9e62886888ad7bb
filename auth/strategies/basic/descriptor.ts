/** The type `basic`. */
import { z } from 'zod'
import { filePath } from '../../schema/index.ts'
import type { AuthenticatorDescriptor } from '../descriptor.ts'
import { realm } from '../realm-schema.ts'
import { basicAuthenticator } from './basic.ts'
import { usersMistakes } from './users.ts'
import { usersSchema } from './users-schema.ts'

const schema = z.strictObject({
  type: z.literal('basic').describe('HTTP Basic [RFC 7617] against a users file.'),
  realm,
  users: z
    .union([filePath, usersSchema], { error: 'expected the path of a users file, or the users themselves' })
    .describe('The users file (watched, re-read when it changes), or users in place.'),
})

export const basic: AuthenticatorDescriptor<typeof schema> = {
  schema,
  check: ({ users }) =>
    typeof users === 'string'
      ? []
      : usersMistakes(users).map((mistake) => ({ ...mistake, path: ['users', ...mistake.path] })),
  files: ({ users }) =>
    typeof users === 'string' ? [{ path: ['users'], file: users, holds: 'users', isFollowed: true }] : [],
  ambient: () => 'browsers keep Basic passwords and send them again',
  async make({ name, config: { realm, users }, scope }, { readUsers, hashQueue, state }) {
    const attempts = state.attempts(scope)
    if (typeof users !== 'string') return basicAuthenticator({ name, realm, users, queue: hashQueue, attempts })
    const loadUsers = async () => await readUsers(users)
    return basicAuthenticator({ name, realm, users: await loadUsers(), loadUsers, queue: hashQueue, attempts })
  },
}
