/** The connections that the primary has handed to this worker: how many have arrived, and how many are left of them. */
import type { Socket } from 'node:net'
import type { ProcessLine } from '../process-line.ts'

export class HandedConnections {
  #channel: ProcessLine | undefined
  #serve: ((socket: Socket, listener: number) => void) | undefined
  #count = 0
  #takenCount = 0
  #isTelling = false

  /** Serves them from now on. */
  begin(channel: ProcessLine, serve: (socket: Socket, listener: number) => void): void {
    this.#channel = channel
    this.#serve = serve
  }

  /** @param socket undefined: its client has gone on the way */
  take(socket: Socket | undefined, listener: number): void {
    this.#takenCount += 1
    this.#changed()
    if (socket === undefined) return
    if (this.#serve === undefined) {
      socket.destroy()
      return
    }
    this.#count += 1
    socket.once('close', () => {
      this.#count -= 1
      this.#changed()
    })
    this.#serve(socket, listener)
  }

  /** Once for each turn of the event loop. */
  #changed(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    setImmediate(() => {
      this.#isTelling = false
      this.#channel?.tell('status', { connections: this.#count, taken: this.#takenCount })
    })
  }
}
