/** What a gateway wrote, for tests to look at and to wait for. */

/** Some fields of a line, or a check of its own. */
export type Matching<Line> = Partial<Line> | ((line: Line) => boolean)

interface Waiter<Line> {
  readonly isMeant: (line: Line) => boolean
  found(line: Line): void
}

/** Lines of one kind, each with the name of its event. */
export class Lines<Line extends { readonly event: string }> {
  readonly all: Line[] = []
  readonly #kind: string
  readonly #waiters = new Set<Waiter<Line>>()

  /** @param kind for messages, such as `log` */
  constructor(kind: string) {
    this.#kind = kind
  }

  add(line: Line): void {
    this.all.push(line)
    for (const waiter of [...this.#waiters]) if (waiter.isMeant(line)) waiter.found(line)
  }

  /** The first line that matches, the next one where there is none yet. @throws Error after `withinMs`, with what there was */
  async first<Event extends Line['event']>(
    event: Event,
    matching: Matching<Line>,
    withinMs: number,
  ): Promise<Line & { readonly event: Event }> {
    const isMeant = (line: Line): line is Line & { readonly event: Event } =>
      line.event === event && matches(line, matching)
    const earlier = this.all.find(isMeant)
    if (earlier !== undefined) return earlier
    return await new Promise((resolve, reject) => {
      const end = () => {
        this.#waiters.delete(waiter)
        clearTimeout(timer)
      }
      const waiter: Waiter<Line> = {
        isMeant,
        found(line) {
          end()
          if (isMeant(line)) resolve(line)
        },
      }
      const timer = setTimeout(() => {
        end()
        reject(new Error(this.#missing(event, matching, withinMs)))
      }, withinMs)
      this.#waiters.add(waiter)
    })
  }

  #missing(event: string, matching: Matching<Line>, withinMs: number): string {
    const wanted =
      typeof matching === 'function' || Object.keys(matching).length === 0 ? '' : ` ${JSON.stringify(matching)}`
    const same = this.all.filter((line) => line.event === event)
    const there =
      same.length > 0 ? same.map((line) => JSON.stringify(line)) : [...new Set(this.all.map((line) => line.event))]
    return `no ${event}${wanted} in the ${this.#kind} within ${withinMs} ms; there is: ${there.join(', ') || 'nothing'}`
  }
}

function matches<Line>(line: Line, matching: Matching<Line>): boolean {
  if (typeof matching === 'function') return matching(line)
  const fields = new Map<string, unknown>(Object.entries(line as object))
  return Object.entries(matching).every(([name, value]) => fields.get(name) === value)
}
