/**
 * What a session has come to have at the broker, and what it has asked for: one set of books for all its filters, which
 * lives as long as the session, so that filters can be exchanged for others that need to know it.
 *
 * The books follow the broker, not the client: an entry is made when a request is forwarded and removed when the broker has
 * said that it is gone. Requests that change them are therefore asked with an answer; one that the client did not want is
 * kept from it. Only what is rare is looked at: no publish, delivery or acknowledgement. [AMQP §4.6, §4.7]
 */
import { randomBytes } from 'node:crypto'
import { decodeMethod, indexOf, METHOD_COUNT, MethodView, methodFrame, methodIndexAt } from '../../codec/method.ts'
import type { FromClient } from '../../codec/spec.ts'
import { ReplyAddresses } from '../authorize/replies.ts'
import { ASKING, type Asking, type Books } from './asking.ts'
import { Consumers } from './consumers.ts'
import { Declarations } from './declarations.ts'
import { Prefetches } from './prefetches.ts'
import { QueueNames } from './queue-names.ts'
import { Requests } from './requests.ts'

/** By dense index: what a method of the client asks for, if it changes the books. */
export const ASKED: readonly (Asking | null)[] = byIndex(Object.entries(ASKING))
/** By dense index: whether a method of the broker is looked at. */
export const ANSWERS: readonly (true | null)[] = byIndex([
  ...Object.values(ASKING).map(({ answer }) => [answer, true] as const),
  ['basic.cancel', true],
])

const BASIC_CANCEL = indexOf('basic.cancel')
/** Behind a frame's header and the method's ids; and the frame-end octet. */
const ARGUMENTS_AT = 11
const PAYLOAD_AT = 7
const END_BYTES = 1

/** A frame that replaces the client's, as the books see it; judging is synchronous, so all sessions share it. */
const VIEW = new MethodView()

export class Track implements Books {
  readonly queues: QueueNames = new QueueNames()
  readonly consumers: Consumers = new Consumers()
  readonly declaredQueues: Declarations = new Declarations()
  readonly declaredExchanges: Declarations = new Declarations()
  readonly prefetches: Prefetches = new Prefetches()
  /** Direct reply addresses: learned while a filter judges by them. */
  readonly replies: ReplyAddresses = new ReplyAddresses()
  readonly #requests = new Requests()

  /** Whether so many requests await their answer that the client's next one has to wait. */
  get isFull(): boolean {
    return this.#requests.isFull
  }

  /**
   * A request of the client is forwarded: `replacement` where a filter has written another frame.
   * @returns the frame to forward instead of the client's, if any
   */
  forwards(method: MethodView, replacement: Buffer | undefined): Buffer | undefined {
    const asking = ASKED[method.index]
    if (asking === null || asking === undefined) return replacement
    const sent = replacement === undefined ? method : viewOf(replacement, method.index, method.channel)
    if (asking.answer === 'basic.consume-ok' && sent.field('noWait')) return this.#consumeSilently(sent) ?? replacement
    const isWaiting = !asking.mayNotWait || !sent.field('noWait')
    this.#requests.add(sent.channel, asking.answer, asking.ask(sent, this, isWaiting))
    return isWaiting ? replacement : waiting(sent)
  }

  /**
   * A consumer of which the client does not want to hear stays one: RabbitMQ loses a channel on which a consumer is cancelled
   * before its own answer has left. So that it has a tag that is known, it is given one. @returns the frame to forward instead
   */
  #consumeSilently({ channel, buffer, start, end }: MethodView): Buffer | undefined {
    const fields = decodeMethod('basic.consume', buffer, start, end)
    const consumerTag = fields.consumerTag === '' ? ownTag() : fields.consumerTag
    const queue = this.queues.meant(channel, fields.queue)
    this.consumers.ask({ channel, tag: consumerTag, queue, needsAck: !fields.noAck, isSilent: true })
    return fields.consumerTag === '' ? methodFrame(channel, 'basic.consume', { ...fields, consumerTag }) : undefined
  }

  /** The gateway itself sends the broker this request, which must be one that is answered. */
  own(frame: Buffer): void {
    const index = methodIndexAt(frame, PAYLOAD_AT, frame.length - END_BYTES)
    const asking = ASKED[index]
    if (asking === null || asking === undefined) throw new Error('not a request that the books know')
    const sent = viewOf(frame, index, frame.readUInt16BE(1))
    this.#requests.add(sent.channel, asking.answer, asking.ask(sent, this, false))
  }

  /** The broker sends one of `ANSWERS`. @returns whether the client must not see it: it is the answer to nothing it asked */
  answered(method: MethodView): boolean {
    if (method.index === BASIC_CANCEL) {
      this.consumers.cancelledByBroker(method.channel, method.field('consumerTag'))
      return false
    }
    const request = this.#requests.take(method)
    request?.done(method)
    return request?.isClients === false
  }

  /** The broker closes the channel: what it has not answered it has not done. */
  channelFailed(channel: number): void {
    for (const request of this.#requests.takeAll(channel)) request.refused()
    this.#forget(channel, false)
  }

  /** The broker has closed the channel as it was asked to, and done everything that it was asked for before. */
  channelClosed(channel: number): void {
    for (const request of this.#requests.takeAll(channel)) request.closed()
    this.#forget(channel, true)
  }

  /** The connection to the broker is gone. */
  ended(): void {
    this.declaredQueues.ended()
    this.declaredExchanges.ended()
    for (const consumer of this.consumers.list()) this.consumers.remove(consumer)
  }

  #forget(channel: number, isAllDone: boolean): void {
    this.consumers.channelClosed(channel, isAllDone)
    this.queues.channelClosed(channel)
    this.prefetches.channelClosed(channel)
  }
}

/** In the form of the broker's own. */
function ownTag(): string {
  return `amq.ctag-${randomBytes(16).toString('base64url')}`
}

function viewOf(frame: Buffer, index: number, channel: number): MethodView {
  return VIEW.set(index, channel, frame, ARGUMENTS_AT, frame.length - END_BYTES)
}

/** The same request, to be answered. */
function waiting({ name, channel, buffer, start, end }: MethodView): Buffer {
  const method = name as 'basic.cancel'
  return methodFrame(channel, method, { ...decodeMethod(method, buffer, start, end), noWait: false })
}

function byIndex<T>(entries: readonly (readonly [name: string, value: T])[]): (T | null)[] {
  const slots = new Array<T | null>(METHOD_COUNT).fill(null)
  for (const [name, value] of entries) slots[indexOf(name as FromClient)] = value
  return slots
}
