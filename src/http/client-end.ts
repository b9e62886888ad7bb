/**
 * The client's WebSocket as a session sees it: binary messages in, whole frames out, closing with a deadline.
 *
 * It bounds what ws would not: bytes before `open-ok`, pongs to a peer that only sends pings, and the wait for the end
 * of a closing handshake. It knows nothing of AMQP. [RFC 6455]
 */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { ClientEnd, EndRequest, Session } from '../../proxy/index.ts'
import type { Traffic } from '../ops/traffic.ts'

/** What may arrive before the broker has opened the session, in bytes of the WebSocket stream. */
const BEFORE_OPEN_BYTES = 64 * 1024

const TEXT: EndRequest = {
  reason: 'text-message',
  code: 'frame-error',
  explanation: 'a text message is no AMQP',
  closeCode: 1003,
}

const TOO_LARGE: EndRequest = {
  reason: 'message-too-large',
  code: 'frame-error',
  explanation: 'the WebSocket message is too large',
  closeCode: 1009,
}

type Receiver = Pick<Session, 'receive' | 'alive' | 'clientGone' | 'end'>

export class WebSocketClientEnd implements ClientEnd {
  readonly #socket: WebSocket
  readonly #traffic: Traffic
  #session: Receiver | undefined
  /** Bytes of the stream that have not come out as a message yet. */
  #assembling = 0
  #received = 0
  #isOpen = false
  #textSeen = false
  /** Nothing that arrives is acted upon any more, and nothing more is read. */
  #flooded = false
  #closing = false
  #failureCode: number | undefined
  #pong: Buffer | undefined
  #pongInFlight = false

  /** @param stream the socket below, whose chunks are counted before ws has seen them */
  constructor(socket: WebSocket, stream: Duplex, traffic: Traffic) {
    this.#socket = socket
    this.#traffic = traffic
    socket.on('error', (error: Error & { code?: string }) => this.#failed(error))
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#message(data, isBinary))
    socket.on('ping', (data: Buffer) => this.#ping(data))
    socket.on('pong', () => this.#session?.alive())
    socket.on('close', (code: number) => this.#closed(code))
    stream.prependListener('data', (chunk: Buffer) => this.#arrived(chunk.length))
  }

  /** Names the session that gets what arrives. Called once, before control returns to the event loop. */
  attach(session: Receiver): void {
    this.#session = session
  }

  /** Lifts the bound on bytes before `open-ok`. */
  opened(): void {
    this.#isOpen = true
  }

  bufferedBytes(): number {
    return this.#socket.bufferedAmount
  }

  /** Bytes that have arrived of a message that is not complete. */
  assemblingBytes(): number {
    return this.#assembling
  }

  send(frames: Buffer, sent?: () => void): void {
    // ws would count what it is given after the close as buffered for ever.
    if (this.#socket.readyState !== this.#socket.OPEN) {
      if (sent !== undefined) process.nextTick(sent)
      return
    }
    this.#traffic.toClient(frames.length)
    this.#socket.send(frames, sent)
  }

  ping(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping()
  }

  pause(): void {
    if (!this.#closing) this.#socket.pause()
  }

  resume(): void {
    if (!this.#flooded) this.#socket.resume()
  }

  close(code: number, reason: string): void {
    if (this.#closing) return
    this.#closing = true
    this.#socket.close(code, clipped(reason))
    // The peer's own close frame has to be read, however much lies before it; a flood is left to the close timer.
    if (!this.#flooded) this.#socket.resume()
  }

  terminate(): void {
    this.#closing = true
    this.#socket.terminate()
  }

  #arrived(bytes: number): void {
    this.#assembling += bytes
    this.#traffic.held(bytes)
    if (this.#isOpen || this.#flooded) return
    this.#received += bytes
    if (this.#received <= BEFORE_OPEN_BYTES) return
    this.#flooded = true
    this.#socket.pause()
    this.#session?.end(TOO_LARGE)
  }

  #message(data: Buffer, isBinary: boolean): void {
    this.#traffic.held(-this.#assembling)
    this.#assembling = 0
    if (this.#closing || this.#flooded) return
    if (!isBinary) {
      if (!this.#textSeen) this.#session?.end(TEXT)
      this.#textSeen = true
      return
    }
    this.#traffic.fromClient(data.length)
    this.#session?.receive(data)
  }

  /** Newest ping only, one pong in flight: a peer that pings and never reads costs 125 bytes. [RFC 6455 §5.5.3] */
  #ping(data: Buffer): void {
    this.#session?.alive()
    this.#pong = data
    if (!this.#pongInFlight) this.#answerPing()
  }

  #answerPing(): void {
    const data = this.#pong
    this.#pong = undefined
    if (data === undefined || this.#socket.readyState !== this.#socket.OPEN) return
    this.#pongInFlight = true
    this.#socket.pong(Buffer.from(data), false, () => {
      this.#pongInFlight = false
      this.#answerPing()
    })
  }

  /** ws found the stream malformed or too large and has already begun the closing handshake with its own code. */
  #failed(error: Error & { code?: string }): void {
    if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
      this.#failureCode = 1009
      this.#session?.end(TOO_LARGE)
    } else if (error.code?.startsWith('WS_ERR_') === true) {
      this.#failureCode = 1002
    }
  }

  #closed(code: number): void {
    this.#closing = true
    this.#traffic.held(-this.#assembling)
    this.#assembling = 0
    this.#session?.clientGone(this.#failureCode ?? code, this.#failureCode === 1002)
  }
}

/** A close frame takes 123 bytes of reason. [RFC 6455 §5.5] */
function clipped(reason: string): string {
  const bytes = Buffer.from(reason)
  return bytes.length <= 123
    ? reason
    : bytes
        .subarray(0, 123)
        .toString()
        .replace(/\uFFFD+$/, '')
}
