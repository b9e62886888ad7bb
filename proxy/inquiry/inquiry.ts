/**
 * Asks a broker what one of its users may do, over a session without a client: it opens as any session does, with the same
 * credential, and then asks with methods that change nothing, whatever the answer is.
 *
 * RabbitMQ checks permissions before it looks whether a name exists. So it is asked to remove a binding that cannot be there,
 * to delete a name that nobody else could have, and to publish to a queue of such a name. A right that could only be tried on
 * something that may exist is not asked for.
 */

import { encodeContentHeader } from '../codec/content.ts'
import { FRAME_HEADER, FRAME_METHOD, frame, PROTOCOL_HEADER } from '../codec/frame.ts'
import { FrameReader } from '../codec/frame-reader.ts'
import {
  checkShape,
  decodeMethod,
  METHOD_IDS_BYTES,
  METHOD_NAMES,
  methodFrame,
  methodIndexAt,
} from '../codec/method.ts'
import type { Arguments, FromClient, MethodName } from '../codec/spec.ts'
import { SOFT_CODES } from '../faults.ts'
import type { Filter } from '../filters/filter.ts'
import type { BrokerFailure } from '../session/dialling/broker-failure.ts'
import type { Dialler } from '../session/dialling/dialler.ts'
import type { BrokerCredential, ClientEnd, Session, SessionEnd, SessionLimits } from '../session/ports.ts'
import { GatewaySession } from '../session/session.ts'

export interface InquiryOptions {
  readonly dialler: Dialler
  readonly credential: BrokerCredential
  readonly vhost: string
  /** For the login, and for each answer. */
  readonly timeoutMs: number
  /** What the handshake asks by itself is asked for these. */
  readonly filters?: readonly Filter[]
}

/** What the broker refused, in its own words. */
export interface Refused {
  readonly code: number
  readonly text: string
}

/** The login failed, or the connection ended. */
export class InquiryEnded extends Error {
  override readonly name = 'InquiryEnded'
  readonly failure: BrokerFailure | undefined

  constructor({ detail, failure }: Pick<SessionEnd, 'detail' | 'failure'>) {
    super(detail)
    this.failure = failure
  }
}

const CHANNEL = 1
const FRAME_MAX = 128 * 1024
/** Less than any peer offers, stamps or not. */
const CHOSEN_FRAME_MAX = 8 * 1024
const SHORT_MS = 5_000

const LIMITS: Omit<SessionLimits, 'handshakeMs'> = {
  preOpenFrameBytes: 16 * 1024,
  frameMaxBytes: FRAME_MAX,
  channelMax: 1,
  heartbeatSeconds: 60,
  messageBytes: 1024,
  buffer: { highBytes: 64 * 1024, lowBytes: 32 * 1024 },
  pingMs: 25_000,
}

/** A method's name, or why there will be none. */
type Heard = { readonly name: MethodName; readonly code: number; readonly text: string }

export class Inquiry {
  readonly #session: Session
  readonly #timeoutMs: number
  readonly #reader = new FrameReader(FRAME_MAX)
  readonly #heard: Heard[] = []
  #wake: (() => void) | undefined
  #end: SessionEnd | undefined
  /** The broker's own words about the channel that it closed last. */
  #words = ''

