/**
 * The 101: hands an upgrade request that has been admitted to ws, with every default of ws that is too generous set.
 * ws is a library here, not a server: it never listens and never decides. [RFC 6455 §4.2.2]
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Subprotocol } from './subprotocol.ts'

/** Beside the largest message: methods and headers of a publish that comes as one WebSocket message. */
const ALLOWANCE_BYTES = 1024 * 1024

const OPTIONS = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  autoPong: false,
  closeTimeout: 5_000,
}

/**
 * Fragments and pieces as the network cuts them cost more memory than their bytes [CVE-2026-48779]: bounded to what an
 * honest message of full size may come in. Browsers make fragments of 64 KiB or more, libraries with small buffers of 4 KiB,
 * slow links pieces of 536 bytes. What so many empty fragments cost stays far below what a message may hold.
 */
export const SMALLEST_FRAGMENT_BYTES = 2048
const SMALLEST_PIECE_BYTES = 512

export interface Acceptance {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What had been read behind the request's head. */
  readonly head: Buffer
  readonly subprotocol: Subprotocol
  readonly headers: Readonly<Record<string, string>>
}

export class WebSocketDoor {
  readonly #server: WebSocketServer
  #headers: Readonly<Record<string, string>> = {}
  #protocol: string | false = false

  /** @param messageBytes the largest content body of the service */
  constructor(messageBytes: number) {
    const maxPayload = messageBytes + ALLOWANCE_BYTES
    this.#server = new WebSocketServer({
      ...OPTIONS,
      maxPayload,
      maxFragments: Math.ceil(maxPayload / SMALLEST_FRAGMENT_BYTES),
      maxBufferedChunks: Math.ceil(maxPayload / SMALLEST_PIECE_BYTES),
      handleProtocols: () => this.#protocol,
    })
    this.#server.on('headers', (lines) => {
      for (const [name, value] of Object.entries(this.#headers))
        lines.push(`${name}: ${value.replace(/[^\t\x20-\x7e]/g, '?')}`)
    })
  }

  /**
   * Sends the 101. `undefined` when the socket is gone; it is destroyed then. The caller attaches its listeners before
   * control returns to the event loop.
   */
  accept({ request, socket, head, subprotocol, headers }: Acceptance): WebSocket | undefined {
    this.#headers = headers
    this.#protocol = (subprotocol.accepted && subprotocol.protocol) || false
    // ws takes fewer spellings of a list than HTTP has; what these say has been read.
    request.headers.upgrade = 'websocket'
    if (this.#protocol === false) delete request.headers['sec-websocket-protocol']
    else request.headers['sec-websocket-protocol'] = this.#protocol
    let accepted: WebSocket | undefined
    // ws does all of it synchronously, so what the two callbacks above need can stand in fields.
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      accepted = webSocket
    })
    if (accepted === undefined) socket.destroy()
    return accepted
  }
}
