/** What was sent, confirmed, delivered and found at the end; and whether that fits together. A byte for each message. */

const CONFIRMED = 1
const SEEN = 2

export class Ledger {
  readonly #sent = new Map<number, number>()
  /** By publisher, then by the message's number. */
  readonly #marks = new Map<number, Uint8Array>()
  /** Messages that came to one consumer, for the first time, behind a later one of the same publisher. */
  readonly disorder: string[] = []
  confirmedCount = 0
  redelivered = 0
  deliveries = 0

  /** The next message of a publisher: `publisher:number`, numbers rising. */
  next(publisher: number): string {
    const number = (this.#sent.get(publisher) ?? 0) + 1
    this.#sent.set(publisher, number)
    return `${publisher}:${number}`
  }

  confirm(message: string): void {
    if (this.#mark(message, CONFIRMED)) this.confirmedCount++
  }

  /** @param latest the latest number of each publisher that this consumer connection has seen; kept by its consumer */
  deliver(message: string, redelivered: boolean, latest: Map<number, number>): void {
    this.deliveries++
    this.#mark(message, SEEN)
    if (redelivered) {
      this.redelivered++
      return
    }
    const [publisher, number] = parts(message)
    if (number < (latest.get(publisher) ?? 0)) this.disorder.push(message)
    latest.set(publisher, Math.max(number, latest.get(publisher) ?? 0))
  }

  get sentCount(): number {
    return [...this.#sent.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Confirmed, and neither delivered nor stored: what must not be. */
  lost(): string[] {
    const lost: string[] = []
    for (const [publisher, marks] of this.#marks)
      for (const [number, mark] of marks.entries()) if (mark === CONFIRMED) lost.push(`${publisher}:${number}`)
    return lost
  }

  /** @returns whether the message did not have this mark yet */
  #mark(message: string, mark: number): boolean {
    const [publisher, number] = parts(message)
    let marks = this.#marks.get(publisher) ?? new Uint8Array(1024)
    if (number >= marks.length) {
      const larger = new Uint8Array(number * 2)
      larger.set(marks)
      marks = larger
    }
    this.#marks.set(publisher, marks)
    const before = marks[number] ?? 0
    marks[number] = before | mark
    return (before & mark) === 0
  }
}

function parts(message: string): [number, number] {
  const colon = message.indexOf(':')
  return [Number(message.slice(0, colon)), Number(message.slice(colon + 1))]
}
