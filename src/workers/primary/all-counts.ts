/** What all workers have had to do, as each said last; what ended ones did stays counted. */
import type { CrewCounts, WorkCounts } from '../../gateway/crew/crew.ts'
import type { WorkerProcess } from './worker-process.ts'

const GROWING = [
  'opened',
  'ended',
  'refused',
  'upgrades',
  'bytesFromClients',
  'bytesToClients',
  'messagesFromClients',
  'messagesToClients',
] as const

type Grown = Record<(typeof GROWING)[number], number>

export class AllCounts implements CrewCounts {
  readonly #last = new Map<WorkerProcess, WorkCounts>()
  readonly #left: Grown = {
    opened: 0,
    ended: 0,
    refused: 0,
    upgrades: 0,
    bytesFromClients: 0,
    bytesToClients: 0,
    messagesFromClients: 0,
    messagesToClients: 0,
  }
  #refusedBefore: Record<string, number> = {}
  #longestDelayMs = 0

  said(worker: WorkerProcess, counts: WorkCounts): void {
    this.#last.set(worker, counts)
    this.#longestDelayMs = Math.max(this.#longestDelayMs, counts.loopDelayMs)
  }

  /** It is gone, and its sessions with it. */
  left(worker: WorkerProcess): void {
    const last = this.#last.get(worker)
    this.#last.delete(worker)
    if (last === undefined) return
    for (const name of GROWING) this.#left[name] += last[name]
    this.#left.ended += last.sessions
    this.#refusedBefore = added([this.#refusedBefore, last.refusedFor])
  }

  sessionsOf(worker: WorkerProcess): number {
    return this.#last.get(worker)?.sessions ?? 0
  }

  get sessions(): number {
    return [...this.#last.values()].reduce((sum, { sessions }) => sum + sessions, 0)
  }

  get opened(): number {
    return this.#sum('opened')
  }

  get ended(): number {
    return this.#sum('ended')
  }

  get refused(): number {
    return this.#sum('refused')
  }

  get refusedFor(): Readonly<Record<string, number>> {
    return added([this.#refusedBefore, ...[...this.#last.values()].map(({ refusedFor }) => refusedFor)])
  }

  get upgrades(): number {
    return this.#sum('upgrades')
  }

  get bytesFromClients(): number {
    return this.#sum('bytesFromClients')
  }

  get bytesToClients(): number {
    return this.#sum('bytesToClients')
  }

  get messagesFromClients(): number {
    return this.#sum('messagesFromClients')
  }

  get messagesToClients(): number {
    return this.#sum('messagesToClients')
  }

  loopDelayMs(): number {
    const longest = this.#longestDelayMs
    this.#longestDelayMs = 0
    return longest
  }

  #sum(name: keyof Grown): number {
    return [...this.#last.values()].reduce((sum, counts) => sum + counts[name], this.#left[name])
  }
}

function added(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const one of all) for (const [name, count] of Object.entries(one)) sums[name] = (sums[name] ?? 0) + count
  return sums
}
