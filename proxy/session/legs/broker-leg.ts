/**
 * The session's broker connection: dialling, whole frames in, gathered bytes out, its own heartbeats and its own
 * closing. It knows nothing of the client; whatever happens to it is reported once.
 */
import type { Duplex } from 'node:stream'
import { FRAME_METHOD, HEARTBEAT_FRAME, PROTOCOL_HEADER } from '../../codec/frame.ts'
import { FrameReader } from '../../codec/frame-reader.ts'
import { indexOf, methodFrame, methodIndexAt } from '../../codec/method.ts'
import { type BrokerFailure, errorText, failureOfSocket } from '../dialling/broker-failure.ts'
import { BrokerUnavailable, type Dialled, type Dialler, GiveUp } from '../dialling/dialler.ts'
import type { Watermarks } from '../ports.ts'
import { BrokerReads } from './broker-reads.ts'
import { Gather } from './gather.ts'
import { Heartbeats } from './heartbeats.ts'

/** Largest frame of the broker's before tuning: its `start` with all properties. */
const HANDSHAKE_FRAME_BYTES = 131_072

/** How long a broker may take to answer `connection.close`; one under an alarm does not answer at all. */
const CLOSE_MS = 5000

export interface BrokerEvents {
  /** Bytes have arrived: read them with `reader`. */
  readable(): void
  /** No node answered, or the stream went away; with operators' text. Not after `close` or `destroy`. */
  lost(detail: string, failure: BrokerFailure, phase: 'dialling' | 'connected'): void
  /** What was buffered for the broker is below the low watermark again. */
  drained(): void
  /** Bytes pass where nothing waited when `heldBytes` was asked last. */
  busy(): void
  /** The leg is over: nothing more will be reported. */
  gone(): void
}

const CLOSE = methodFrame(0, 'connection.close', { replyCode: 200, replyText: 'goodbye', classId: 0, methodId: 0 })
const CLOSE_OK = methodFrame(0, 'connection.close-ok', {})
const CLOSE_OK_INDEX = indexOf('connection.close-ok')

/** What it takes to dial once more; until the broker has said something. */
interface Opening {
  readonly dialler: Dialler
  readonly clientAddress: string
  readonly endsAtMs: number
  readonly silent: string[]
  greetByMs: number
}

export class BrokerLeg {
  readonly reader = new FrameReader(HANDSHAKE_FRAME_BYTES, true)
  readonly out = new Gather()
  /** Seconds between heartbeats, as agreed; 0 before tuning. */
  heartbeatSeconds = 0
  /** Set when the broker has opened the vhost; before that there is no connection to close in good manners. */
  established = false
  /** Set while the broker says it is under an alarm. */
  blocked = false
  /** The node it is connected to; empty before. */
  url = ''
  readonly #watermarks: Watermarks
  readonly #events: BrokerEvents
  /** While it is being dialled. */
  #giveUp: GiveUp | undefined
  #opening: Opening | undefined
  readonly #onFlushed = (): void => this.#flushed()
  #stream: Duplex | undefined
  #reads: BrokerReads | undefined
  #closeTimer: NodeJS.Timeout | undefined
  #over = false
  #closing = false
  #high = false
  /** Nothing waited when it was looked at last, and nothing has passed since. */
  #isEmpty = true
  #heard = false
  #lastHeardMs = 0
  readonly #heartbeats = new Heartbeats()

  constructor(watermarks: Watermarks, events: BrokerEvents) {
    this.#watermarks = watermarks
    this.#events = events
  }

  /** Starts dialling; the protocol header is the first thing sent. A node that does not greet is left for another one. */
  start(dialler: Dialler, clientAddress: string, timeoutMs: number): void {
    const endsAtMs = performance.now() + timeoutMs
    this.#dialFor({ dialler, clientAddress, endsAtMs, silent: [], greetByMs: Number.POSITIVE_INFINITY })
  }

