/**
 * One connection of this gateway to a door: dialled, verified, kept ready, and at last given a client. It echoes the door's
 * challenges meanwhile, and says nothing else.
 */
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { readProxyHeader } from '../../http/proxy-protocol/header.ts'
import { beginsChallenge, echoOf, MESSAGE_BYTES, SILENCE_MS } from '../wire.ts'
import { type DialStage, endOf, silenceOf } from './dial-failure.ts'

/** From the dial to the door's first challenge: before it nobody knows whether the door takes us. */
const DIAL_MS = 10_000
const PROXY_HEADER_BEGINS = 0x0d
/** A door asks again when it has read the echo before; what it never reads must not grow here. */
const MOST_OWED_BYTES = 16 * MESSAGE_BYTES

export interface ConnectionEvents {
  /** The door has taken it. */
  ready(connection: DoorConnection): void
  /** It has a client, and is not read any more; `source` is the client's address, as the door says. */
  given(connection: DoorConnection, socket: TLSSocket, source: string | undefined): void
  /** Called once, unless it was given away; the socket is destroyed. */
  lost(connection: DoorConnection, why: string): void
}

export interface ConnectionTimes {
  readonly dialMs: number
  readonly silenceMs: number
}

const TIMES: ConnectionTimes = { dialMs: DIAL_MS, silenceMs: SILENCE_MS }

export class DoorConnection {
  readonly #socket: TLSSocket
  readonly #events: ConnectionEvents
  readonly #silenceMs: number
  #held: Buffer = Buffer.alloc(0)
  #stage: DialStage = 'dialling'
  #readyMs: number | undefined
  #timer: NodeJS.Timeout
  #failure: Error | undefined
  #isOver = false

  constructor(options: ConnectionOptions, events: ConnectionEvents, times: Partial<ConnectionTimes> = {}) {
    const { dialMs, silenceMs } = { ...TIMES, ...times }
    this.#events = events
    this.#silenceMs = silenceMs
    this.#timer = setTimeout(() => this.drop(silenceOf(this.#stage)), dialMs)
    this.#timer.unref()
    this.#socket = connect(options)
    this.#socket.once('connect', () => {
      this.#stage = 'handshake'
    })
    this.#socket.once('secureConnect', () => {
      this.#stage = 'judged'
    })
    this.#socket.setNoDelay(true)
    this.#socket.setKeepAlive(true)
    this.#socket.on('error', (error: Error) => {
      this.#failure = error
    })
    this.#socket.on('readable', this.#look).once('end', this.#ended).once('close', this.#ended)
  }

  /** Whether the door has taken it. */
  get wasReady(): boolean {
    return this.#readyMs !== undefined
  }

  /** Since when it has waited, in ms; 0 where it does not. */
  get waitedMs(): number {
    return this.#readyMs === undefined ? 0 : performance.now() - this.#readyMs
  }

  /** Ends it, unless it has been given away. */
  drop(why: string): void {
    if (this.#isOver) return
    this.#leave()
    this.#socket.destroy()
    this.#events.lost(this, why)
  }

  readonly #ended = (): void => {
    // Before that, an error that says more may follow; then it closes by itself, or is late.
    if (this.#stage === 'ready' || this.#socket.destroyed) this.drop(endOf(this.#stage, this.#failure))
  }

  readonly #look = (): void => {
    const more = this.#socket.read() as Buffer | null
    if (more === null) return
    this.#held = this.#held.length === 0 ? more : Buffer.concat([this.#held, more])
    while (!this.#isOver && beginsChallenge(this.#held) && this.#held.length >= MESSAGE_BYTES) this.#echo()
    if (this.#isOver || this.#held.length === 0 || beginsChallenge(this.#held)) return
    this.#readAnnouncement()
  }

  #echo(): void {
    const echo = echoOf(this.#held.subarray(0, MESSAGE_BYTES))
    if (echo === undefined) return this.drop('it is no door')
    this.#held = this.#held.subarray(MESSAGE_BYTES)
    if (this.#socket.writableLength > MOST_OWED_BYTES) return this.drop('the door asks without reading the answers')
    this.#socket.write(echo)
    this.#stage = 'ready'
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.drop(silenceOf('ready')), this.#silenceMs)
    this.#timer.unref()
    if (this.#readyMs !== undefined) return
    this.#readyMs = performance.now()
    this.#events.ready(this)
  }

  #readAnnouncement(): void {
    if (!this.wasReady || this.#held[0] !== PROXY_HEADER_BEGINS) return this.drop('it is no door')
    const header = readProxyHeader(this.#held)
    if (header === 'incomplete') return
    if ('problem' in header) return this.drop('it is no door')
    const behind = this.#held.subarray(header.byteCount)
    this.#leave()
    if (behind.length > 0) this.#socket.unshift(behind)
    this.#events.given(this, this.#socket, header.source)
  }

  #leave(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#held = Buffer.alloc(0)
    this.#socket.off('readable', this.#look).off('end', this.#ended).off('close', this.#ended)
  }
}
