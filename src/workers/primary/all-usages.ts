/**
 * What each identity uses of its shares (`perIdentity`) at all workers. Workers count for themselves, and say once a second what
 * has changed; each of them gets to know what the others have, those of other gateways included. So a share may be exceeded by
 * what is taken within a second.
 */
import type { UsageChange } from '../../gateway/lasting.ts'
import { sumOfUsed, type Used } from '../../gateway/replicas/used.ts'

interface Shared<Worker> {
  readonly service: string
  readonly identity: string
  readonly byWorker: Map<Worker, Used>
  /** At other gateways. */
  outside: Used | undefined
}

export class AllUsages<Worker extends object> {
  readonly #shared = new Map<string, Shared<Worker>>()
  /** Since they were asked for last; undefined: nobody has asked. */
  #changes: Map<string, UsageChange> | undefined

  /** @returns for each worker that is concerned, what all others have */
  said(worker: Worker, changes: readonly UsageChange[]): ReadonlyMap<Worker, readonly UsageChange[]> {
    return this.#changed(changes, ({ byWorker }, used) => {
      // Whoever uses nothing now may want some again, and has to know what others have by then.
      if (used === null) byWorker.delete(worker)
      else byWorker.set(worker, used)
    })
  }

  /** It is gone, and what its sessions held in it. */
  left(worker: Worker): ReadonlyMap<Worker, readonly UsageChange[]> {
    const concerned = [...this.#shared.values()].filter(({ byWorker }) => byWorker.has(worker))
    const gone = concerned.map(({ service, identity }): UsageChange => ({ service, identity, used: null }))
    return this.said(worker, gone)
  }

  /** What all other gateways use together. @returns for each worker that is concerned, what all others have */
  saidOutside(changes: readonly UsageChange[]): ReadonlyMap<Worker, readonly UsageChange[]> {
    return this.#changed(changes, (shared, used) => {
      shared.outside = used === null || Object.values(used).every((count) => count === 0) ? undefined : used
    })
  }

  /** What all workers use together, where it is not what was told last, for other gateways. */
  changes(): readonly UsageChange[] {
    const changes = [...(this.#changes?.values() ?? [])]
    this.#changes = new Map()
    return changes
  }

  #changed(
    changes: readonly UsageChange[],
    change: (shared: Shared<Worker>, used: Used | null) => void,
  ): ReadonlyMap<Worker, readonly UsageChange[]> {
    const told = new Map<Worker, UsageChange[]>()
    for (const { service, identity, used } of changes) {
      const key = JSON.stringify([service, identity])
      const shared = this.#shared.get(key) ?? {
        service,
        identity,
        byWorker: new Map<Worker, Used>(),
        outside: undefined,
      }
      change(shared, used)
      const { byWorker, outside } = shared
      const all = [...byWorker.values()]
      this.#changes?.set(key, { service, identity, used: all.length === 0 ? null : sumOfUsed(all) })
      if (all.length === 0 && outside === undefined) this.#shared.delete(key)
      else this.#shared.set(key, shared)
      for (const worker of byWorker.keys()) {
        const others = [...byWorker].flatMap(([other, its]) => (other === worker ? [] : [its]))
        const elsewhere = sumOfUsed(outside === undefined ? others : [...others, outside])
        const own = told.get(worker)
        if (own === undefined) told.set(worker, [{ service, identity, used: elsewhere }])
        else own.push({ service, identity, used: elsewhere })
      }
    }
    return told
  }
}
