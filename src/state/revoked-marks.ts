/**
 * Who lost their authority lately, as this process knows: a ticket from before counts no more, whatever the store still
 * holds of it.
 */
import { type Identity, identityKeys, type RevokedKeys, sessionKeys } from '../../auth/index.ts'

/** Longer than any ticket lives. */
const KEPT_MS = 15 * 60 * 1000
const MOST = 100_000

export class RevokedMarks {
  /** When, oldest first. */
  readonly #marks = new Map<string, number>()

  add({ identities = [], sessions = [] }: RevokedKeys, atMs: number): void {
    for (const key of [...identities.map(ofPerson), ...sessions.map(ofSession)]) {
      this.#marks.delete(key)
      this.#marks.set(key, atMs)
    }
    for (const [key, markedMs] of this.#marks) {
      if (markedMs + KEPT_MS > atMs && this.#marks.size <= MOST) break
      this.#marks.delete(key)
    }
  }

  hasLost(identity: Identity, sinceMs: number): boolean {
    if (this.#marks.size === 0) return false
    const keys = [...identityKeys(identity).map(ofPerson), ...sessionKeys(identity).map(ofSession)]
    return keys.some((key) => (this.#marks.get(key) ?? 0) > sinceMs)
  }
}

function ofPerson(key: string): string {
  return `person ${key}`
}

function ofSession(key: string): string {
  return `session ${key}`
}
