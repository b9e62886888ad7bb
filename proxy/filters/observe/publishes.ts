/** Counts what is published to each exchange. Most publishes go where the last one went: that is seen in the bytes. */
import type { PublishView } from '../filter.ts'

/** Most exchanges counted apart; what goes to further ones is counted under the name `*`. */
export const EXCHANGES_MAX = 256
const OTHERS = '*'

export interface PublishCount {
  messages: number
  bytes: number
}

/** Where the exchange's name begins in the arguments, behind the reserved short: at its length. */
const EXCHANGE_AT = 2

const NOTHING: Buffer = Buffer.alloc(0)

export class PublishCounts {
  /** Made when first needed. */
  #byExchange: Map<string, PublishCount> | undefined
  #lastName: Buffer = NOTHING
  #last: PublishCount | undefined

  add(publish: PublishView): void {
    const count = this.#last !== undefined && this.#isLast(publish) ? this.#last : this.#find(publish)
    count.messages += 1
    count.bytes += publish.header.bodyBytes
  }

  get isEmpty(): boolean {
    return (this.#byExchange?.size ?? 0) === 0
  }

  /** Hands each count to `write`, and forgets those that it took. @returns whether it took all */
  flush(write: (exchange: string, count: Readonly<PublishCount>) => boolean): boolean {
    for (const [exchange, count] of this.#byExchange ?? []) {
      if (!write(exchange, count)) return false
      this.#byExchange?.delete(exchange)
    }
    this.#byExchange = undefined
    this.#last = undefined
    return true
  }

  #isLast({ buffer, start }: PublishView): boolean {
    const name = this.#lastName
    for (let at = 0; at < name.length; at += 1) if (name[at] !== buffer[start + EXCHANGE_AT + at]) return false
    return true
  }

  #find({ exchange, buffer, start }: PublishView): PublishCount {
    this.#byExchange ??= new Map()
    const name = this.#byExchange.has(exchange) || this.#byExchange.size < EXCHANGES_MAX ? exchange : OTHERS
    const count = this.#byExchange.get(name) ?? { messages: 0, bytes: 0 }
    this.#byExchange.set(name, count)
    const at = start + EXCHANGE_AT
    this.#lastName = Buffer.from(buffer.subarray(at, at + 1 + (buffer[at] as number)))
    this.#last = count
    return count
  }
}
