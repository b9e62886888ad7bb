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
import { SMALLEST_FRAGMENT_BYTES } from './door.ts'
import { writeMessage } from './message-frames.ts'
import { Share, Turn } from './turn.ts'

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

const TOO_MANY_FRAGMENTS: EndRequest = {
  reason: 'message-too-large',
  code: 'frame-error',
  explanation: `too many fragments in one WebSocket message: send ${SMALLEST_FRAGMENT_BYTES} bytes or more in each`,
  closeCode: 1008,
}

/** Before the payload of a client's ping or pong: two bytes of head, four of mask. [RFC 6455 §5.2] */
const CONTROL_HEAD_BYTES = 6

/** A ping with all it may carry, of which a part has been read. */
const LARGEST_CONTROL_BYTES = CONTROL_HEAD_BYTES + 125

type Receiver = Pick<Session, 'receive' | 'alive' | 'clientGone' | 'end'>

export class WebSocketClientEnd implements ClientEnd {
  readonly #socket: WebSocket
  readonly #stream: Duplex
  readonly #traffic: Traffic
  #session: Receiver | undefined
  /** Bytes of the stream that have not come out as a message yet. */
  #assembling = 0
  /** Of these, bytes of pings and pongs. */
  #controlBytes = 0
  #received = 0
  #isOpen = false
  #textSeen = false
  /** Nothing that arrives is acted upon any more, and nothing more is read. */
  #flooded = false
  #closing = false
  /** The session does not want to be given anything just now. */
  #held = false
  /** Others have their turn. */
  #resting = false
  readonly #share = new Share(Turn.current)
  #failureCode: number | undefined
  #pong: Buffer | undefined
  #pongInFlight = false

  /** @param stream the socket below, whose chunks are counted before ws has seen them */
  constructor(socket: WebSocket, stream: Duplex, traffic: Traffic) {
    this.#socket = socket
    this.#stream = stream
    this.#traffic = traffic
    socket.on('error', (error: Error & { code?: string }) => this.#failed(error))
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#message(data, isBinary))
    socket.on('ping', (data: Buffer) => this.#ping(data))
    socket.on('pong', (data: Buffer) => this.#control(data))
    socket.on('close', (code: number) => this.#closed(code))
    stream.prependListener('data', (chunk: Buffer) => this.#arrived(chunk.length))
    // Behind ws, which has worked through the chunk by then.
    stream.on('data', () => {
      this.#forgiveControl()
      if (this.#share.end()) this.#rest()
    })
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

  send(parts: readonly Buffer[], sent?: () => void): void {
    // ws would count what it is given after the close as buffered for ever.
    if (this.#socket.readyState !== this.#socket.OPEN) {
      if (sent !== undefined) process.nextTick(sent)
      return
    }
    let bytes = 0
    for (const part of parts) bytes += part.length
    this.#traffic.toClient(bytes)
    writeMessage(this.#stream, parts, sent)
  }

  ping(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping()
  }

  pause(): void {
    if (this.#closing) return
    this.#held = true
    this.#socket.pause()
  }

  resume(): void {
    this.#held = false
    this.#goOn()
  }

  close(code: number, reason: string, last: readonly Buffer[] = []): void {
    if (this.#closing) return
    this.#closing = true
    // Both in one write.
    this.#stream.cork()
    if (last.length > 0) this.send(last)
    this.#socket.close(code, clipped(reason))
    this.#stream.uncork()
    // The peer's own close frame has to be read, however much lies before it; a flood is left to the close timer.
    this.resume()
  }

  terminate(): void {
    this.#closing = true
    this.#socket.terminate()
  }

  #arrived(bytes: number): void {
    this.#assembling += bytes
    this.#traffic.held(bytes)
    // Each chunk, however small: TLS hands over one for each record of the client's cutting.
    this.#share.start()
    if (this.#isOpen || this.#flooded) return
    this.#received += bytes
    if (this.#received <= BEFORE_OPEN_BYTES) return
    this.#flooded = true
    this.#socket.pause()
    this.#session?.end(TOO_LARGE)
  }

  #message(data: Buffer, isBinary: boolean): void {
    this.#letGo(this.#assembling)
    this.#controlBytes = 0
    if (this.#closing || this.#flooded) return
    if (!isBinary) {
      if (!this.#textSeen) this.#session?.end(TEXT)
      this.#textSeen = true
      return
    }
    this.#traffic.fromClient(data.length)
    this.#session?.receive(data)
  }

  #goOn(): void {
    if (!this.#held && !this.#resting && !this.#flooded) this.#socket.resume()
  }

  #rest(): void {
    if (this.#resting) return
    this.#resting = true
    this.#socket.pause()
    Turn.current.rest(() => {
      this.#resting = false
      this.#goOn()
    })
  }

  /** A ping or a pong: no part of any message. */
  #control(data: Buffer): void {
    this.#controlBytes += data.length + CONTROL_HEAD_BYTES
    this.#session?.alive()
  }

  /**
   * Pings and pongs cost nothing where nothing else is there. Between the fragments of a message they do: every fragment
   * keeps all of the chunk that it came in.
   */
  #forgiveControl(): void {
    if (this.#controlBytes === 0 || this.#assembling - this.#controlBytes > LARGEST_CONTROL_BYTES) return
    this.#letGo(Math.min(this.#assembling, this.#controlBytes))
    this.#controlBytes = 0
  }

  #letGo(bytes: number): void {
    this.#assembling -= bytes
    this.#traffic.held(-bytes)
  }

  /** Newest ping only, one pong in flight: a peer that pings and never reads costs 125 bytes. [RFC 6455 §5.5.3] */
  #ping(data: Buffer): void {
    this.#control(data)
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
    } else if (error.code === 'WS_ERR_TOO_MANY_BUFFERED_PARTS') {
      this.#failureCode = 1008
      this.#session?.end(TOO_MANY_FRAGMENTS)
    } else if (error.code?.startsWith('WS_ERR_') === true) {
      this.#failureCode = 1002
    }
  }

  #closed(code: number): void {
    this.#closing = true
    this.#letGo(this.#assembling)
    // Thousands may leave at once, and each has a broker connection to be ended and lines to be written.
    Turn.current.run(() => this.#session?.clientGone(this.#failureCode ?? code, this.#failureCode === 1002))
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
