/**
 * Names of keys in the store. All keys of one kind and scope have one tag, so that one script may touch several of them in
 * a cluster, too.
 */
import { createHash } from 'node:crypto'

export class StoreKeys {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** Of a kind that is the same for everything. */
  of(kind: string): (name: string) => string {
    return (name) => `${this.#prefix}:{${kind}}:${name}`
  }

  /** Of one scope of a kind: scopes are long, and say what the configuration says. */
  scoped(kind: string, scope: string): (name: string) => string {
    return this.of(`${kind}.${digest(scope).slice(0, 16)}`)
  }
}

/** In base64url. */
export function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
