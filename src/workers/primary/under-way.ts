/**
 * Sockets on their way to one worker, in order, until it is known that they have arrived: this process keeps its own of each
 * until then. Node hands a socket over four times at most; a worker without a descriptor left never hears of it.
 */
import type { Socket } from 'node:net'

interface Handed {
  /** From 1. */
  readonly number: number
  readonly socket: Socket
  /** The place of its listener at the moment. */
  readonly listener: () => number | undefined
  /** The system has it, and perhaps the worker. */
  isSent: boolean
}

export class UnderWay {
  readonly #handed: Handed[] = []
  #lastNumber = 0

  get count(): number {
    return this.#handed.length
  }

  /** The number of the last one. */
  get lastNumber(): number {
    return this.#lastNumber
  }

  /** @param listener the place of its listener at the moment */
  add(socket: Socket, listener: () => number | undefined): Handed {
    this.#lastNumber += 1
    const handed: Handed = { number: this.#lastNumber, socket, listener, isSent: false }
    this.#handed.push(handed)
    return handed
  }

  /** This one and all before it have arrived, or never will. */
  over(number: number): void {
    const left = this.#handed.findIndex((one) => one.number > number)
    for (const { socket } of this.#handed.splice(0, left === -1 ? this.#handed.length : left)) socket.destroy()
  }

  /**
   * Those that it never got; they are the caller's. It may have read of those that were sent to it: they end with it. Called
   * once it has ended.
   */
  takeBack(): readonly Pick<Handed, 'socket' | 'listener'>[] {
    const handed = this.#handed.splice(0)
    for (const { socket, isSent } of handed) if (isSent) socket.destroy()
    return handed.filter(({ socket }) => !socket.destroyed)
  }
}
