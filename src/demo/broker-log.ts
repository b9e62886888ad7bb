/** The end of what a broker writes, at most 256 KiB, and a way to wait for a line of it. */
import { stripVTControlCharacters } from 'node:util'

const KEPT_CHARACTERS = 256 * 1024

export class BrokerLog {
  #text = ''
  #pattern: RegExp | undefined
  #settle: ((found: boolean) => void) | undefined
  #found: Promise<boolean> = Promise.resolve(false)
  /** What came since `expect`, as far as a line can span two pieces. */
  #recent = ''

  get text(): string {
    return this.#text
  }

  add(text: string): void {
    const plain = stripVTControlCharacters(text)
    this.#text = (this.#text + plain).slice(-KEPT_CHARACTERS)
    if (this.#pattern === undefined) return
    this.#recent = (this.#recent + plain).slice(-plain.length - 1_000)
    if (this.#pattern.test(this.#recent)) this.#done(true)
  }

  /** From now on looks out for this pattern; `expected` tells whether it came. */
  expect(pattern: RegExp): void {
    this.#pattern = pattern
    this.#recent = ''
    this.#found = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  /** Nothing more will come. */
  end(): void {
    this.#done(false)
  }

  /** Whether the pattern came before the end and before the deadline. */
  async expected(deadlineMs: number): Promise<boolean> {
    const timer = setTimeout(() => this.#done(false), deadlineMs)
    const found = await this.#found
    clearTimeout(timer)
    return found
  }

  #done(found: boolean): void {
    this.#pattern = undefined
    this.#settle?.(found)
  }
}
