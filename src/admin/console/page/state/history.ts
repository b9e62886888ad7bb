/** The last hour of some numbers, each sample a row; what a number was not known for is a gap. */

const MOST = 720
export const SAMPLE_MS = 5_000

export type Column = readonly (number | null)[]

export class History {
  /** Seconds since the epoch. */
  readonly times: number[] = []
  readonly #columns = new Map<string, (number | null)[]>()

  add(atMs: number, values: Readonly<Record<string, number>>): void {
    for (const name of Object.keys(values)) {
      if (!this.#columns.has(name)) this.#columns.set(name, Array<null>(this.times.length).fill(null))
    }
    this.times.push(atMs / 1000)
    for (const [name, column] of this.#columns) column.push(values[name] ?? null)
    if (this.times.length <= MOST) return
    this.times.shift()
    for (const [name, column] of this.#columns) {
      column.shift()
      if (column.every((value) => value === null)) this.#columns.delete(name)
    }
  }

  /** In the order of `times`; gaps alone where nothing is known of it. */
  column(name: string): Column {
    return this.#columns.get(name) ?? Array<null>(this.times.length).fill(null)
  }
}
