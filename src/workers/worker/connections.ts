/** The connections that the primary has handed to this worker: how many have arrived, and how many are left of them. */
import type { Socket } from 'node:net'
import type { ProcessLine } from '../process-line.ts'

/** The primary hands over no more than twice as many before it is told that they have arrived. */
const MANY = 8

export class HandedConnections {
  #line: ProcessLine | undefined
  #serve: ((socket: Socket, listener: number) => void) | undefined
  #count = 0
  #takenCount = 0
  #toldCount = 0
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

  #changed(): void {
    this.#isChanged = true
    if (this.#takenCount - this.#toldCount < MANY) this.#line?.leaveSoon()
    else this.#line?.leaveNow()
  }

  #tell(line: ProcessLine): void {
    if (!this.#isChanged) return
    this.#isChanged = false
    this.#toldCount = this.#takenCount
    line.tell('status', { connections: this.#count, taken: this.#takenCount })
  }
}
