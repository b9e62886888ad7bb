/**
 * One session: a client leg and a broker leg, when each of them is read and written, and to whom every frame goes: to the
 * handshake before `open-ok`, to the two relay directions after it, to the closing at the end.
 *
 * Invariants: the phase changes in `Course.enter` alone. Whatever ends the session goes through its `Closing`: the first
 * cause stands, and the end is reported exactly once, when both legs are gone.
 */
import { methodFrame } from '../codec/method.ts'
import { ConnectionFault } from '../faults.ts'
import { Closing, type ClosingHost } from './closing/closing.ts'
import { ended } from './closing/ending.ts'
import { QuietEnding } from './closing/quiet-ending.ts'
import { Course, type CourseEvents } from './course.ts'
import { BrokerLeg } from './legs/broker-leg.ts'
import { ClientLeg, HOLD, type Hold } from './legs/client-leg.ts'
import { FIRST_LOOK_MS, LONGEST_LOOK_MS, latestLookMs, lookMs } from './legs/looks.ts'
import { Handshake, type Opened } from './opening/handshake.ts'
import { PHASES, type Phase } from './phases.ts'
import type {
  BrokerCredential,
  EndedAt,
  EndRequest,
  InBandRefusal,
  Session,
  SessionActivity,
  SessionOptions,
  SessionRules,
} from './ports.ts'
import { BrokerSecret } from './relaying/broker-secret.ts'
import { Relaying } from './relaying/relaying.ts'
import { Renewals } from './relaying/renewals.ts'
import type { SessionHands } from './session-view.ts'

/** Frames judged in one go before other sessions have their turn. */
const SLICE_FRAMES = 1024

/** Until the broker has opened it. */
const NO_ACTIVITY: SessionActivity = { channels: 0, consumers: 0, messagesFromClient: 0, messagesToClient: 0 }

/** What its parts ask of it is public for them; the door of `proxy` shows it as a `Session`. */
export class GatewaySession implements Session, CourseEvents, ClosingHost, SessionHands {
  readonly id: string
  readonly #options: SessionOptions
  #rules: SessionRules
  readonly #client: ClientLeg
  readonly #broker: BrokerLeg
  /** Until `open-ok`: what it holds is let go of then. */
  #handshake: Handshake | undefined
  readonly #course = new Course(this)
  readonly #closing: Closing
  readonly #renewals: Renewals
  readonly #brokerSecret: BrokerSecret
  /** While it is brought to a quiet point, to end there. */
  #quietEnding: QuietEnding | undefined
  #lookMs = FIRST_LOOK_MS
  /** From `open-ok` on. */
  #relaying: Relaying | undefined
  #reading = false
  #flushing = false
  /** The client's current frame waits for the broker to let go of a channel number. */
  #stalled = false

