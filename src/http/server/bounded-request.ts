/**
 * A request as Node's server makes it, which says by itself whether the server has to stop reading HTTP behind it.
 *
 * Node asks each request for `upgrade` as soon as its head is read. Where it is true the parser stops at that very byte and
 * hands over the socket. That is right for WebSockets; it is also the only way to keep the parser from making objects of
 * two thousand more requests that lie in the same 64 KiB. Other upgrades are ignored, as HTTP wants it: Java's client and
 * curl offer `h2c` with ordinary requests. [RFC 9110 §7.8]
 */
import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { listOf } from '../tokens.ts'

/** The class for a server. `isFull`: whether a connection has as many requests as it may have. */
export function boundedRequest(takesUpgrades: boolean, isFull: (socket: Socket) => boolean): typeof IncomingMessage {
  return class BoundedRequest extends IncomingMessage {
    readonly #isSurplus: boolean

    constructor(socket: Socket) {
      super(socket)
      this.#isSurplus = isFull(socket)
    }

    get upgrade(): boolean {
      return this.#isSurplus || this.method === 'CONNECT' || (takesUpgrades && asksForWebSocket(this))
    }

    set upgrade(_asks: boolean | null) {
      // Node says what its parser thinks, which knows fewer spellings of a list.
    }
  }
}

function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return listOf(headers.connection).includes('upgrade') && listOf(headers.upgrade).includes('websocket')
}
