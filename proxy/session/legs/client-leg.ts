/**
 * The session's client side: the WebSocket's bytes in, whole frames out, and the reasons for which it is not being
 * read just now. It answers for liveness: WebSocket pings always, AMQP heartbeats as the client asked.
 */
import { HEARTBEAT_FRAME } from '../../codec/frame.ts'
import { FrameReader } from '../../codec/frame-reader.ts'
import type { ClientEnd, SessionLimits } from '../ports.ts'
import { Gather } from './gather.ts'
import { Heartbeats } from './heartbeats.ts'

/** Why the client is not read; several may hold at once. */
export const HOLD = { brokerFull: 1, slice: 2, phase: 4, rate: 8, channel: 16 } as const
export type Hold = (typeof HOLD)[keyof typeof HOLD]

/** For the answer to the second ping, and for looks that come late. */
const SLACK_MS = 2000

export interface ClientLegEvents {
  /** More waits for the client than the high watermark; false: it is below the low one again. */
  full(full: boolean): void
  /** Bytes pass where nothing waited when `heldBytes` was asked last. */
  busy(): void
}

export class ClientLeg {
  readonly reader: FrameReader
  readonly out = new Gather()
  /** Seconds between heartbeats, as the client chose; 0 before tuning. */
  heartbeatSeconds = 0
  bytesIn = 0
  bytesOut = 0
  gone = false
  readonly #end: ClientEnd
  readonly #limits: SessionLimits
  readonly #events: ClientLegEvents
  readonly #onSent = (): void => this.#sent()
  #holds = 0
  #pause: NodeJS.Timeout | undefined
  #pausedUntilMs = 0
  #full = false
  /** Nothing waited when it was looked at last, and nothing has passed since. */
  #isEmpty = true
  #heard = true
  #lastHeardMs = 0
  readonly #heartbeats = new Heartbeats()
  #lastPingMs = 0

  constructor(end: ClientEnd, limits: SessionLimits, events: ClientLegEvents) {
    this.#end = end
    this.#limits = limits
    this.#events = events
    this.reader = new FrameReader(limits.preOpenFrameBytes)
  }

  get bufferedBytes(): number {
    return this.#end.bufferedBytes()
  }

  /** Bytes that wait in memory, read and unread. */
  get heldBytes(): number {
    if (this.#isEmpty) return 0
    const bytes = this.bufferedBytes + this.reader.pendingBytes
    this.#isEmpty = bytes === 0
    return bytes
  }

  push(chunk: Buffer): void {
    this.#heard = true
    this.#pass()
    this.bytesIn += chunk.length
    this.reader.push(chunk)
  }

  /** A sign of life that is no AMQP. */
  alive(): void {
    this.#heard = true
  }

  hold(reason: Hold): void {
    if (this.#holds === 0) this.#end.pause()
    this.#holds |= reason
  }

  release(reason: Hold): void {
    if (this.#holds === 0) return
    this.#holds &= ~reason
    if (this.#holds === 0 && !this.gone) this.#end.resume()
  }

  /** Keeps the client unread for so long at least; pauses may overlap, and the longest counts. */
  pauseFor(ms: number, over: () => void): void {
    const untilMs = performance.now() + ms
    if (this.gone || untilMs <= this.#pausedUntilMs) return
    this.#pausedUntilMs = untilMs
    this.hold(HOLD.rate)
    clearTimeout(this.#pause)
    this.#pause = setTimeout(over, Math.ceil(ms))
  }

  isHeld(reason: Hold): boolean {
    return (this.#holds & reason) !== 0
  }

  send(frame: Buffer): void {
    this.out.add(frame)
    this.flush()
  }

  /** Sends everything gathered, as one message of whole frames. */
  flush(): void {
    const { bytes } = this.out
    if (bytes === 0) return
    const parts = this.out.drain()
    if (this.gone) return
    this.#heartbeats.hasWritten = true
    this.#pass()
    this.bytesOut += bytes
    this.#end.send(parts, this.#onSent)
    if (!this.#full && this.#end.bufferedBytes() > this.#limits.buffer.highBytes) {
      this.#full = true
      this.#events.full(true)
    }
  }

  /** Sends everything gathered, and closes. */
  close(code: number, reason: string): void {
    const { bytes } = this.out
    const last = this.out.drain()
    if (this.gone) return
    this.bytesOut += bytes
    this.#end.close(code, reason, last)
  }

  /**
   * Pings, heartbeats, and whether the client still lives: false when two pings went unanswered.
   * @param nextMs when the next tick will be at the latest
   */
  tick(nowMs: number, nextMs: number): boolean {
    if (this.#lastPingMs === 0) this.#lastPingMs = this.#lastHeardMs = nowMs
    // While it is not read, nothing can be heard of it; a ping still finds out whether its socket is there.
    if (this.#heard || this.#holds !== 0) this.#lastHeardMs = nowMs
    this.#heard = false
    if (nowMs - this.#lastHeardMs > 2 * this.#limits.pingMs + SLACK_MS) return false
    if (nowMs - this.#lastPingMs >= this.#limits.pingMs) {
      this.#lastPingMs = nowMs
      this.#end.ping()
    }
    if (this.#heartbeats.isDue(this.heartbeatSeconds, nowMs, nextMs)) this.send(HEARTBEAT_FRAME)
    return true
  }

  #pass(): void {
    if (!this.#isEmpty) return
    this.#isEmpty = false
    this.#events.busy()
  }

  #sent(): void {
    if (!this.#full || this.#end.bufferedBytes() > this.#limits.buffer.lowBytes) return
    this.#full = false
    this.#events.full(false)
  }
}
