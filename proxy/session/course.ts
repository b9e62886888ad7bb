/**
 * Where a session stands: its phase, and the one deadline that hangs on it. What a phase means, and what may follow it, is
 * the table's; who moves on, and when, is the handshake's, the session's and its closing's.
 *
 * Invariant: the phase changes in `enter` alone, along the arrows of the table.
 */
import { Deadline } from './deadline.ts'
import { follows, type Phase } from './phases.ts'

export interface CourseEvents {
  /** The phase is another one now. */
  entered(phase: Phase): void
}

export class Course {
  /** The handshake's at first, then that of closing; relaying and closed sessions have none. */
  readonly deadline = new Deadline()
  readonly #events: CourseEvents
  #phase: Phase = 'header'

  constructor(events: CourseEvents) {
    this.#events = events
  }

  get phase(): Phase {
    return this.#phase
  }

  /** @throws Error when the table has no such arrow */
  enter(phase: Phase): void {
    if (!follows(this.#phase, phase)) throw new Error(`no way from phase ${this.#phase} to ${phase}`)
    this.#phase = phase
    if (phase === 'relay' || phase === 'closed') this.deadline.drop()
    this.#events.entered(phase)
  }
}
