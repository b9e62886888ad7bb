/** Users files take effect when they change; secret files are read by every session anyway. */
import { type Authenticator, descriptorOf } from '../../../auth/index.ts'
import type { Generation } from '../generation.ts'
import { watchFiles } from './watch.ts'

export interface UsersFileEvents {
  /** People (`identityKey`) are gone, or are others now. */
  lost(keys: readonly string[]): void
  /** The file is no good; the users stay as they were. */
  failed(file: string, detail: string): void
}

/**
 * Reads each users file of the generation again when it changes, and once more now: it may have changed since it was read for
 * this generation, which takes its time to come into force. @returns a function that stops watching
 */
export function watchUsers({ config, authenticators }: Generation, events: UsersFileEvents): () => void {
  const users = new Map<string, Authenticator[]>()
  for (const authenticator of authenticators.values()) {
    const written = config.authenticators[authenticator.name]
    const files = written === undefined ? [] : (descriptorOf(written).files?.(written) ?? [])
    for (const { file, isFollowed } of files) {
      if (isFollowed) users.set(file, [...(users.get(file) ?? []), authenticator])
    }
  }
  const read = (file: string): void => {
    for (const authenticator of users.get(file) ?? []) void readUsers(authenticator, file, events)
  }
  const stop = watchFiles(users.keys(), read)
  for (const file of users.keys()) read(file)
  return stop
}

async function readUsers(authenticator: Authenticator, file: string, events: UsersFileEvents): Promise<void> {
  try {
    const lost = (await authenticator.readAgain?.())?.() ?? []
    if (lost.length > 0) events.lost(lost)
  } catch (error) {
    events.failed(file, error instanceof Error ? error.message : 'unknown failure')
  }
}
