/** A server that is far away: a relay in front of it that hands on every byte a while later, both ways, in order. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export class SlowLink {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** For whatever arrives from now on. */
  delayMs: number

  constructor(server: Server, delayMs: number) {
    this.#server = server
    this.delayMs = delayMs
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Of a broker. */
  get url(): string {
    return `amqp://127.0.0.1:${this.port}`
  }

  /** Carries one connection. */
  join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      from.setNoDelay(true)
      const later = this.#queue()
      from.on('data', (bytes) => later(() => to.write(bytes)))
      from.on('end', () => later(() => to.end()))
      from.on('error', () => to.destroy())
      from.on('close', () => this.#sockets.delete(from))
    }
  }

  /** Whatever is put off stays in order when the delay changes; timers of one length fire in the order they were set. */
  #queue(): (work: () => void) => void {
    let dueMs = 0
    return (work) => {
      const nowMs = performance.now()
      dueMs = Math.max(dueMs, nowMs + this.delayMs)
      setTimeout(work, dueMs - nowMs)
    }
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

export async function startSlowLink(to: { host: string; port: number }, delayMs: number): Promise<SlowLink> {
  const server = createServer()
  const link = new SlowLink(server, delayMs)
  server.on('connection', (near) => link.join(near, connect(to.port, to.host)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return link
}