  constructor(options: SessionOptions, refusal?: InBandRefusal) {
    this.id = options.id
    this.#options = options
    this.#rules = { filters: options.filters, messageBytes: options.limits.messageBytes }
    const busy = (): void => options.observer.busy?.()
    this.#client = new ClientLeg(options.client, options.limits, {
      full: (full) => (full ? this.#broker.pause() : this.#broker.resume()),
      busy,
    })
    this.#broker = new BrokerLeg(options.limits.buffer, {
      readable: () => this.#readBroker(),
      lost: (detail, failure, when) => this.#closing.brokerLost(detail, failure, when),
      drained: () => this.#client.release(HOLD.brokerFull),
      gone: () => this.#closing.brokerGone(),
      busy,
    })
    this.#closing = new Closing(options.observer, this.#client, this.#broker, this.#course, this)
    this.#handshake = new Handshake(options, this.#client, this.#broker, {
      course: this.#course,
      closing: this.#closing,
      opened: (opened) => this.#onOpened(opened),
    })
    this.#renewals = new Renewals(options.renew?.bind(options), {
      renewed: () => this.#client.send(methodFrame(0, 'connection.update-secret-ok', {})),
      refused: (fault) => this.#closing.begin(ended.clientFault(fault)),
    })
    this.#brokerSecret = new BrokerSecret(options.credential.username, this.#broker, this.#closing)
    const { handshakeMs } = options.limits
    this.#course.deadline.arm(handshakeMs, () => this.#closing.handshakeTimedOut())
    if (refusal === undefined) this.#broker.start(options.dialler, options.identity.address, handshakeMs)
    else this.#closing.refuse(refusal)
  }

  receive(chunk: Buffer): void {
    if (this.#course.phase === 'closed') return
    this.#client.push(chunk)
    this.#readClient()
    const isEarly = PHASES[this.#course.phase].turn === 'broker'
    if (isEarly && this.#client.reader.pendingBytes > this.#options.limits.preOpenFrameBytes)
      this.#client.hold(HOLD.phase)
  }

  alive(): void {
    this.#client.alive()
  }

  clientGone(code: number, malformed = false): void {
    this.#closing.clientGone(code, malformed)
  }

  end(request: EndRequest): void {
    this.#closing.begin(ended.requested(request))
  }

  endAtQuietPoint(request: EndRequest, withinMs: number): void {
    if (this.#closing.hasBegun || this.#quietEnding !== undefined) return
    // Nothing has begun: no point is more quiet.
    const relay = this.#relaying?.relay
    if (relay === undefined) return this.#closing.begin(ended.requested(request, 'quiet'))
    const end = (at: EndedAt): void => this.#closing.begin(ended.requested(request, at))
    this.#quietEnding = new QuietEnding(relay, withinMs, end)
    this.#quietEnding.look()
    this.flush()
  }

  renewBroker(credential: BrokerCredential): Promise<void> {
    return this.#brokerSecret.show(credential)
  }

  exchange(rules: SessionRules): void {
    if (this.#closing.hasBegun) return
    this.#rules = rules
    this.#relaying?.relay.exchange(rules)
    this.flush()
  }

  tick(nowMs: number): number {
    if (this.#course.phase === 'closed') return nowMs + LONGEST_LOOK_MS
    const nextMs = latestLookMs(nowMs, this.#lookMs)
    this.#broker.tick(nowMs, nextMs)
    const relay = this.#relaying?.relay
    relay?.slots.tick(nowMs)
    if (relay?.isOverdue(nowMs) === true) this.#closing.begin(ended.contentOverdue())
    if (!this.#client.tick(nowMs, nextMs)) this.#closing.begin(ended.clientDead())
    this.flush()
    return nowMs + this.#lookMs
  }

  /** Bytes that wait in memory on both legs. */
  get bufferedBytes(): number {
    return this.#client.heldBytes + this.#broker.heldBytes
  }

  get bytesFromClient(): number {
    return this.#client.bytesIn
  }

  get bytesToClient(): number {
    return this.#client.bytesOut
  }

  get isEnding(): boolean {
    return this.#closing.hasBegun
  }

  get activity(): SessionActivity {
    const relay = this.#relaying?.relay
    if (relay === undefined) return NO_ACTIVITY
    return {
      channels: relay.channels.count,
      consumers: relay.slots.track.consumers.count,
      messagesFromClient: relay.messagesFromClient,
      messagesToClient: relay.messagesToClient,
    }
  }

  /** For its course. */
  entered(phase: Phase): void {
    if (phase === 'closing' || phase === 'closed') {
      this.#brokerSecret.stop()
      this.#quietEnding?.stop()
    }
    if (PHASES[phase].turn === 'broker') return
    if (this.#client.isHeld(HOLD.phase) || (this.#client.reader.pendingBytes > 0 && !this.#reading))
      setImmediate(() => this.#release(HOLD.phase))
  }

  /** For its closing, as the two that follow. */
  sendStart(): void {
    this.#handshake?.sendStart()
  }

  hearOut(): void {
    for (const hold of Object.values(HOLD)) this.#client.release(hold)
    this.#stalled = false
    this.#readClient()
  }

  over(): void {
    this.#relaying?.relay.slots.ended()
  }

  /** Gathers what one turn of the event loop brought for the broker, and writes it once. For filters, too. */
  flush(): void {
    if (this.#client.out.bytes > 0) this.#client.flush()
    if (this.#flushing || this.#broker.out.bytes === 0) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      this.#broker.flush()
      if (this.#broker.full) this.#client.hold(HOLD.brokerFull)
    })
  }

  /** For filters. */
  pauseClient(ms: number): void {
    this.#client.pauseFor(ms, () => this.#release(HOLD.rate))
  }

  #readClient(): void {
    if (this.#reading) return
    this.#reading = true
    try {
      let left = SLICE_FRAMES
      while (this.#mayReadClient() && this.#clientStep()) {
        if (--left > 0) continue
        this.#client.hold(HOLD.slice)
        setImmediate(() => this.#release(HOLD.slice))
      }
    } catch (error) {
      this.#closing.begin(error instanceof ConnectionFault ? ended.clientFault(error) : ended.internalError(error))
    } finally {
      this.#reading = false
    }
    this.#relaying?.toBroker.settle()
    this.#quietEnding?.look()
    this.flush()
  }

  #mayReadClient(): boolean {
    const { turn } = PHASES[this.#course.phase]
    if (turn !== 'client' && turn !== 'both') return false
    return !this.#client.isHeld(HOLD.slice) && !this.#client.isHeld(HOLD.rate) && !this.#client.isHeld(HOLD.channel)
  }

  /** Takes one frame off the client's bytes. @returns false when there is none to take now */
  #clientStep(): boolean {
    const { reader } = this.#client
    if (this.#course.phase === 'header') {
      const header = reader.header()
      if (header === undefined) return false
      if (this.#handshake?.onHeader(header) === false) this.#closing.begin(ended.foreignProtocol())
      return true
    }
    if (!this.#stalled && !reader.next()) return false
    this.#stalled = false
    if (this.#course.phase === 'relay' && this.#relaying !== undefined) {
      if (this.#relaying.toBroker.frame(reader)) return true
      this.#stalled = true
      this.#client.hold(HOLD.channel)
      return false
    }
    if (this.#course.phase === 'closing') this.#closing.clientFrame()
    else this.#handshake?.clientFrame(reader)
    return true
  }

  #readBroker(): void {
    const { reader } = this.#broker
    try {
      while (!this.#closing.hasBegun && reader.next()) {
        if (this.#course.phase === 'relay') this.#relaying?.toClient.frame(reader)
        else this.#handshake?.brokerFrame(reader)
      }
    } catch (error) {
      this.#closing.begin(error instanceof ConnectionFault ? ended.brokerFault(error) : ended.internalError(error))
    }
    this.#client.flush()
    this.#quietEnding?.look()
    if (this.#stalled) this.#release(HOLD.channel)
    this.flush()
  }

  #release(reason: Hold): void {
    this.#client.release(reason)
    if (this.#course.phase !== 'closed') this.#readClient()
  }

  #onOpened(opened: Opened): void {
    const { credential, limits, observer } = this.#options
    this.#relaying = new Relaying(this.#options, opened, this.#rules, {
      client: this.#client,
      broker: this.#broker,
      closing: this.#closing,
      renewals: this.#renewals,
      brokerSecret: this.#brokerSecret,
      hands: this,
    })
    this.#client.reader.maxFrameBytes = opened.choice.frameMax
    this.#lookMs = lookMs(limits.pingMs, this.#client.heartbeatSeconds, this.#broker.heartbeatSeconds)
    this.#course.enter('relay')
    this.#handshake = undefined
    this.#brokerSecret.start(credential.renewal, opened.brokerChoice.frameMax)
    const { vhost, mechanism, product } = opened
    observer.opened?.({ vhost, broker: this.#broker.url, mechanism, client: product })
  }
}
