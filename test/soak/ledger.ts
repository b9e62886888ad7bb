/** What was sent, confirmed, delivered and found at the end; and whether that fits together. */

export class Ledger {
  readonly #sent = new Map<number, number>()
  readonly #confirmed = new Set<string>()
  readonly #seen = new Set<string>()
  /** Messages that came to one consumer, for the first time, behind a later one of the same publisher. */
  readonly disorder: string[] = []
  redelivered = 0
  deliveries = 0

  /** The next message of a publisher: `publisher:number`, numbers rising. */
  next(publisher: number): string {
    const number = (this.#sent.get(publisher) ?? 0) + 1
    this.#sent.set(publisher, number)
    return `${publisher}:${number}`
  }

  confirm(message: string): void {
    this.#confirmed.add(message)
  }

  /** @param latest the latest number of each publisher that this consumer connection has seen; kept by its consumer */
  deliver(message: string, redelivered: boolean, latest: Map<string, number>): void {
    this.deliveries++
    this.#seen.add(message)
    if (redelivered) {
      this.redelivered++
      return
    }
    const [publisher = '', text = ''] = message.split(':')
    const number = Number(text)
    if (number < (latest.get(publisher) ?? 0)) this.disorder.push(message)
    latest.set(publisher, Math.max(number, latest.get(publisher) ?? 0))
  }

  get sentCount(): number {
    return [...this.#sent.values()].reduce((sum, count) => sum + count, 0)
  }

  get confirmedCount(): number {
    return this.#confirmed.size
  }

  /** Confirmed, and neither delivered nor stored: what must not be. */
  lost(): string[] {
    return [...this.#confirmed].filter((message) => !this.#seen.has(message))
  }
}
