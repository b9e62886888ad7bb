/**
 * The closing of a session: which leg is told what, and when; the close-ok that is owed either way, and how long it is
 * waited for; the report at the end. Why sessions end, and in what words, is said in ending.ts.
 *
 * Invariants: the first cause of an ending stands; the end is reported exactly once, when both legs are gone.
 */
import { FRAME_METHOD } from '../../codec/frame.ts'
import { indexOf, methodFrame, methodIndexAt } from '../../codec/method.ts'
import { CLOSE_CODES } from '../../faults.ts'
import type { Course } from '../course.ts'
import type { BrokerFailure } from '../dialling/broker-failure.ts'
import type { BrokerLeg } from '../legs/broker-leg.ts'
import type { ClientLeg } from '../legs/client-leg.ts'
import { PHASES } from '../phases.ts'
import type { InBandRefusal, SessionObserver } from '../ports.ts'
import { type Ending, ended, sessionEnd } from './ending.ts'

/** How long a client may take for the close-ok it owes, or wait for the one it is owed. */
const CLOSE_MS = 3000

const CLOSE = indexOf('connection.close')
const CLOSE_OK = indexOf('connection.close-ok')

/** What the closing needs of the session it ends. */
export interface ClosingHost {
  /** Sends the gateway's own `start`, without waiting for the broker's. */
  sendStart(): void
  /** Reads what the client has sent already, whatever it was that held it back. */
  hearOut(): void
  /** Both legs are gone; the report follows. */
  over(): void
}

export class Closing {
  readonly #observer: SessionObserver
  readonly #client: ClientLeg
  readonly #broker: BrokerLeg
  readonly #course: Course
  readonly #host: ClosingHost
  readonly #startedMs = performance.now()
  #ending: Ending | undefined
  /** The client asked for the end and is owed a close-ok. */
  #owesCloseOk = false
  #brokerGone = false
  #reported = false

  constructor(observer: SessionObserver, client: ClientLeg, broker: BrokerLeg, course: Course, host: ClosingHost) {
    this.#observer = observer
    this.#client = client
    this.#broker = broker
    this.#course = course
    this.#host = host
  }

  get hasBegun(): boolean {
    return this.#ending !== undefined
  }

  /** Whether it has begun, and the client is to hear of it by a `connection.close`. */
  get hasToTell(): boolean {
    return this.#ending?.tell !== undefined
  }

  /** For a session without a broker, which was never dialled: its client is told after its `start-ok`. */
  refuse(refusal: InBandRefusal): void {
    this.#brokerGone = true
    this.#ending = ended.refused(refusal)
  }

  /** The end of the session begins: both legs are told, each in its own way. The first cause stands. */
  begin(ending: Ending): void {
    if (this.#ending !== undefined) {
      // A client that breaks the protocol, or falls silent, while it is being refused or closed is not worth another word.
      if (ending.final && this.#course.phase !== 'closed') this.#closeClient()
      return
    }
    this.#ending = ending
    this.#broker.close()
    if (this.#client.gone) return this.#report()
    const { phase } = this.#course
    if (ending.tell === undefined || (!ending.patient && (phase === 'header' || phase === 'start')))
      return this.#closeClient()
    // A client expects a start before a close: it is given one, and told after its start-ok.
    if (phase === 'start') return this.#host.sendStart()
    if (phase === 'header' || (phase === 'start-ok' && ending.patient)) return
    this.tellClient()
  }

  /** Tells the client why, and waits for its close-ok. To be called when it has come far enough to understand. */
  tellClient(): void {
    const tell = this.#ending?.tell
    if (tell === undefined) return this.#closeClient()
    const { replyCode, replyText, caused } = tell
    this.#client.send(methodFrame(0, 'connection.close', { replyCode, replyText, ...caused }))
    this.#course.enter('closing')
    this.#course.deadline.arm(CLOSE_MS, () => this.#closeClient())
    // What the client has sent already may hold the close-ok.
    this.#host.hearOut()
  }

  /** The client's `connection.close`: the broker closes first, so that a close-ok means that everything before it was done. */
  clientCloses(): void {
    this.#ending ??= ended.clientClosed()
    this.#owesCloseOk = true
    this.#course.enter('closing')
    this.#course.deadline.arm(CLOSE_MS, () => this.#answerClient())
    const answersNow = this.#broker.blocked
    this.#broker.close()
    if (answersNow || this.#brokerGone) this.#answerClient()
  }

  /** The frame the client's reader stands at, in phase `closing`: only the end of the closing handshake counts. [AMQP §2.2.4] */
  clientFrame(): void {
    const { type, channel, buffer, payloadStart, payloadEnd } = this.#client.reader
    if (type !== FRAME_METHOD || channel !== 0 || this.#owesCloseOk) return
    const index = methodIndexAt(buffer, payloadStart, payloadEnd)
    if (index === CLOSE) this.#client.out.add(methodFrame(0, 'connection.close-ok', {}))
    if (index === CLOSE || index === CLOSE_OK) this.#closeClient()
  }

  /** The WebSocket is gone: nobody is left to be told. */
  clientGone(code: number, malformed: boolean): void {
    if (this.#client.gone) return
    this.#client.gone = true
    this.#ending ??= malformed ? ended.malformedStream(code) : ended.clientLost(code)
    this.#enterClosed()
    this.#broker.close()
    this.#report()
  }

  /** No broker could be reached, or its socket went away. */
  brokerLost(detail: string, failure: BrokerFailure, when: 'dialling' | 'connected'): void {
    const { phase } = this.#course
    const { url } = this.#broker
    if (phase === 'relay') return this.begin(ended.brokerLost(`${url}: ${detail}`))
    const place = when === 'dialling' ? detail : `${url}: ${detail} in phase ${phase}`
    this.begin(ended.brokerUnavailable(place, failure))
  }

  /** The broker leg is over. */
  brokerGone(): void {
    this.#brokerGone = true
    if (this.#owesCloseOk) this.#answerClient()
    this.#report()
  }

  /** Whose turn it was decides whose fault it is. */
  handshakeTimedOut(): void {
    const { phase, deadline } = this.#course
    if (this.#ending !== undefined) return this.#closeClient()
    if (PHASES[phase].turn !== 'broker') return this.begin(ended.handshakeTimeout(phase))
    deadline.arm(CLOSE_MS, () => this.#closeClient())
    const detail = `${this.#broker.url}: no answer in phase ${phase} within the handshake's deadline`
    this.begin(ended.brokerUnavailable(detail, 'timeout'))
  }

  #answerClient(): void {
    if (this.#owesCloseOk) this.#client.out.add(methodFrame(0, 'connection.close-ok', {}))
    this.#owesCloseOk = false
    this.#closeClient()
  }

  #closeClient(): void {
    const { closeCode = CLOSE_CODES.internalError, tell } = this.#ending ?? {}
    this.#enterClosed()
    this.#client.close(closeCode, tell?.replyText ?? '')
    this.#report()
  }

  #enterClosed(): void {
    if (this.#course.phase !== 'closed') this.#course.enter('closed')
  }

  #report(): void {
    if (this.#reported || !this.#client.gone || !this.#brokerGone || this.#ending === undefined) return
    this.#reported = true
    this.#course.deadline.drop()
    this.#host.over()
    const { bytesIn: bytesFromClient, bytesOut: bytesToClient } = this.#client
    const durationMs = performance.now() - this.#startedMs
    this.#observer.ended(sessionEnd(this.#ending, this.#broker.url, { durationMs, bytesFromClient, bytesToClient }))
  }
}
