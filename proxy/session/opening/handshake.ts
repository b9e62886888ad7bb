/**
 * The opening handshake of both legs, interleaved: each peer speaks to the gateway alone, and what one of them says
 * about identity never reaches the other. Handlers stand in wire order and are named after the method they wait for.
 */

import { FRAME_HEARTBEAT, FRAME_METHOD, PROTOCOL_HEADER } from '../../codec/frame.ts'
import type { FrameReader } from '../../codec/frame-reader.ts'
import {
  checkMethod,
  checkShape,
  decodeMethod,
  indexOf,
  isFromClient,
  METHOD_NAMES,
  methodFrame,
} from '../../codec/method.ts'
import type { Fields, MethodName } from '../../codec/spec.ts'
import type { Table } from '../../codec/table.ts'
import { type Cause, ConnectionFault } from '../../faults.ts'
import type { Closing } from '../closing/closing.ts'
import { ended } from '../closing/ending.ts'
import type { Course } from '../course.ts'
import { type BrokerFailure, failureSaid } from '../dialling/broker-failure.ts'
import type { BrokerLeg } from '../legs/broker-leg.ts'
import type { ClientLeg } from '../legs/client-leg.ts'
import { PHASES, type Phase } from '../phases.ts'
import type { ClientProduct, SaslMechanism, SessionOptions } from '../ports.ts'
import { checkHeartbeat, readMethodIndex } from '../relaying/to-broker.ts'
import {
  announces,
  clientProduct,
  clientProperties,
  essentials,
  STATIC_SERVER_PROPERTIES,
  serverProperties,
} from './client-properties.ts'
import { brokerChoice, checkChoice, offer, type Tune } from './tune.ts'
import { otherUserId, userIdAnswer, userIdQuestion } from './user-id-probe.ts'

const CONNECTION_CLOSE = indexOf('connection.close')

/** Brokers before RabbitMQ 4.1 reset a connection whose start-ok frame is larger, without a word. */
const START_OK_BYTES = 4096

/** What the handshake needs of the session it opens. */
export interface HandshakeHost {
  readonly course: Pick<Course, 'phase' | 'enter'>
  /** A client that is to be told of the end is told after its `start-ok`. */
  readonly closing: Pick<Closing, 'hasToTell' | 'begin' | 'tellClient' | 'clientCloses'>
  opened(opened: Opened): void
}

/** What both legs have agreed upon. */
export interface Opened {
  readonly vhost: string
  /** The client's own word for it: another where the vhost is pinned. */
  readonly requestedVhost: string
  readonly mechanism: SaslMechanism
  readonly choice: Tune
  readonly brokerChoice: Tune
  readonly client: { readonly cancelNotify: boolean; readonly blocked: boolean }
  readonly product: ClientProduct
}

export class Handshake {
  readonly #options: Pick<SessionOptions, 'id' | 'identity' | 'credential' | 'vhosts' | 'limits'>
  readonly #stamps: boolean
  readonly #otherUserId: string | undefined
  readonly #client: ClientLeg
  readonly #broker: BrokerLeg
  readonly #course: HandshakeHost['course']
  readonly #closing: HandshakeHost['closing']
  readonly #host: HandshakeHost
  #brokerStart: Fields<'connection.start'> | undefined
  #clientProperties: Table = []
  #mechanism: SaslMechanism = 'PLAIN'
  #brokerTune: Tune = { channelMax: 0, frameMax: 0, heartbeat: 0 }
  #offered: Tune = this.#brokerTune
  #choice: Tune = this.#brokerTune
  #vhost = ''
  #requestedVhost = ''

  constructor(options: SessionOptions, client: ClientLeg, broker: BrokerLeg, host: HandshakeHost) {
    this.#options = options
    this.#stamps = options.filters.some((filter) => filter.stamps === true)
    this.#otherUserId = otherUserId(options.filters, options.credential.username)
    this.#client = client
    this.#broker = broker
    this.#course = host.course
    this.#closing = host.closing
    this.#host = host
  }

