/** The metrics of all workers for one scrape. No counter goes back when a worker ends: what it counted until the last scrape stays. */
import { leftBehind, type MetricsJson } from '../../ops/summed-metrics.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A worker that takes longer is shown as it was at the last scrape. */
const ANSWER_MS = 2_000

export class AllMetrics {
  readonly #last = new Map<WorkerProcess, MetricsJson>()
  #left: MetricsJson = []
  #leaving: Promise<unknown> = Promise.resolve()

  async all(workers: readonly WorkerProcess[]): Promise<readonly MetricsJson[]> {
    await Promise.all(
      workers.map(async (worker) => {
        const metrics = await worker.channel.ask('metrics', null, ANSWER_MS).catch(() => undefined)
        if (metrics !== undefined && worker.isServing) this.#last.set(worker, metrics)
      }),
    )
    await this.#leaving
    return [this.#left, ...this.#last.values()]
  }

  left(worker: WorkerProcess): void {
    const last = this.#last.get(worker)
    this.#last.delete(worker)
    if (last === undefined) return
    this.#leaving = this.#leaving.then(async () => {
      this.#left = await leftBehind([this.#left, last])
    })
  }
}
