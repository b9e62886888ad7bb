/**
 * A WebSocket to a gateway: the upgrade with a deadline, binary messages, back-pressure both ways, signs of life. It knows
 * nothing of AMQP, and nothing of who logs in. [RFC 6455 §4.1]
 */
import type { IncomingMessage } from 'node:http'
import type { SecureContext } from 'node:tls'
import { WebSocket } from 'ws'
import { AMQP_SUBPROTOCOL } from './subprotocol.ts'

/** From the first packet to the 101. */
const UPGRADE_MS = 10_000
/** The largest message of a gateway's: what it has read from its broker at once, and a frame that began before. */
const LARGEST_MESSAGE_BYTES = 32 * 1024 * 1024
/** Of the text that says why the upgrade is refused. */
const LARGEST_TEXT_BYTES = 4 * 1024
const HIGH_BYTES = 1024 * 1024
const LOW_BYTES = 256 * 1024
const PING_MS = 15_000
/** The peer's part of the closing handshake. */
const CLOSE_MS = 3_000

export interface OutboundOptions {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Absent is what Node itself trusts, and no certificate. */
  readonly secureContext: SecureContext | undefined
  readonly signal: AbortSignal
}

/** The gateway, or something before it, answered with an HTTP status instead of the 101. */
export class UpgradeRefused extends Error {
  override readonly name = 'UpgradeRefused'
  readonly status: number
  /** One printable line of the answer's body; empty where it is no plain text. */
  readonly text: string
  readonly retryAfterMs: number | undefined

  constructor(status: number, text: string, retryAfterMs: number | undefined) {
    super(`${status} ${text}`)
    this.status = status
    this.text = text
    this.retryAfterMs = retryAfterMs
  }
}

export interface OutboundOwner {
  message(bytes: Buffer): void
  /** Too much waits to be sent, or no longer so. */
  full(isFull: boolean): void
  /** Exactly once. */
  closed(code: number): void
}

export class OutboundWebSocket {
  readonly #socket: WebSocket
  #owner: OutboundOwner | undefined
  #isFull = false
  #isHeld = false
  #isAlive = true
  readonly #pings: NodeJS.Timeout

  /** @throws UpgradeRefused; the socket's own error where nothing answers, in words of the operating system */
  static async open(options: OutboundOptions): Promise<OutboundWebSocket> {
    const { url, headers, secureContext, signal } = options
    const socket = new WebSocket(url, [AMQP_SUBPROTOCOL], {
      headers: { ...headers },
      handshakeTimeout: UPGRADE_MS,
      followRedirects: false,
      perMessageDeflate: false,
      maxPayload: LARGEST_MESSAGE_BYTES,
      ...(secureContext === undefined ? {} : { secureContext }),
    })
    const giveUp = () => socket.terminate()
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('open', () => {
          // What arrives together with the 101 waits for its owner.
          socket.pause()
          resolve()
        })
        socket.on('error', reject)
        socket.once('unexpected-response', (request, response) => {
          void refusal(response).then((refused) => {
            request.destroy()
            reject(refused)
          })
        })
        if (signal.aborted) giveUp()
      })
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
    return new OutboundWebSocket(socket)
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('error', () => undefined)
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.#isAlive = true
      if (isBinary) this.#owner?.message(data)
      else this.#leave(1003)
    })
    socket.on('ping', () => {
      this.#isAlive = true
    })
    socket.on('pong', () => {
      this.#isAlive = true
    })
    socket.on('close', (code) => {
      clearInterval(this.#pings)
      this.#owner?.closed(code)
    })
    this.#pings = setInterval(() => this.#ask(), PING_MS)
  }

  /** Names who gets what arrives; nothing is read before. */
  attach(owner: OutboundOwner): void {
    this.#owner = owner
    this.hold(false)
  }

  send(bytes: Buffer): void {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) return
    socket.send(bytes, { binary: true, compress: false }, () => {
      if (!this.#isFull || socket.bufferedAmount > LOW_BYTES) return
      this.#isFull = false
      this.#owner?.full(false)
    })
    if (this.#isFull || socket.bufferedAmount <= HIGH_BYTES) return
    this.#isFull = true
    this.#owner?.full(true)
  }

  /** Stops reading, or goes on. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    // An answer that is not read is no sign of death.
    this.#isAlive = true
    if (isHeld) this.#socket.pause()
    else this.#socket.resume()
  }

  /** Sends what waits, then the closing handshake; the socket is dropped when that takes too long. */
  close(): void {
    this.#end(1000)
  }

  terminate(): void {
    this.#socket.terminate()
  }

  /** Its owner need not wait for a gateway that breaks the rules. */
  #leave(code: number): void {
    const owner = this.#owner
    this.#owner = undefined
    this.#end(code)
    owner?.closed(code)
  }

  #end(code: number): void {
    const socket = this.#socket
    if (socket.readyState === socket.CLOSED) return
    this.hold(false)
    socket.close(code)
    const timer = setTimeout(() => socket.terminate(), CLOSE_MS)
    socket.once('close', () => clearTimeout(timer))
  }

  #ask(): void {
    if (this.#isHeld) return
    if (!this.#isAlive) return this.#socket.terminate()
    this.#isAlive = false
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping()
  }
}

async function refusal(response: IncomingMessage): Promise<UpgradeRefused> {
  const { statusCode = 0, headers } = response
  const isText = headers['content-type']?.startsWith('text/plain') === true
  const body = await firstBytes(response)
  const [line = ''] = (isText ? body : '').split('\n')
  return new UpgradeRefused(statusCode, line.replace(/[^\x20-\x7e]/g, '?').trim(), retryAfterMs(headers['retry-after']))
}

/** What there is of a body within bounds; how it ends does not matter. */
async function firstBytes(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response) {
      chunks.push(chunk as Buffer)
      bytes += (chunk as Buffer).length
      if (bytes >= LARGEST_TEXT_BYTES) break
    }
  } catch {
    // The status says enough.
  }
  return Buffer.concat(chunks).toString()
}

function retryAfterMs(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,4}$/.test(value) ? Number(value) * 1000 : undefined
}
