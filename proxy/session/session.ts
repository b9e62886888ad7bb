/**
 * One session: a client leg, a broker leg, the phase they are in, and how it ends. It owns every decision about the
 * whole; frames are the business of the handshake before `open-ok` and of the two relay directions after it.
 *
 * Invariants: the phase changes in `enter` alone; the first cause of an ending stands; the end is reported exactly
 * once, when both legs are gone.
 */
import { FRAME_METHOD } from '../codec/frame.ts'
import { checkShape, decodeMethod, indexOf, methodFrame, methodIndexAt } from '../codec/method.ts'
import { CLOSE_CODES, ConnectionFault, HARD_CODES } from '../faults.ts'
import { compile } from '../filters/compile.ts'
import { blockedBy, blockedFrame } from './blocked.ts'
import type { BrokerFailure } from './broker-failure.ts'
import { BrokerLeg } from './broker-leg.ts'
import { BrokerSecret } from './broker-secret.ts'
import { ClientLeg, HOLD, type Hold } from './client-leg.ts'
import { Deadline } from './deadline.ts'
import { closeReason, type Ending, ended, peerClosed, sessionEnd } from './ending.ts'
import { Handshake, type Opened } from './handshake.ts'
import { LONGEST_LOOK_MS, lookMs, SHORTEST_LOOK_MS } from './looks.ts'
import { follows, PHASES, type Phase } from './phases.ts'
import type { BrokerCredential, EndRequest, InBandRefusal, Session, SessionOptions } from './ports.ts'
import { Relay } from './relay.ts'
import { Renewals } from './renewals.ts'
import { type SessionHands, sessionView } from './session-view.ts'
import { ToBroker } from './to-broker.ts'
import { ToClient } from './to-client.ts'

/** Frames judged in one go before other sessions have their turn. */
const SLICE_FRAMES = 1024

/** How long a client may take for the close-ok it owes, or wait for the one it is owed. */
const CLOSE_MS = 3000

const CLOSE = indexOf('connection.close')
const CLOSE_OK = indexOf('connection.close-ok')
const UPDATE_SECRET = indexOf('connection.update-secret')
const UPDATE_SECRET_OK = indexOf('connection.update-secret-ok')

