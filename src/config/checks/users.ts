/** Users, in a file or in place, judged by what will compare their passwords. */
import { compileUsers, InvalidConfiguration } from '../../../auth/index.ts'
import type { Finding } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import type { Users } from '../schema/schema.ts'

/** Hashes that are damaged, names that HTTP Basic cannot carry. */
export function checkUsers(users: Users, path: Path): Finding[] {
  try {
    compileUsers(users)
    return []
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error
    return error.problems.map(({ path: below, message }) => ({
      path: [...path, ...below],
      at: below.length === 1 ? 'key' : 'value',
      message,
    }))
  }
}