  #dialFor(opening: Opening): void {
    const { dialler, clientAddress, endsAtMs, silent } = opening
    this.#opening = opening
    const giveUp = new GiveUp()
    this.#giveUp = giveUp
    void this.#dial(dialler.dial({ clientAddress, timeoutMs: endsAtMs - performance.now(), giveUp, silent }))
  }

  /** Bytes written that the operating system has not taken yet. */
  get bufferedBytes(): number {
    return this.#stream?.writableLength ?? 0
  }

  /** Bytes that wait in memory, read and unread. */
  get heldBytes(): number {
    if (this.#isEmpty) return 0
    const bytes = this.bufferedBytes + this.reader.pendingBytes
    this.#isEmpty = bytes === 0
    return bytes
  }

  /** Whether the client should not be read: too much is waiting for the broker. */
  get full(): boolean {
    return this.#high
  }

  /** Writes a frame of our own at once. */
  send(frame: Buffer): void {
    this.out.add(frame)
    this.flush()
  }

  /** Writes a frame that carries a secret, and overwrites it when the operating system has taken it. */
  sendSecret(frame: Buffer): void {
    this.flush()
    this.#heartbeats.hasWritten = true
    this.#reads?.prompted()
    this.#stream?.write(frame, () => frame.fill(0))
  }

  /** Hands everything gathered to the stream, in one system call. */
  flush(): void {
    if (this.out.bytes === 0) return
    const parts = this.out.drain()
    const stream = this.#stream
    if (stream === undefined || this.#closing || !stream.writable) return
    this.#heartbeats.hasWritten = true
    this.#reads?.prompted()
    this.#pass()
    const last = parts.length - 1
    const waits = stream.writableLength > 0
    if (last > 0) stream.cork()
    for (const [at, part] of parts.entries()) {
      const written = waits ? slim(part) : part
      if (at === last) stream.write(written, this.#onFlushed)
      else stream.write(written)
    }
    if (last > 0) stream.uncork()
    if (stream.writableLength > this.#watermarks.highBytes) this.#high = true
  }

  pause(): void {
    this.#reads?.pause()
  }

  resume(): void {
    this.#reads?.resume()
  }

  /** `connection.close`, then the socket's end, within a bound. What is read from here on is the close-ok, or dropped. */
  close(): void {
    if (this.#closing) return
    this.flush()
    this.#closing = true
    const stream = this.#stream
    if (stream === undefined || !stream.writable || !this.established) return this.destroy()
    stream.write(CLOSE)
    this.resume()
    this.#closeTimer = setTimeout(() => this.destroy(), CLOSE_MS)
  }

  /** Answers the broker's own `connection.close` and lets the socket end. */
  answerClose(): void {
    if (this.#closing) return
    this.#closing = true
    this.#stream?.end(CLOSE_OK)
    this.#closeTimer = setTimeout(() => this.destroy(), CLOSE_MS)
  }

  /** Drops the socket at once. */
  destroy(): void {
    this.#closing = true
    this.#giveUp?.now()
    this.#stream?.destroy()
  }

  /**
   * Sends heartbeats before there is silence from us, and notices silence from the broker. [AMQP §4.2.7]
   * @param nextMs when the next tick will be at the latest
   */
  tick(nowMs: number, nextMs: number): void {
    if (this.#opening !== undefined) this.#lookForGreeting(this.#opening)
    if (this.heartbeatSeconds === 0 || this.#closing) return
    const intervalMs = this.heartbeatSeconds * 1000
    // Nothing can be heard while we do not listen.
    if (this.#heard || this.#reads?.isPaused || this.#lastHeardMs === 0) this.#lastHeardMs = nowMs
    this.#heard = false
    if (nowMs - this.#lastHeardMs > 2 * intervalMs) {
      this.#fail(`silent for more than ${2 * this.heartbeatSeconds} s`, 'timeout')
      return this.destroy()
    }
    if (this.#heartbeats.isDue(this.heartbeatSeconds, nowMs, nextMs)) this.send(HEARTBEAT_FRAME)
  }

  #lookForGreeting(opening: Opening): void {
    if (this.#closing || performance.now() < opening.greetByMs) return
    const stream = this.#stream
    this.#stream = undefined
    this.#reads = undefined
    stream?.destroy()
    opening.silent.push(this.url)
    opening.greetByMs = Number.POSITIVE_INFINITY
    this.#dialFor(opening)
  }

  async #dial(dialling: Promise<Dialled>): Promise<void> {
    let dialled: Dialled
    try {
      dialled = await dialling
    } catch (error) {
      const { message, failure } = BrokerUnavailable.from(error)
      if (!this.#closing) this.#events.lost(message, failure, 'dialling')
      this.#end()
      return
    }
    this.#connected(dialled)
  }

  #connected({ stream, node, gathers, greetWithinMs = Number.POSITIVE_INFINITY }: Dialled): void {
    this.#giveUp = undefined
    if (this.#opening !== undefined) this.#opening.greetByMs = performance.now() + greetWithinMs
    if (this.#closing) {
      stream.on('error', () => undefined).destroy()
      return this.#end()
    }
    this.#stream = stream
    this.url = node
    let failed: Error | undefined
    stream.on('error', (error) => {
      failed = error
    })
    stream.on('close', () => {
      // It was silent, and another node has its place.
      if (this.#stream !== stream) return
      this.#fail(failed === undefined ? 'the broker closed the socket' : errorText(failed), failureOfSocket(failed))
      this.#end()
    })
    this.#reads = new BrokerReads(stream, gathers)
    stream.on('data', (chunk: Buffer) => this.#data(chunk))
    stream.write(PROTOCOL_HEADER)
  }

  #data(chunk: Buffer): void {
    this.#heard = true
    this.#opening = undefined
    this.#pass()
    this.reader.push(chunk)
    if (this.#closing) return this.#awaitCloseOk()
    this.#events.readable()
    if (!this.#closing) this.#reads?.arrived(chunk.length, this.reader.pendingBytes)
  }

  /** RabbitMQ leaves it to its client to end the socket; what comes before the close-ok is of no use any more. */
  #awaitCloseOk(): void {
    try {
      while (this.reader.next()) {
        const { type, channel, buffer, payloadStart, payloadEnd } = this.reader
        if (
          type === FRAME_METHOD &&
          channel === 0 &&
          methodIndexAt(buffer, payloadStart, payloadEnd) === CLOSE_OK_INDEX
        )
          this.destroy()
      }
    } catch {
      this.destroy()
    }
  }

  #pass(): void {
    if (!this.#isEmpty) return
    this.#isEmpty = false
    this.#events.busy()
  }

  #flushed(): void {
    if (!this.#high || this.bufferedBytes > this.#watermarks.lowBytes) return
    this.#high = false
    this.#events.drained()
  }

  #fail(detail: string, failure: BrokerFailure): void {
    if (this.#closing) return
    this.#closing = true
    this.#events.lost(detail, failure, 'connected')
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#closeTimer)
    this.#events.gone()
  }
}

/** What has to wait must not keep a message of which it is a small part: the watermarks count only the part. */
function slim(part: Buffer): Buffer {
  return part.length * 4 < part.buffer.byteLength ? Buffer.from(part) : part
}
