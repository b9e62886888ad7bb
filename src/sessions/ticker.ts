/** The one timer of the process's sessions and of what watches over them: each subject is ticked once a second, in order. */

/** Sessions expect no more precision: see `Session.tick`. */
export const TICK_MS = 1_000

/** Ticked by the ticker. Must not throw. */
export interface Ticked {
  tick(): void
}

export class Ticker {
  readonly #timer: NodeJS.Timeout

  constructor(subjects: readonly Ticked[]) {
    this.#timer = setInterval(() => {
      for (const subject of subjects) subject.tick()
    }, TICK_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
