/**
 * What each identity uses of its shares (`perIdentity`) at all workers. Workers count for themselves, and say once a second what
 * has changed; each of them gets to know what the others have. So a share may be exceeded by what is taken within a second.
 */
import type { UsageChange } from '../../gateway/lasting.ts'
import { sumOfUsed, type Used } from '../../gateway/replicas/used.ts'

interface Shared {
  readonly service: string
  readonly identity: string
  readonly byWorker: Map<object, Used>
}

export class AllUsages<Worker extends object> {
  readonly #shared = new Map<string, Shared>()

  /** @returns for each worker that is concerned, what the others have */
  said(worker: Worker, changes: readonly UsageChange[]): ReadonlyMap<Worker, readonly UsageChange[]> {
    return this.#told(
      changes.map(({ service, identity, used }) => {
        const key = JSON.stringify([service, identity])
        const shared = this.#shared.get(key) ?? { service, identity, byWorker: new Map<object, Used>() }
        this.#shared.set(key, shared)
        // Whoever uses nothing now may want some again, and has to know what others have by then.
        if (used === null) shared.byWorker.delete(worker)
        else shared.byWorker.set(worker, used)
        if (shared.byWorker.size === 0) this.#shared.delete(key)
        return shared
      }),
    )
  }

  /** It is gone, and what its sessions held in it. */
  left(worker: Worker): ReadonlyMap<Worker, readonly UsageChange[]> {
    const concerned = [...this.#shared.values()].filter(({ byWorker }) => byWorker.has(worker))
    return this.said(
      worker,
      concerned.map(({ service, identity }) => ({ service, identity, used: null })),
    )
  }

  /** Whoever is at one worker only is nobody else's matter. */
  #told(shared: readonly Shared[]): ReadonlyMap<Worker, readonly UsageChange[]> {
    const told = new Map<Worker, UsageChange[]>()
    for (const { service, identity, byWorker } of shared)
      for (const worker of byWorker.keys()) {
        const others = [...byWorker].flatMap(([other, used]) => (other === worker ? [] : [used]))
        const own = told.get(worker as Worker) ?? []
        told.set(worker as Worker, [...own, { service, identity, used: sumOfUsed(others) }])
      }
    return told
  }
}
