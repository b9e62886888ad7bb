/** A network between two programs that can be cut: packets vanish then, and nobody is told. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export class Cable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  /** @param port of this machine, where the other end is */
  static async lay(port: number): Promise<Cable> {
    const cable = new Cable(port)
    cable.#server.listen(0, '127.0.0.1')
    await once(cable.#server, 'listening')
    return cable
  }

  private constructor(port: number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      this.#add(near)
      // A connection that begins now is accepted by this machine, and goes nowhere.
      if (this.#isCut) return
      const far = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true })
      this.#add(far)
      near.pipe(far).pipe(near)
      near.once('close', () => this.#isCut || far.destroy())
      far.once('close', () => this.#isCut || near.destroy())
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.unpipe().pause()
  }

  /** What was on the cable when it was cut has been given up by both ends, as systems do in the end. */
  mend(): void {
    this.#isCut = false
    for (const socket of this.#sockets) socket.destroy()
  }

  remove(): void {
    this.#server.close()
    this.mend()
  }

  #add(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => this.#sockets.delete(socket))
  }
}
