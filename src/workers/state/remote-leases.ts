/** Sessions of one identity, counted over all workers by the primary: a worker asks for each, and gives it back. */
import { StateUnavailable } from '../../../auth/index.ts'
import type { LeaseOwner } from '../../state/leases.ts'
import type { ProcessLine } from '../process-line.ts'
import type { StateLine } from './state-line.ts'

export class RemoteLeases {
  readonly #line: StateLine
  readonly #channel: ProcessLine
  readonly #workerCount: () => number
  #number = 0
  #released: number[] = []

  /** @param workerCount by how many a limit is divided where the primary does not answer */
  constructor(line: StateLine, channel: ProcessLine, workerCount: () => number) {
    this.#line = line
    this.#channel = channel
    this.#workerCount = workerCount
    channel.whenLeaving(() => this.#giveBack())
  }

  /**
   * Takes a lease where fewer than `most` are held.
   * @param isWithin whether so many are enough for what this process alone has of this owner
   * @returns what gives it back; undefined where there is none left
   */
  async take(
    { service, key }: LeaseOwner,
    most: number,
    isWithin: (most: number) => boolean,
  ): Promise<(() => void) | undefined> {
    this.#number += 1
    const id = this.#number
    const isTaken = await this.#line.ask('leases.take', { id, service, key, most }).catch((error: unknown) => {
      if (!(error instanceof StateUnavailable)) throw error
      return isWithin(Math.max(1, Math.floor(most / this.#workerCount())))
    })
    const giveBack = (): void => this.#release(id)
    if (isTaken) return giveBack
    // The primary may have given it and not answered in time.
    giveBack()
    return undefined
  }

  #release(id: number): void {
    this.#released.push(id)
    this.#channel.leaveSoon()
  }

  #giveBack(): void {
    if (this.#released.length === 0) return
    this.#channel.tell('leases.back', { ids: this.#released })
    this.#released = []
  }
}
