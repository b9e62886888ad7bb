/**
 * One connection of a gateway that waits at the door for a client. It is believed to be alive only when it has just echoed a
 * challenge: a process that is stopped, and a cable that is pulled, leave connections behind that look well.
 */
import type { TLSSocket } from 'node:tls'
import { CHALLENGE_MS, isEchoOf, MESSAGE_BYTES, makeChallenge } from '../wire.ts'
import type { KnownGateway } from './gateways.ts'

/** Without an echo for so long, a client is given to another one. A client's whole loss by it is to be 500 ms at most. */
const LATE_MS = 400
/** From a challenge to the end of a connection that does not echo it. */
const DEAD_MS = 10_000
/** Not all in the same instant. */
const SPREAD = 0.2

export interface ParkedEvents {
  /** It is alive at this moment. */
  answered(parked: Parked): void
  /** Nobody may wait for it any longer; it may still answer. */
  late(parked: Parked): void
  /** Called once, unless it has been taken; the socket is destroyed. */
  gone(parked: Parked, why: string): void
}

export interface ParkedTimes {
  readonly challengeMs: number
  readonly lateMs: number
  readonly deadMs: number
}

const TIMES: ParkedTimes = { challengeMs: CHALLENGE_MS, lateMs: LATE_MS, deadMs: DEAD_MS }

export class Parked {
  readonly gateway: KnownGateway
  readonly #socket: TLSSocket
  readonly #events: ParkedEvents
  readonly #times: ParkedTimes
  #challenge: Buffer | undefined
  #heard: Buffer = Buffer.alloc(0)
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  constructor(socket: TLSSocket, gateway: KnownGateway, events: ParkedEvents, times: Partial<ParkedTimes> = {}) {
    this.gateway = gateway
    this.#socket = socket
    this.#events = events
    this.#times = { ...TIMES, ...times }
    socket.on('error', () => {})
    socket.on('data', this.#read)
    socket.once('end', this.#ended)
    socket.once('close', this.#ended)
  }

  /** Asks it for an echo, unless it has been asked already. */
  ask(): void {
    if (this.#isOver || this.#challenge !== undefined) return
    this.#challenge = makeChallenge()
    this.#heard = Buffer.alloc(0)
    this.#socket.write(this.#challenge)
    this.#after(this.#times.lateMs, () => {
      this.#after(this.#times.deadMs - this.#times.lateMs, () => this.drop('it does not answer'))
      this.#events.late(this)
    })
  }

  /** It is the caller's from now on, and is not read any more. */
  take(): TLSSocket {
    this.#leave()
    this.#socket.pause()
    return this.#socket
  }

  /** Ends it. */
  drop(why: string): void {
    if (this.#isOver) return
    this.#leave()
    this.#socket.destroy()
    this.#events.gone(this, why)
  }

  readonly #ended = (): void => this.drop('it left')

  readonly #read = (bytes: Buffer): void => {
    const challenge = this.#challenge
    const heard = this.#heard.length === 0 ? bytes : Buffer.concat([this.#heard, bytes])
    if (challenge === undefined || heard.length > MESSAGE_BYTES) return this.drop('it sent something else than an echo')
    if (heard.length < MESSAGE_BYTES) {
      this.#heard = heard
      return
    }
    if (!isEchoOf(challenge, heard)) return this.drop('it sent something else than an echo')
    this.#challenge = undefined
    if (this.gateway.hasExpired) return this.drop('its certificate has expired')
    this.#after(this.#times.challengeMs * (1 - SPREAD * Math.random()), () => this.ask())
    this.#events.answered(this)
  }

  #leave(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#socket.off('data', this.#read).off('end', this.#ended).off('close', this.#ended)
  }

  #after(ms: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, ms)
    this.#timer.unref()
  }
}
