/** Things by any of several keys of theirs. A key that nothing has any more is forgotten. */
export class KeyIndex<T> {
  readonly #byKey = new Map<string, Set<T>>()

  add(keys: Iterable<string>, thing: T): void {
    for (const key of keys) {
      const things = this.#byKey.get(key)
      if (things === undefined) this.#byKey.set(key, new Set([thing]))
      else things.add(thing)
    }
  }

  /** Must be told the keys it was added with. */
  remove(keys: Iterable<string>, thing: T): void {
    for (const key of keys) {
      const things = this.#byKey.get(key)
      things?.delete(thing)
      if (things?.size === 0) this.#byKey.delete(key)
    }
  }

  /** In the order in which they were added; stays as it is whatever is added and removed meanwhile. */
  of(key: string): readonly T[] {
    return [...this.each(key)]
  }

  /** The same, for a look that changes nothing. */
  each(key: string): Iterable<T> {
    return this.#byKey.get(key) ?? []
  }

  count(key: string): number {
    return this.#byKey.get(key)?.size ?? 0
  }
}
