/** What an operator reads: a line that is the same as one before is not repeated for a while. */

const QUIET_MS = 10_000
const KNOWN_MAX = 100

export class Notes {
  readonly #write: (line: string) => void
  readonly #last = new Map<string, number>()

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  note(line: string): void {
    const nowMs = performance.now()
    const lastMs = this.#last.get(line)
    if (lastMs !== undefined && nowMs - lastMs < QUIET_MS) return
    if (this.#last.size >= KNOWN_MAX) this.#last.clear()
    this.#last.set(line, nowMs)
    this.#write(line.replace(/\p{C}/gu, '?'))
  }
}
