/** The end of a session at a quiet point, or at a deadline where it comes to none. */
import type { EndedAt } from '../ports.ts'
import { QuietPoint } from '../relaying/quiet-point.ts'
import type { Relay } from '../relaying/relay.ts'

export class QuietEnding {
  readonly #relay: Relay
  readonly #point: QuietPoint
  readonly #end: (at: EndedAt) => void
  readonly #timer: NodeJS.Timeout
  #isOver = false

  /** @param end called once, unless it is stopped before */
  constructor(relay: Relay, withinMs: number, end: (at: EndedAt) => void) {
    this.#relay = relay
    this.#point = new QuietPoint(relay)
    this.#end = end
    this.#timer = setTimeout(() => this.#finish('deadline'), withinMs)
    relay.quietPoint = this.#point
  }

  /** To be called whenever something has passed. */
  look(): void {
    if (!this.#isOver && this.#point.isReached) this.#finish('quiet')
  }

  /** The session ends for another reason. */
  stop(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#point.stop()
    this.#relay.quietPoint = undefined
  }

  #finish(at: EndedAt): void {
    if (this.#isOver) return
    this.stop()
    this.#end(at)
  }
}