  /** The first eight bytes. @returns false when they are not AMQP 0-9-1's: the client has been told which are */
  onHeader(header: Buffer): boolean {
    if (!header.equals(PROTOCOL_HEADER)) {
      this.#client.send(Buffer.from(PROTOCOL_HEADER))
      return false
    }
    if (this.#brokerStart !== undefined || this.#closing.hasToTell) this.sendStart()
    else this.#course.enter('start')
    return true
  }

  /** The gateway's own `start`: all mechanisms are offered, and all are ignored alike. */
  sendStart(): void {
    const properties =
      this.#brokerStart && !this.#closing.hasToTell
        ? serverProperties(this.#brokerStart.serverProperties)
        : STATIC_SERVER_PROPERTIES
    this.#client.send(
      methodFrame(0, 'connection.start', {
        versionMajor: 0,
        versionMinor: 9,
        serverProperties: properties,
        mechanisms: Buffer.from('PLAIN AMQPLAIN EXTERNAL ANONYMOUS'),
        locales: Buffer.from('en_US'),
      }),
    )
    this.#course.enter('start-ok')
  }

  /** A frame of the client's before `open-ok`. @throws ConnectionFault */
  clientFrame(reader: FrameReader): void {
    if (reader.type === FRAME_HEARTBEAT) return checkHeartbeat(reader)
    if (reader.type !== FRAME_METHOD) throw new ConnectionFault('unexpected-frame', 'content before connection.open')
    const { buffer, payloadStart, payloadEnd } = reader
    const index = readMethodIndex(buffer, payloadStart, payloadEnd)
    const name = METHOD_NAMES[index] as MethodName
    const cause: Cause = { classId: buffer.readUInt16BE(payloadStart), methodId: buffer.readUInt16BE(payloadStart + 2) }
    if (reader.channel !== 0)
      throw new ConnectionFault('channel-error', 'a channel other than 0 before connection.open', cause)
    if (!isFromClient(index)) throw new ConnectionFault('command-invalid', 'a method that only the broker sends', cause)
    checkMethod(index, buffer, payloadStart + 4, payloadEnd)
    if (index === CONNECTION_CLOSE) return this.#closing.clientCloses()
    if (name !== expected(this.#course.phase))
      throw new ConnectionFault('command-invalid', `${name} out of order`, cause)
    if (name === 'connection.start-ok') return this.#onStartOk(decodeMethod(name, buffer, payloadStart + 4, payloadEnd))
    if (name === 'connection.tune-ok') return this.#onTuneOk(decodeMethod(name, buffer, payloadStart + 4, payloadEnd))
    return this.#onOpen(decodeMethod('connection.open', buffer, payloadStart + 4, payloadEnd))
  }

  /** A frame of the broker's before `open-ok`. @throws ConnectionFault: the broker's */
  brokerFrame(reader: FrameReader): void {
    if (reader.type === FRAME_HEARTBEAT) return checkHeartbeat(reader)
    if (reader.channel !== 0 && this.#course.phase === 'probe') return this.#onUserIdAnswer(reader)
    if (reader.type !== FRAME_METHOD || reader.channel !== 0)
      throw new ConnectionFault('unexpected-frame', 'content before connection.open-ok')
    const { buffer, payloadStart, payloadEnd } = reader
    const name = METHOD_NAMES[readMethodIndex(buffer, payloadStart, payloadEnd)] as MethodName
    checkShape(indexOf(name), buffer, payloadStart + 4, payloadEnd)
    if (name === 'connection.close') {
      const { replyCode, replyText } = decodeMethod(name, buffer, payloadStart + 4, payloadEnd, checkShape)
      this.#broker.answerClose()
      return this.#brokerRefused(`${replyCode} ${replyText}`, failureSaid(replyCode, replyText))
    }
    // No mechanism of ours has a second step: a challenge cannot be answered. [AMQP §2.2.4]
    if (name === 'connection.secure')
      return this.#brokerRefused('connection.secure, which no mechanism in use answers', 'challenged')
    if (name === 'connection.start' && this.#brokerStart === undefined)
      return this.#onStart(decodeMethod(name, buffer, payloadStart + 4, payloadEnd))
    if (name === 'connection.tune' && this.#course.phase === 'tune')
      return this.#onTune(decodeMethod(name, buffer, payloadStart + 4, payloadEnd))
    if (name === 'connection.open-ok' && this.#course.phase === 'open-ok') return this.#onOpenOk()
    // Under an alarm the broker stops reading at the question; it says so, and answers when the alarm is over.
    if ((name === 'connection.blocked' || name === 'connection.unblocked') && this.#course.phase === 'probe') return
    throw new ConnectionFault('command-invalid', `${name} out of order`)
  }

  #onStart(start: Fields<'connection.start'>): void {
    this.#brokerStart = { ...start, mechanisms: Buffer.from(start.mechanisms) }
    if (this.#course.phase === 'start') this.sendStart()
  }

  /** Mechanism and response are discarded unread, and overwritten where they stood. */
  #onStartOk(startOk: Fields<'connection.start-ok'>): void {
    startOk.response.fill(0)
    if (this.#closing.hasToTell) return this.#closing.tellClient()
    const { credential } = this.#options
    const offered = this.#brokerStart?.mechanisms.toString('latin1').split(' ') ?? []
    const mechanism = credential.mechanisms.find((name) => offered.includes(name))
    if (mechanism === undefined) {
      const can = credential.mechanisms.join(', ')
      const detail = `the broker offers ${offered.join(', ')}; the credential can answer ${can}`
      this.#brokerRefused(detail, 'mechanism-unknown')
      return this.#closing.tellClient()
    }
    this.#mechanism = mechanism
    this.#clientProperties = startOk.clientProperties
    this.#broker.sendSecret(this.#startOk(mechanism))
    this.#course.enter('tune')
  }

  /** Our `start-ok`; a client's properties that are too large for older brokers are left out, but for known capabilities. */
  #startOk(mechanism: SaslMechanism): Buffer {
    const response = this.#options.credential.response(mechanism)
    try {
      const full = this.#startOkOf(this.#clientProperties, mechanism, response)
      if (full.length <= START_OK_BYTES) return full
      full.fill(0)
      return this.#startOkOf(essentials(this.#clientProperties), mechanism, response)
    } finally {
      response.fill(0)
    }
  }

  #startOkOf(client: Table, mechanism: SaslMechanism, response: Buffer): Buffer {
    const { id, identity, credential } = this.#options
    const { subject, issuer, address } = identity
    const who = { subject, issuer, address, session: id, brokerUser: credential.username }
    return methodFrame(0, 'connection.start-ok', {
      clientProperties: clientProperties(client, who),
      mechanism,
      response,
      locale: 'en_US',
    })
  }

  #onTune(tune: Tune): void {
    this.#brokerTune = tune
    this.#offered = offer(tune, this.#options.limits, this.#stamps)
    this.#client.send(methodFrame(0, 'connection.tune', this.#offered))
    this.#course.enter('tune-ok')
  }

  #onTuneOk(choice: Tune): void {
    checkChoice(choice, this.#offered)
    this.#choice = choice
    this.#client.heartbeatSeconds = choice.heartbeat
    this.#course.enter('open')
  }

  #onOpen(open: Fields<'connection.open'>): void {
    const { vhosts } = this.#options
    if ('allowed' in vhosts && !vhosts.allowed.includes(open.virtualHost)) {
      throw new ConnectionFault('not-allowed', 'this vhost is not open to you', { classId: 10, methodId: 40 })
    }
    this.#requestedVhost = open.virtualHost
    this.#vhost = 'pinned' in vhosts ? vhosts.pinned : open.virtualHost
    const own = brokerChoice(this.#choice, this.#brokerTune, this.#options.limits, this.#stamps)
    this.#broker.heartbeatSeconds = own.heartbeat
    this.#broker.out.add(methodFrame(0, 'connection.tune-ok', own))
    this.#broker.send(methodFrame(0, 'connection.open', { virtualHost: this.#vhost, reserved2: false }))
    this.#course.enter('open-ok')
  }

  #onOpenOk(): void {
    this.#broker.established = true
    if (this.#otherUserId === undefined) return this.#opened()
    this.#broker.send(userIdQuestion(this.#otherUserId))
    this.#course.enter('probe')
  }

  #onUserIdAnswer(reader: FrameReader): void {
    const answer = userIdAnswer(reader)
    if (answer === 'done') return this.#opened()
    if ('refused' in answer) return this.#brokerRefused(answer.refused, 'impersonator-missing')
    if (answer.owed !== undefined) this.#broker.send(answer.owed)
  }

  #brokerRefused(detail: string, failure: BrokerFailure): void {
    this.#closing.begin(ended.brokerRefused(detail, failure))
  }

  #opened(): void {
    this.#client.send(methodFrame(0, 'connection.open-ok', {}))
    this.#host.opened({
      vhost: this.#vhost,
      requestedVhost: this.#requestedVhost,
      mechanism: this.#mechanism,
      choice: this.#choice,
      brokerChoice: brokerChoice(this.#choice, this.#brokerTune, this.#options.limits, this.#stamps),
      client: {
        cancelNotify: announces(this.#clientProperties, 'consumer_cancel_notify'),
        blocked: announces(this.#clientProperties, 'connection.blocked'),
      },
      product: clientProduct(this.#clientProperties),
    })
  }
}

function expected(phase: Phase): MethodName | undefined {
  const row = PHASES[phase]
  return 'method' in row ? row.method : undefined
}
