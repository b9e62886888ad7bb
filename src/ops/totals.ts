/** What has happened since the start, as plain numbers: what rates and charts are made of. */
export class Totals {
  opened = 0
  ended = 0
  refused = 0
  readonly #refusedFor = new Map<string, number>()

  refusedOnce(cause: string): void {
    this.refused++
    this.#refusedFor.set(cause, (this.#refusedFor.get(cause) ?? 0) + 1)
  }

  /** Refusals by cause, those of none left out. */
  refusedFor(): ReadonlyMap<string, number> {
    return this.#refusedFor
  }
}
