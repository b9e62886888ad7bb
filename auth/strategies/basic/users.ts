/** The users of a `basic` authenticator, out of a parsed users file. Knows no passwords, only their hashes. */
import { isDeepStrictEqual } from 'node:util'
import { InvalidConfiguration, type Mistake } from '../../errors.ts'
import { hasControlCharacter, hasLoneSurrogate } from '../../promotion/conditions/variables.ts'
import { type PasswordHash, parsePasswordHash } from './password.ts'

/** One entry of `users`. */
export interface UserInput {
  /** Its password's hash. */
  readonly password: string
  readonly roles?: readonly string[] | undefined
  readonly claims?: Readonly<Record<string, unknown>> | undefined
}

/** `users` of a users file: name → user. */
export type UsersInput = Readonly<Record<string, UserInput>>

export interface User {
  readonly name: string
  readonly hash: PasswordHash
  readonly roles: readonly string[]
  readonly claims: Readonly<Record<string, unknown>>
}

/** By name, in Unicode's composed form. */
export type Users = ReadonlyMap<string, User>

const MAX_NAME_BYTES = 255

/** @throws InvalidConfiguration with every mistake, their paths below `input` */
export function compileUsers(input: UsersInput): Users {
  const problems: Mistake[] = []
  const users = new Map<string, User>()
  for (const [written, { password, roles = [], claims = {} }] of Object.entries(input)) {
    const name = written.normalize('NFC')
    const wrong = nameProblem(name) ?? (users.has(name) ? 'there is a user of this name already' : undefined)
    if (wrong !== undefined) problems.push({ path: [written], message: wrong })
    try {
      users.set(name, { name, hash: parsePasswordHash(password), roles: [...new Set(roles)].sort(), claims })
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      problems.push({ path: [written, 'password'], message: error.message })
    }
  }
  if (problems.length > 0) throw new InvalidConfiguration(problems)
  return users
}

/** Hashes that are damaged, names that HTTP Basic cannot carry. */
export function usersMistakes(input: UsersInput): readonly Mistake[] {
  try {
    compileUsers(input)
    return []
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error
    return error.problems.map((mistake) => (mistake.path.length === 1 ? { ...mistake, at: 'key' } : mistake))
  }
}

/** Who is the same after as before is the very same object: a login under way goes on. */
export function keepUnchanged(before: Users, after: Users): Users {
  const kept = (user: User): User => {
    const old = before.get(user.name)
    return isDeepStrictEqual(old, user) && old !== undefined ? old : user
  }
  return new Map([...after].map(([name, user]) => [name, kept(user)]))
}

/** Names of users who are gone, or whose password, roles or claims are others now. New users are not among them. */
export function changedUsers(before: Users, after: Users): readonly string[] {
  return [...before.values()].filter((user) => !isDeepStrictEqual(user, after.get(user.name))).map(({ name }) => name)
}

function nameProblem(name: string): string | undefined {
  if (name === '') return 'a user needs a name'
  if (name.includes(':')) return 'a colon cannot be in a user’s name: HTTP Basic ends the name there'
  if (hasControlCharacter(name) || hasLoneSurrogate(name)) return 'a user’s name has no control characters'
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `a user’s name has at most ${MAX_NAME_BYTES} bytes`
  return undefined
}
