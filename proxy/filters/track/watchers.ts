/** Those who want to know of changes in one of a session's books. Few, and told at once. */
export class Watchers<W> {
  /** Made when first needed: most books are watched by nobody. */
  #watchers: W[] | undefined

  add(watcher: W): void {
    this.#watchers ??= []
    this.#watchers.push(watcher)
  }

  remove(watcher: W): void {
    const at = this.#watchers?.indexOf(watcher) ?? -1
    if (at !== -1) this.#watchers?.splice(at, 1)
  }

  tell(event: (watcher: W) => void): void {
    if (this.#watchers !== undefined) for (const watcher of this.#watchers) event(watcher)
  }
}
