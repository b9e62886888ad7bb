/** Users files take effect when they change; secret files are read by every session anyway. */
import type { Authenticator } from '../../auth/index.ts'
import { type ReadingAgain, reloadAuthenticator } from './read-again.ts'
import { watchFiles } from './watch.ts'

/** Reads each users file of the generation again when it changes. @returns a function that stops watching */
export function watchUsers(parts: ReadingAgain): () => void {
  const { config, authenticators } = parts.generation
  const users = new Map<string, Authenticator[]>()
  for (const authenticator of authenticators.values()) {
    const written = config.authenticators[authenticator.name]
    if (written?.type !== 'basic' || typeof written.users !== 'string') continue
    users.set(written.users, [...(users.get(written.users) ?? []), authenticator])
  }
  return watchFiles(users.keys(), (file) => {
    for (const authenticator of users.get(file) ?? []) void reloadAuthenticator(authenticator, parts)
  })
}
