/**
 * Bytes of one client, both ways: read from one socket as fast as the other takes them, so that nothing grows. An end is
 * passed on as an end, and the other way may go on for a while. Both sockets are destroyed in the end.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** For what is left, once one side has said its last, or is gone. */
const LINGER_MS = 10_000

export class Passing {
  readonly #client: Socket
  readonly #gateway: TLSSocket

  /**
   * @param head what the gateway gets first
   * @param idleMs without a byte either way
   * @param over called once, when both sockets are gone
   */
  constructor(client: Socket, gateway: TLSSocket, head: readonly Buffer[], idleMs: number, over: () => void) {
    this.#client = client
    this.#gateway = gateway
    gateway.cork()
    for (const bytes of head) gateway.write(bytes)
    gateway.uncork()
    client.pipe(gateway)
    gateway.pipe(client)
    let openCount = 2
    // Behind the pipes: what they do at an end is done first.
    for (const [socket, other] of [
      [client, gateway],
      [gateway, client],
    ] as const) {
      socket.on('error', () => {})
      socket.once('end', () => this.#linger(idleMs))
      socket.once('close', () => {
        openCount -= 1
        if (openCount === 0) over()
        else this.#finish(other)
      })
    }
    client.setTimeout(idleMs, () => this.cut())
    // Who went while the gateway was asked has no more to say.
    if (client.destroyed) gateway.destroy()
    if (gateway.destroyed) client.destroy()
  }

  cut(): void {
    this.#client.destroy()
    this.#gateway.destroy()
  }

  #linger(idleMs: number): void {
    this.#client.setTimeout(Math.min(idleMs, LINGER_MS))
  }

  /** The other side is gone: the one that is left gets what was already on its way to it, if that was all there is. */
  #finish(left: Socket): void {
    if (!left.writableEnded) {
      left.destroy()
      return
    }
    const timer = setTimeout(() => left.destroy(), LINGER_MS)
    timer.unref()
    left.once('close', () => clearTimeout(timer))
    // What it still says is dropped: unread, it would turn the end into a reset.
    left.resume()
  }
}
