/** So many at once, so many waiting in line, and no more: what strangers can cause the gateway to ask of a provider. */

export class BoundedLine {
  readonly #runningCount: number
  readonly #waitingCount: number
  #free: number
  readonly #line: (() => void)[] = []

  constructor(runningCount: number, waitingCount: number) {
    this.#runningCount = runningCount
    this.#waitingCount = waitingCount
    this.#free = runningCount
  }

  /** Settles as `work` does, once it is its turn. @throws {RangeError} where the line is full */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else if (this.#line.length < this.#waitingCount) await new Promise<void>((resolve) => this.#line.push(resolve))
    else throw new RangeError(`${this.#runningCount} are under way and ${this.#waitingCount} waiting`)
    try {
      return await work()
    } finally {
      const next = this.#line.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
