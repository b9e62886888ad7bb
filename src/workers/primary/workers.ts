/**
 * The workers of a gateway, and that there are always so many: one that ends loses its own sessions, and another takes its place
 * at once. One that ends again and again is waited for longer and longer.
 */
import type { Log } from '../../ops/log.ts'
import { type WorkerOptions, WorkerProcess } from './worker-process.ts'

export interface WorkersOptions extends WorkerOptions {
  readonly count: number
  readonly log: Log
  /** Listens to a process that has just begun. */
  joined(worker: WorkerProcess): void
  /** Has it serve; rejects where it cannot. */
  begin(worker: WorkerProcess): Promise<void>
  /** It takes connections from now on. */
  serving(worker: WorkerProcess): void
  /** It is gone. */
  left(worker: WorkerProcess): void
}

/** One that served for so long is not to blame. */
const SETTLED_MS = 10_000
const [BACK_OFF_MS, LONGEST_BACK_OFF_MS] = [250, 30_000]
/** For one that was asked to end. */
const END_MS = 10_000

export class Workers {
  readonly #options: WorkersOptions
  readonly #present = new Set<WorkerProcess>()
  readonly #timers = new Set<NodeJS.Timeout>()
  /** One more process, which has done everything but begin: whoever takes a place takes it at once. */
  #reserve: WorkerProcess | undefined
  #isStopping = false
  /** What must not meet: the beginning of a worker, and a change of what all of them do. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: WorkersOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#options.count
  }

  /** All that there are, those that do not serve yet included. */
  get present(): Iterable<WorkerProcess> {
    return this.#present
  }

  get serving(): readonly WorkerProcess[] {
    return [...this.#present].filter(({ isServing }) => isServing)
  }

  /** Starts the processes; none of them serves yet. */
  fork(): readonly WorkerProcess[] {
    return Array.from({ length: this.#options.count }, (_, index) => this.#join(this.#fork(), index + 1))
  }

  /** Has all of them serve. @throws {Error} where one cannot: then none of them is left */
  async begin(): Promise<void> {
    const begun = [...this.#present].map(async (worker) => await this.#begin(worker))
    const failed = (await Promise.allSettled(begun)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') {
      await this.stop()
      throw failed.reason
    }
    for (const worker of [...this.#present]) this.#keep(worker, 0)
    this.#keepReserve()
  }

  /** Nothing begins while this is under way, and this waits for what begins. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return await done
  }

  /** Ends all of them, at once where they do not by themselves. */
  async stop(): Promise<void> {
    this.#isStopping = true
    for (const timer of this.#timers) clearTimeout(timer)
    const all = [...this.#present, ...(this.#reserve === undefined ? [] : [this.#reserve])]
    await Promise.all(all.map(async (worker) => await this.#stop(worker)))
  }

  #fork(): WorkerProcess {
    return new WorkerProcess(this.#options)
  }

  #keepReserve(): void {
    if (this.#isStopping || this.#reserve !== undefined) return
    const reserve = this.#fork()
    this.#reserve = reserve
    void reserve.ended.then(() => {
      if (this.#reserve === reserve) this.#reserve = undefined
    })
  }

  /** Gives a process a place. */
  #join(worker: WorkerProcess, number: number): WorkerProcess {
    worker.number = number
    this.#present.add(worker)
    this.#options.joined(worker)
    void worker.ended.then(() => {
      this.#present.delete(worker)
      this.#options.left(worker)
    })
    return worker
  }

  async #begin(worker: WorkerProcess): Promise<void> {
    const startedMs = performance.now()
    await this.#options.begin(worker)
    worker.isServing = true
    const durationMs = Math.round(performance.now() - startedMs)
    this.#options.log.write('worker-started', { worker: worker.number, durationMs })
    this.#options.serving(worker)
  }

  /** Replaces it when it has gone. @param early how many before it have ended early, one after the other */
  #keep(worker: WorkerProcess, early: number): void {
    const joinedMs = performance.now()
    void worker.ended.then((detail) => {
      if (this.#isStopping) return
      const isEarly = performance.now() - joinedMs < SETTLED_MS
      const pauseMs = isEarly && early > 0 ? Math.min(LONGEST_BACK_OFF_MS, BACK_OFF_MS * 2 ** (early - 1)) : 0
      this.#options.log.write('worker-ended', { worker: worker.number, count: worker.load, detail, pauseMs })
      this.#after(pauseMs, () => this.#replace(worker.number, isEarly ? early + 1 : 1))
    })
  }

  #replace(number: number, early: number): void {
    const reserve = this.#reserve
    this.#reserve = undefined
    const worker = this.#join(reserve ?? this.#fork(), number)
    this.#keep(worker, early)
    const begun = this.alone(async () => await this.#begin(worker)).then(() => this.#keepReserve())
    begun.catch((error: unknown) => {
      if (!this.#isStopping)
        this.#options.log.write('worker-failed', {
          worker: number,
          detail: error instanceof Error ? error.message : 'unknown failure',
        })
      worker.kill()
    })
  }

  async #stop(worker: WorkerProcess): Promise<void> {
    worker.isServing = false
    worker.channel.tell('stop', null)
    const late = setTimeout(() => worker.kill(), END_MS)
    await worker.ended
    clearTimeout(late)
  }

  #after(ms: number, work: () => void): void {
    if (ms === 0) return work()
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      work()
    }, ms)
    this.#timers.add(timer)
  }
}
