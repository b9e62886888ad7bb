/** The connections that the primary has handed to this worker: how many have arrived, and how many are left of them. */
import type { Socket } from 'node:net'
import type { ProcessLine, SaidOfSocket } from '../process-line.ts'

/** The primary hands over no more than twice as many before it is told that they have arrived. */
const MANY = 8

export class HandedConnections {
  #line: ProcessLine | undefined
  #serve: ((socket: Socket, listener: number) => void) | undefined
  #count = 0
  /** The number of the last one that has arrived, and of the last one that was told. */
  #taken = 0
  #told = 0
  #isChanged = false

  /** Tells the primary from now on. */
  follow(line: ProcessLine): void {
    this.#line = line
    line.whenLeaving(() => this.#tell(line))
  }

  /** Serves them from now on. */
  begin(serve: (socket: Socket, listener: number) => void): void {
    this.#serve = serve
  }

  /** @param socket undefined: its client has gone on the way */
  take(socket: Socket | undefined, { listener, number }: SaidOfSocket): void {
    this.#taken = number
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

  #changed(): void {
    this.#isChanged = true
    if (this.#taken - this.#told < MANY) this.#line?.leaveSoon()
    else this.#line?.leaveNow()
  }

  #tell(line: ProcessLine): void {
    if (!this.#isChanged) return
    this.#isChanged = false
    this.#told = this.#taken
    line.tell('status', { connections: this.#count, taken: this.#taken })
  }
}
