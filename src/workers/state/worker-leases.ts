/**
 * The primary's count of the sessions that each identity has at all workers. Where a store counts over several gateways, it is
 * asked as well; while that is away, the gateway has its part of the limit.
 */
import type { LeaseOwner } from '../../state/leases.ts'
import type { ProcessLine } from '../process-line.ts'

/** What counts over several gateways. */
interface OuterLeases {
  take(owner: LeaseOwner, most: number, isWithin: (most: number) => boolean): Promise<(() => void) | undefined>
}

export class WorkerLeases {
  readonly #outer: OuterLeases | undefined
  readonly #counts = new Map<string, number>()

  constructor(outer: OuterLeases | undefined) {
    this.#outer = outer
  }

  /** Answers one worker from now on. @returns gives back all that it has */
  answer(channel: ProcessLine): () => void {
    const held = new Map<number, () => void>()
    const asked = new Set<number>()
    let isGone = false
    channel.answer('leases.take', async ({ id, service, key, most }) => {
      asked.add(id)
      const giveBack = await this.#take({ service, key }, most)
      // A worker that has not waited for it has given it back before it got it.
      const isWanted = asked.delete(id) && !isGone
      if (giveBack === undefined) return false
      if (isWanted) held.set(id, giveBack)
      else giveBack()
      return true
    })
    channel.heed('leases.back', ({ ids }) => {
      for (const id of ids) {
        asked.delete(id)
        const giveBack = held.get(id)
        held.delete(id)
        giveBack?.()
      }
    })
    return () => {
      isGone = true
      for (const giveBack of held.values()) giveBack()
      held.clear()
    }
  }

  /** How many sessions this identity has at a service. */
  count({ service, key }: LeaseOwner): number {
    return this.#counts.get(nameOf(service, key)) ?? 0
  }

  async #take(owner: LeaseOwner, most: number): Promise<(() => void) | undefined> {
    const name = nameOf(owner.service, owner.key)
    const before = this.#counts.get(name) ?? 0
    if (before >= most) return undefined
    this.#counts.set(name, before + 1)
    const uncount = (): void => {
      const left = (this.#counts.get(name) ?? 1) - 1
      if (left === 0) this.#counts.delete(name)
      else this.#counts.set(name, left)
    }
    if (this.#outer === undefined) return uncount
    let giveBack: (() => void) | undefined
    try {
      giveBack = await this.#outer.take(owner, most, (part) => before < part)
    } catch (error) {
      uncount()
      throw error
    }
    if (giveBack === undefined) {
      uncount()
      return undefined
    }
    return () => {
      uncount()
      giveBack()
    }
  }
}

function nameOf(service: string, key: string): string {
  return `${service} ${key}`
}
