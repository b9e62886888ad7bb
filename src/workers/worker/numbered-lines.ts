/** The log of a worker: each line says which one it is of. */
import type { Lines } from '../../ops/log.ts'

export class NumberedLines implements Lines {
  readonly #to: Lines
  readonly #end: string

  constructor(to: Lines, worker: number) {
    this.#to = to
    this.#end = `,"worker":${worker}}\n`
  }

  /** @param line an object as JSON, never an empty one */
  write(line: string): unknown {
    return this.#to.write(`${line.slice(0, line.lastIndexOf('}'))}${this.#end}`)
  }

  async flush(): Promise<void> {
    await this.#to.flush?.()
  }
}
