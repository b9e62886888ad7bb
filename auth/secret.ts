/** A secret that no log, error or dump can show: it prints `[redacted]` wherever it is printed. */
import { timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

const REDACTED = '[redacted]'

export class Secret {
  readonly #bytes: Buffer

  /** Copies the bytes into memory of its own, outside Node's shared pool. */
  constructor(value: string | Uint8Array) {
    const source = typeof value === 'string' ? Buffer.from(value) : value
    this.#bytes = Buffer.alloc(source.length)
    this.#bytes.set(source)
  }

  get byteLength(): number {
    return this.#bytes.length
  }

  /** A fresh copy outside any pool; whoever takes it overwrites it after use. */
  reveal(): Buffer {
    const copy = Buffer.alloc(this.#bytes.length)
    copy.set(this.#bytes)
    return copy
  }

  /** In constant time for secrets of one length; the length itself is no secret. */
  equals(other: Secret): boolean {
    const { length } = this.#bytes
    return length === other.#bytes.length && timingSafeEqual(this.#bytes, other.#bytes)
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}