  private constructor({ dialler, credential, vhost, timeoutMs, filters = [] }: InquiryOptions) {
    this.#timeoutMs = timeoutMs
    this.#session = new GatewaySession({
      id: 'check',
      client: this.#clientEnd(),
      identity: { subject: 'gatehouse check', issuer: '', address: '127.0.0.1' },
      credential,
      vhosts: { pinned: vhost },
      dialler,
      limits: { ...LIMITS, handshakeMs: timeoutMs },
      filters,
      observer: {
        channelClosed: ({ text }) => {
          this.#words = text
        },
        ended: (end) => this.#ended(end),
      },
    })
  }

  /** @throws InquiryEnded when the broker does not take the credential, or the vhost is not open to it */
  static async open(options: InquiryOptions): Promise<Inquiry> {
    const inquiry = new Inquiry(options)
    await inquiry.#open()
    return inquiry
  }

  /** Whether a queue or an exchange is there; no permission is needed for that. */
  async exists(kind: 'queue' | 'exchange', name: string): Promise<boolean> {
    const flags = { passive: true, durable: false, autoDelete: false, noWait: false, arguments: [] }
    const refused =
      kind === 'queue'
        ? await this.#ask('queue.declare', { ...flags, queue: name, exclusive: false }, 'queue.declare-ok')
        : await this.#ask(
            'exchange.declare',
            { ...flags, exchange: name, type: 'direct', internal: false },
            'exchange.declare-ok',
          )
    return refused?.code !== SOFT_CODES['not-found']
  }

  /** Removes a binding with this key between these, of which there is none. */
  async unbind(destination: { readonly queue: string } | { readonly exchange: string }, source: string, key: string) {
    return 'queue' in destination
      ? await this.#ask(
          'queue.unbind',
          { queue: destination.queue, exchange: source, routingKey: key, arguments: [] },
          'queue.unbind-ok',
        )
      : await this.#ask(
          'exchange.unbind',
          { destination: destination.exchange, source, routingKey: key, noWait: false, arguments: [] },
          'exchange.unbind-ok',
        )
  }

  /** Deletes what nobody has, as its name was made up a moment ago. */
  async deleteInvented(kind: 'queue' | 'exchange', name: string) {
    return kind === 'queue'
      ? await this.#ask(
          'queue.delete',
          { queue: name, ifUnused: true, ifEmpty: true, noWait: false },
          'queue.delete-ok',
        )
      : await this.#ask('exchange.delete', { exchange: name, ifUnused: true, noWait: false }, 'exchange.delete-ok')
  }

  /** Takes a message from a queue that nobody has. */
  async getInvented(queue: string) {
    return await this.#ask('basic.get', { queue, noAck: false }, 'basic.get-empty')
  }

  /** Publishes to a queue that nobody has, over the default exchange: the message goes nowhere. */
  async publishInvented(queue: string) {
    const publish = { exchange: '', routingKey: queue, mandatory: false, immediate: false }
    const header = frame(FRAME_HEADER, CHANNEL, encodeContentHeader({ bodySize: 0, properties: {} }))
    this.#write(methodFrame(CHANNEL, 'basic.publish', publish), header)
    // Answered behind it.
    return await this.#ask('basic.qos', { prefetchSize: 0, prefetchCount: 0, global: false }, 'basic.qos-ok')
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#end !== undefined) return
    this.#write(methodFrame(0, 'connection.close', { replyCode: 200, replyText: 'asked', classId: 0, methodId: 0 }))
    const endsAt = performance.now() + SHORT_MS
    while (this.#end === undefined && performance.now() < endsAt) await this.#woken(endsAt)
  }

  async #open(): Promise<void> {
    this.#session.receive(Buffer.from(PROTOCOL_HEADER))
    await this.#expect('connection.start')
    const response = Buffer.alloc(0)
    this.#send(0, 'connection.start-ok', { clientProperties: [], mechanism: 'PLAIN', response, locale: 'en_US' })
    await this.#expect('connection.tune')
    this.#send(0, 'connection.tune-ok', { channelMax: 1, frameMax: CHOSEN_FRAME_MAX, heartbeat: 0 })
    this.#send(0, 'connection.open', { virtualHost: '/' })
    await this.#expect('connection.open-ok')
    this.#send(CHANNEL, 'channel.open', {})
    await this.#expect('channel.open-ok')
  }

  /** Undefined: it was done. */
  async #ask<M extends FromClient>(name: M, fields: Arguments<M>, answer: MethodName): Promise<Refused | undefined> {
    this.#send(CHANNEL, name, fields)
    const { name: said, code } = await this.#next()
    if (said === answer) return undefined
    if (said !== 'channel.close') throw new InquiryEnded({ detail: `${said} instead of ${answer}` })
    this.#send(CHANNEL, 'channel.close-ok', {})
    this.#send(CHANNEL, 'channel.open', {})
    await this.#expect('channel.open-ok')
    return { code, text: this.#words }
  }

  async #expect(name: MethodName): Promise<void> {
    const heard = await this.#next()
    if (heard.name === name) return
    // The end says why.
    if (heard.name === 'connection.close') this.#send(0, 'connection.close-ok', {})
    await this.#next()
  }

  /** @throws InquiryEnded when there will be none */
  async #next(): Promise<Heard> {
    const endsAt = performance.now() + this.#timeoutMs
    for (;;) {
      const heard = this.#heard.shift()
      if (heard !== undefined) return heard
      if (this.#end !== undefined) throw new InquiryEnded(this.#end)
      if (performance.now() >= endsAt)
        throw new InquiryEnded({ detail: 'the broker did not answer in time', failure: 'timeout' })
      await this.#woken(endsAt)
    }
  }

  async #woken(endsAt: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, endsAt - performance.now()))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #send<M extends FromClient>(channel: number, name: M, fields: Arguments<M>): void {
    this.#write(methodFrame(channel, name, fields))
  }

  #write(...frames: readonly Buffer[]): void {
    this.#session.receive(Buffer.concat(frames))
  }

  /** The session's words to its client, who is us. */
  #clientEnd(): ClientEnd {
    const receive = (parts: readonly Buffer[]) => {
      // The parts are the session's again when it is called back.
      this.#reader.push(Buffer.concat(parts))
      while (this.#reader.next()) this.#frame()
      this.#wake?.()
    }
    const gone = () => queueMicrotask(() => this.#session.clientGone(1000))
    return {
      bufferedBytes: () => 0,
      send: (parts, sent) => {
        receive(parts)
        if (sent !== undefined) queueMicrotask(sent)
      },
      ping: () => queueMicrotask(() => this.#session.alive()),
      pause: () => undefined,
      resume: () => undefined,
      close: (_code, _reason, last) => {
        if (last !== undefined) receive(last)
        gone()
      },
      terminate: gone,
    }
  }

  #frame(): void {
    const { type, buffer, payloadStart, payloadEnd } = this.#reader
    if (type !== FRAME_METHOD) return
    const name = METHOD_NAMES[methodIndexAt(buffer, payloadStart, payloadEnd)]
    if (name === undefined) return
    const closed = name === 'channel.close' || name === 'connection.close' ? name : undefined
    const { replyCode: code, replyText: text } =
      closed === undefined
        ? { replyCode: 0, replyText: '' }
        : decodeMethod(closed, buffer, payloadStart + METHOD_IDS_BYTES, payloadEnd, checkShape)
    this.#heard.push({ name, code, text })
  }

  #ended(end: SessionEnd): void {
    this.#end = end
    this.#wake?.()
  }
}
