/** What the logs of all workers get, for those who watch. While nobody does, workers say nothing of it. */
import type { LogObserver } from '../../ops/log.ts'
import type { Observed } from '../messages.ts'

export class AllObserved {
  readonly #observers = new Set<LogObserver>()

  get isWatched(): boolean {
    return this.#observers.size > 0
  }

  add(observer: LogObserver): void {
    this.#observers.add(observer)
  }

  remove(observer: LogObserver): void {
    this.#observers.delete(observer)
  }

  observed(what: Observed): void {
    for (const observer of this.#observers) {
      if ('event' in what) observer.wrote(what.event, what.fields)
      else observer.audited?.(what.audited, what.more)
    }
  }
}
