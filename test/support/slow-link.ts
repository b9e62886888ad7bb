/** A broker that is far away: a relay in front of it that hands on every byte a while later, both ways, in order. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export class SlowLink {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(server: Server) {
    this.#server = server
  }

  get url(): string {
    return `amqp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Carries one connection. */
  join(near: Socket, far: Socket, delayMs: number): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      from.setNoDelay(true)
      from.on('data', (bytes) => later(delayMs, () => to.write(bytes)))
      from.on('end', () => later(delayMs, () => to.end()))
      from.on('error', () => to.destroy())
      from.on('close', () => this.#sockets.delete(from))
    }
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** Timers of the same length fire in the order in which they were set. */
function later(delayMs: number, work: () => void): void {
  setTimeout(work, delayMs)
}

export async function startSlowLink(to: { host: string; port: number }, delayMs: number): Promise<SlowLink> {
  const server = createServer()
  const link = new SlowLink(server)
  server.on('connection', (near) => link.join(near, connect(to.port, to.host), delayMs))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return link
}
