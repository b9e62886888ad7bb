/** A TCP port whose connections go on as WebSockets: for clients that speak AMQP over TCP only. On loopback, port 0. */
import { type AddressInfo, createServer, type Server } from 'node:net'
import { createWebSocketStream, WebSocket } from 'ws'

export class WebSocketBridge {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /** @param headers of every upgrade request: who all clients of this port are */
  static async start(url: string, headers: Readonly<Record<string, string>>): Promise<WebSocketBridge> {
    const server = createServer((socket) => {
      const stream = createWebSocketStream(new WebSocket(url, { headers }))
      socket.on('error', () => stream.destroy())
      stream.on('error', () => socket.destroy())
      socket.pipe(stream).pipe(socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new WebSocketBridge(server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  stop(): void {
    this.#server.close()
  }
}