export class GatewaySession implements Session {
  readonly id: string
  readonly #options: SessionOptions
  readonly #client: ClientLeg
  readonly #broker: BrokerLeg
  /** Until `open-ok`: what it holds is let go of then. */
  #handshake: Handshake | undefined
  readonly #startedMs = performance.now()
  readonly #renewals: Renewals
  readonly #brokerSecret: BrokerSecret
  readonly #hands: SessionHands = {
    flush: () => this.#flushSoon(),
    pauseClient: (ms) => this.#client.pauseFor(ms, () => this.#release(HOLD.rate)),
  }
  #phase: Phase = 'header'
  #lookMs = SHORTEST_LOOK_MS
  #relay: Relay | undefined
  #toBroker!: ToBroker
  #toClient!: ToClient
  readonly #deadline = new Deadline()
  #ending: Ending | undefined
  /** The client asked for the end and is owed a close-ok. */
  #owesCloseOk = false
  #brokerGone = false
  #reported = false
  #reading = false
  #flushing = false
  /** The client's current frame waits for the broker to let go of a channel number. */
  #stalled = false

  constructor(options: SessionOptions, refusal?: InBandRefusal) {
    this.id = options.id
    this.#options = options
    const busy = (): void => options.observer.busy?.()
    this.#client = new ClientLeg(options.client, options.limits, {
      full: (full) => (full ? this.#broker.pause() : this.#broker.resume()),
      busy,
    })
    this.#broker = new BrokerLeg(options.limits.buffer, {
      readable: () => this.#readBroker(),
      lost: (detail, failure, when) => this.#brokerLost(detail, failure, when),
      drained: () => this.#client.release(HOLD.brokerFull),
      gone: () => this.#onBrokerGone(),
      busy,
    })
    const session = this
    this.#handshake = new Handshake(options, this.#client, this.#broker, {
      get phase() {
        return session.#phase
      },
      get refused() {
        return session.#ending?.tell !== undefined
      },
      enter: (phase) => this.#enter(phase),
      tellRefusal: () => this.#tellClient(),
      clientClosed: () => this.#clientCloses(),
      brokerRefused: (detail, failure) => this.#end(ended.brokerRefused(detail, failure)),
      opened: (opened) => this.#onOpened(opened),
    })
    this.#renewals = new Renewals(options.renew?.bind(options), {
      renewed: () => this.#client.send(methodFrame(0, 'connection.update-secret-ok', {})),
      refused: (fault) => this.#end(ended.clientFault(fault)),
    })
    this.#brokerSecret = new BrokerSecret(options.credential.username, this.#broker, (ending) => this.#end(ending))
    this.#deadline.arm(options.limits.handshakeMs, () => this.#handshakeTimedOut())
    if (refusal === undefined) this.#broker.start(options.target, options.identity.address, options.limits.handshakeMs)
    else {
      this.#brokerGone = true
      this.#ending = ended.refused(refusal)
    }
  }

  receive(chunk: Buffer): void {
    if (this.#phase === 'closed') return
    this.#client.push(chunk)
    this.#readClient()
    const waiting =
      PHASES[this.#phase].turn === 'broker' && this.#client.reader.pendingBytes > this.#options.limits.preOpenFrameBytes
    if (waiting) this.#client.hold(HOLD.phase)
  }

  alive(): void {
    this.#client.alive()
  }

  clientGone(code: number, malformed = false): void {
    if (this.#client.gone) return
    this.#client.gone = true
    this.#ending ??= malformed ? ended.malformedStream(code) : ended.clientLost(code)
    this.#enterClosed()
    this.#broker.close()
    this.#report()
  }

  end(request: EndRequest): void {
    this.#end(ended.requested(request))
  }

  renewBroker(credential: BrokerCredential): Promise<void> {
    return this.#brokerSecret.show(credential)
  }

  tick(nowMs: number): number {
    if (this.#phase === 'closed') return nowMs + LONGEST_LOOK_MS
    this.#broker.tick(nowMs)
    this.#relay?.slots.tick(nowMs)
    if (!this.#client.tick(nowMs)) this.#end(ended.clientDead())
    this.#flushSoon()
    return nowMs + this.#lookMs
  }

  /** Bytes that wait in memory on both legs. */
  get bufferedBytes(): number {
    return this.#client.heldBytes + this.#broker.heldBytes
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
      this.#end(error instanceof ConnectionFault ? ended.clientFault(error) : ended.internalError(error))
    } finally {
      this.#reading = false
    }
    this.#toBroker?.settle()
    this.#flushSoon()
  }

  #mayReadClient(): boolean {
    const { turn } = PHASES[this.#phase]
    if (turn !== 'client' && turn !== 'both') return false
    return !this.#client.isHeld(HOLD.slice) && !this.#client.isHeld(HOLD.rate) && !this.#client.isHeld(HOLD.channel)
  }

  /** Takes one frame off the client's bytes. @returns false when there is none to take now */
  #clientStep(): boolean {
    const { reader } = this.#client
    if (this.#phase === 'header') {
      const header = reader.header()
      if (header === undefined) return false
      if (this.#handshake?.onHeader(header) === false) this.#end(ended.foreignProtocol())
      return true
    }
    if (!this.#stalled && !reader.next()) return false
    this.#stalled = false
    if (this.#phase === 'relay') {
      if (this.#toBroker.frame(reader)) return true
      this.#stalled = true
      this.#client.hold(HOLD.channel)
      return false
    }
    if (this.#phase === 'closing') this.#whileClosing()
    else this.#handshake?.clientFrame(reader)
    return true
  }

  #readBroker(): void {
    const { reader } = this.#broker
    try {
      while (this.#ending === undefined && reader.next()) {
        if (this.#phase === 'relay') this.#toClient.frame(reader)
        else this.#handshake?.brokerFrame(reader)
      }
    } catch (error) {
      this.#end(error instanceof ConnectionFault ? ended.brokerFault(error) : ended.internalError(error))
    }
    this.#client.flush()
    if (this.#stalled) this.#release(HOLD.channel)
    this.#flushSoon()
  }

  /** Gathers what one turn of the event loop brought for the broker, and writes it once. */
  #flushSoon(): void {
    if (this.#client.out.bytes > 0) this.#client.flush()
    if (this.#flushing || this.#broker.out.bytes === 0) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      this.#broker.flush()
      if (this.#broker.full) this.#client.hold(HOLD.brokerFull)
    })
  }

  #release(reason: Hold): void {
    this.#client.release(reason)
    if (this.#phase !== 'closed') this.#readClient()
  }

  #onOpened(opened: Opened): void {
    const { identity, credential, limits, filters, observer } = this.#options
    this.#relay = new Relay({
      toBroker: this.#broker.out,
      toClient: this.#client.out,
      channelMax: opened.choice.channelMax,
      messageBytes: limits.messageBytes,
      clientPayloadMax: opened.choice.frameMax - 8,
      brokerUser: credential.username,
      subject: identity.subject,
      client: opened.client,
    })
    this.#relay.slots = compile(filters, sessionView(this.#options, opened, this.#relay, this.#hands))
    this.#toBroker = new ToBroker(this.#relay, (index, buffer, start, end) =>
      this.#clientConnectionMethod(index, buffer, start, end),
    )
    this.#toClient = new ToClient(
      this.#relay,
      (index, buffer, start, end) => this.#brokerConnectionMethod(index, buffer, start, end),
      (channel, replyCode, text) => observer.channelClosed?.({ channel, replyCode, text }),
    )
    this.#client.reader.maxFrameBytes = opened.choice.frameMax
    this.#lookMs = lookMs(limits.pingMs, this.#client.heartbeatSeconds, this.#broker.heartbeatSeconds)
    this.#enter('relay')
    this.#handshake = undefined
    this.#brokerSecret.start(credential.renewal, opened.brokerChoice.frameMax)
    observer.opened?.({ vhost: opened.vhost, broker: this.#broker.url, mechanism: opened.mechanism })
  }

  /** Channel 0 from the client, in relay. */
  #clientConnectionMethod(index: number, buffer: Buffer, start: number, end: number): void {
    if (index === CLOSE) return this.#clientCloses()
    if (index === UPDATE_SECRET)
      return this.#renewals.ask(decodeMethod('connection.update-secret', buffer, start, end).newSecret)
    throw new ConnectionFault('command-invalid', 'a connection method out of order')
  }

  /** Channel 0 from the broker, in relay. */
  #brokerConnectionMethod(index: number, buffer: Buffer, start: number, end: number): void {
    const blocked = blockedBy(index)
    if (blocked !== undefined) {
      this.#broker.blocked = blocked
      if (this.#relay?.options.client.blocked) this.#client.out.add(blockedFrame(index, buffer, start, end))
      return
    }
    if (index === UPDATE_SECRET_OK) return this.#brokerSecret.onOk()
    if (index !== CLOSE) throw new ConnectionFault('command-invalid', 'a connection method out of order')
    const close = decodeMethod('connection.close', buffer, start, end, checkShape)
    this.#broker.answerClose()
    const { credential, identity } = this.#options
    if (this.#brokerSecret.isAsking && close.replyCode !== HARD_CODES['connection-forced'])
      return this.#end(ended.renewalFailed('broker', `${close.replyCode} ${close.replyText}`, 'secret-refused'))
    this.#end(peerClosed(close, credential.username, identity.subject))
  }

  /** The client's `connection.close`: the broker closes first, so that a close-ok means that everything before it was done. */
  #clientCloses(): void {
    this.#ending ??= ended.clientClosed()
    this.#owesCloseOk = true
    this.#enter('closing')
    this.#deadline.arm(CLOSE_MS, () => this.#answerClient())
    const answersNow = this.#broker.blocked
    this.#broker.close()
    if (answersNow || this.#brokerGone) this.#answerClient()
  }

  #answerClient(): void {
    if (this.#owesCloseOk) this.#client.out.add(methodFrame(0, 'connection.close-ok', {}))
    this.#owesCloseOk = false
    this.#closeClient()
  }

  /** Frames of a client that is being closed: only the end of the handshake counts. [AMQP §2.2.4] */
  #whileClosing(): void {
    const { type, channel, buffer, payloadStart, payloadEnd } = this.#client.reader
    if (type !== FRAME_METHOD || channel !== 0 || this.#owesCloseOk) return
    const index = methodIndexAt(buffer, payloadStart, payloadEnd)
    if (index === CLOSE) this.#client.out.add(methodFrame(0, 'connection.close-ok', {}))
    if (index === CLOSE || index === CLOSE_OK) this.#closeClient()
  }

  /** The end of the session begins: both legs are told, each in its own way. The first cause stands. */
  #end(ending: Ending): void {
    if (this.#ending !== undefined) {
      // A client that breaks the protocol, or falls silent, while it is being refused or closed is not worth another word.
      if (ending.final && this.#phase !== 'closed') this.#closeClient()
      return
    }
    this.#ending = ending
    this.#broker.close()
    if (this.#client.gone) return this.#report()
    if (ending.tell === undefined || (!ending.patient && (this.#phase === 'header' || this.#phase === 'start')))
      return this.#closeClient()
    // A client expects a start before a close: it is given one, and told after its start-ok.
    if (this.#phase === 'start') return this.#handshake?.sendStart()
    if (this.#phase === 'header' || (this.#phase === 'start-ok' && ending.patient)) return
    this.#tellClient()
  }

  #tellClient(): void {
    const tell = this.#ending?.tell
    if (tell === undefined) return this.#closeClient()
    const { replyCode, replyText, caused } = tell
    this.#client.send(methodFrame(0, 'connection.close', { replyCode, replyText, ...caused }))
    this.#enter('closing')
    this.#deadline.arm(CLOSE_MS, () => this.#closeClient())
    // What the client has sent already may hold the close-ok; what holds it back must not.
    for (const hold of Object.values(HOLD)) this.#client.release(hold)
    this.#stalled = false
    this.#readClient()
  }

  #closeClient(): void {
    const { closeCode = CLOSE_CODES.internalError, tell } = this.#ending ?? {}
    this.#enterClosed()
    this.#client.close(closeCode, closeReason(tell))
    this.#report()
  }

  #brokerLost(detail: string, failure: BrokerFailure, when: 'dialling' | 'connected'): void {
    const { url } = this.#broker
    if (this.#phase === 'relay') return this.#end(ended.brokerLost(`${url}: ${detail}`))
    const place = when === 'dialling' ? detail : `${url}: ${detail} in phase ${this.#phase}`
    this.#end(ended.brokerUnavailable(place, failure))
  }

  #onBrokerGone(): void {
    this.#brokerGone = true
    if (this.#owesCloseOk) this.#answerClient()
    this.#report()
  }

  /** Whose turn it was decides whose fault it is. */
  #handshakeTimedOut(): void {
    if (this.#ending !== undefined) return this.#closeClient()
    if (PHASES[this.#phase].turn !== 'broker') return this.#end(ended.handshakeTimeout(this.#phase))
    this.#deadline.arm(CLOSE_MS, () => this.#closeClient())
    const detail = `${this.#broker.url}: no answer in phase ${this.#phase} within the handshake's deadline`
    this.#end(ended.brokerUnavailable(detail, 'timeout'))
  }

  #enter(phase: Phase): void {
    if (!follows(this.#phase, phase)) throw new Error(`no way from phase ${this.#phase} to ${phase}`)
    this.#phase = phase
    if (phase === 'relay' || phase === 'closed') this.#deadline.drop()
    if (phase === 'closing' || phase === 'closed') this.#brokerSecret.stop()
    if (PHASES[phase].turn !== 'broker' && this.#client.isHeld(HOLD.phase))
      setImmediate(() => this.#release(HOLD.phase))
    else if (PHASES[phase].turn !== 'broker' && this.#client.reader.pendingBytes > 0 && !this.#reading)
      setImmediate(() => this.#release(HOLD.phase))
  }

  #enterClosed(): void {
    if (this.#phase !== 'closed') this.#enter('closed')
  }

  #report(): void {
    if (this.#reported || !this.#client.gone || !this.#brokerGone || this.#ending === undefined) return
    this.#reported = true
    this.#deadline.drop()
    this.#relay?.slots.ended()
    const { bytesIn: bytesFromClient, bytesOut: bytesToClient } = this.#client
    const durationMs = performance.now() - this.#startedMs
    this.#options.observer.ended(sessionEnd(this.#ending, { durationMs, bytesFromClient, bytesToClient }))
  }
}
