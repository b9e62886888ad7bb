/**
 * How long each request may wait for what is kept elsewhere, all its questions together.
 *
 * The request is known by Node's asynchronous context, which nothing but a request needs. On Node 20 that context costs each
 * callback of the whole process, each message of a session included, for as long as it is switched on. So it is on only while a
 * request is under way.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** What one request has left. */
export interface Budget {
  leftMs: number
}

interface Held {
  readonly budget: Budget
  /** What a request leaves behind, as the timers of its session, has no budget. */
  isOver: boolean
}

export class Budgets {
  readonly #requestMs: number
  readonly #context = new AsyncLocalStorage<Held>()
  #underWay = 0

  /** @param requestMs of each request */
  constructor(requestMs: number) {
    this.#requestMs = requestMs
  }

  /** That of the request under way; undefined where this is part of none. */
  get current(): Budget | undefined {
    const held = this.#context.getStore()
    return held?.isOver === false ? held.budget : undefined
  }

  /** Whatever `work` asks until it resolves takes no longer than one budget, all together. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const held: Held = { budget: { leftMs: this.#requestMs }, isOver: false }
    this.#underWay += 1
    try {
      return await this.#context.run(held, work)
    } finally {
      held.isOver = true
      this.#underWay -= 1
      if (this.#underWay === 0) this.#context.disable()
    }
  }
}
