/**
 * The port that clients take for a broker's: most suites know no other than 5672 on loopback. Connections go on to the
 * broker, or as WebSockets to the gateway, as each run needs; all bytes make the same number of hops.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocket } from 'ws'

export const PORT = 5672

/** Where connections go on. */
export type Way = (socket: Socket) => Duplex

export const toTcp =
  (port: number, host: string): Way =>
  () =>
    connect(port, host).setNoDelay()

/** @param headers of every upgrade request: who all clients are */
export const toWebSocket =
  (url: string, headers: Readonly<Record<string, string>>): Way =>
  () =>
    createWebSocketStream(new WebSocket(url, { headers }))

export class FrontPort {
  readonly #server: Server
  readonly #open = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** @throws Error where something else listens there */
  static async open(way: Way): Promise<FrontPort> {
    const server = createServer((socket) => {
      port.#open.add(socket.setNoDelay())
      const stream = way(socket)
      const end = () => {
        port.#open.delete(socket)
        stream.destroy()
        socket.destroy()
      }
      socket.on('error', end).on('close', end)
      stream.on('error', end).on('close', end)
      socket.pipe(stream).pipe(socket)
    })
    const port = new FrontPort(server)
    server.listen(PORT, '127.0.0.1')
    await once(server, 'listening')
    return port
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#open) socket.destroy()
    await closed
  }
}
