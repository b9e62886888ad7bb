/**
 * The channels of one session, each with its state on either leg and the content that is on its way in each direction. A
 * number is free again only when both legs are done with it.
 */
import { BrokerChannel } from './broker-channel.ts'
import type { Cancels } from './cancels.ts'
import { ClientChannel } from './client-channel.ts'
import type { Dues } from './dues.ts'
import { Leftovers } from './leftovers.ts'

/** What must come next on a channel in one direction. [AMQP §4.2.6] */
export const EXPECT_METHOD = 0
export const EXPECT_HEADER = 1
export const EXPECT_BODY = 2
export type Expect = typeof EXPECT_METHOD | typeof EXPECT_HEADER | typeof EXPECT_BODY

/** Content on its way in one direction of one channel. */
class ContentState {
  expect: Expect = EXPECT_METHOD
  /** Decided at the broker's method: none of it goes on. */
  dropped = false
  /** Body bytes still to come. */
  remaining = 0
  /** Body frames without a byte in them, seen within this content. */
  emptyFrames = 0

  startBody(size: number): void {
    this.expect = size === 0 ? EXPECT_METHOD : EXPECT_BODY
    this.remaining = size
    this.emptyFrames = 0
  }

  /** Takes a body frame's payload; the caller has checked that it fits. */
  takeBody(bytes: number): void {
    this.remaining -= bytes
    if (bytes === 0) this.emptyFrames++
    if (this.remaining === 0) this.expect = EXPECT_METHOD
  }
}

export class Channel {
  readonly number: number
  readonly fromClient = new ContentState()
  readonly fromBroker = new ContentState()
  readonly client = new ClientChannel()
  readonly broker = new BrokerChannel()

  /**
   * What the broker sends is dropped, but for its part in closing handshakes: the client has been told of the channel's end
   * or is to be, and may have answered and forgotten it. A client that asked for the end itself gets everything until its
   * close-ok.
   */
  isDeaf = true

  /** A `basic.publish` whose content header has not been judged yet: `held[heldStart, heldEnd)` is its method frame. */
  held: Buffer | undefined
  heldStart = 0
  heldEnd = 0

  /** Frames of the gateway's own for the broker, waiting until the client's content on its way is complete. */
  atBrokerBoundary: Buffer[] | undefined
  /** When it was first seen that they wait; 0: not yet. */
  waitsSinceMs = 0
  /** Frames of the gateway's own for the client, waiting until the broker's content on its way is complete. */
  atClientBoundary: Buffer[] | undefined

  /** Cancellations on their way to the broker; made when first needed. */
  cancels: Cancels | undefined
  /** Whether consumers that acknowledge have been started, and such that do not. */
  hasAcks = false
  hasNoAcks = false
  /** What either side still owes the other; absent while that is nothing. */
  dues: Dues | undefined
  /** Where the broker may still send something of the channel that had the number before. */
  leftovers: Leftovers | undefined
  /** The broker has closed a channel of this number by itself. */
  wasClosedByBroker = false

  constructor(number: number) {
    this.number = number
  }

  /** Whether neither leg awaits anything: the number may be used. */
  get isFree(): boolean {
    return this.client.state === 'closed' && this.broker.state === 'closed'
  }

  /** Part of a content of the client's is with the broker: no method may follow before its end. [AMQP §4.2.6] */
  get isMidContent(): boolean {
    return this.fromClient.expect === EXPECT_BODY
  }

  open(): void {
    this.client.open()
    this.broker.open()
    this.fromClient.startBody(0)
    this.isDeaf = false
    this.cancels = undefined
    this.hasAcks = false
    this.hasNoAcks = false
    this.leftovers = this.wasClosedByBroker ? new Leftovers() : undefined
  }

  /** Keeps a publish's method frame back until its content header is judged. */
  hold(buffer: Buffer, start: number, end: number): void {
    this.held = buffer
    this.heldStart = start
    this.heldEnd = end
    this.fromClient.expect = EXPECT_HEADER
  }

  /** Forgets a held publish: the broker knows nothing of it. */
  dropHeld(): void {
    this.held = undefined
    if (this.fromClient.expect === EXPECT_HEADER) this.fromClient.startBody(0)
  }
}

/**
 * Channels by number; the numbers a session uses are few, so a sparse array serves as well as a map and is faster. A number
 * that was used is remembered: RabbitMQ may send something on it when both legs are done with it. (See leftovers.ts.)
 */
export class Channels {
  // Room for channel 1, the only one of most sessions: an array that grows makes room for sixteen more.
  readonly #byNumber: (Channel | undefined)[] = [undefined, undefined]
  #count = 0

  /** How many are not free. */
  get count(): number {
    return this.#count
  }

  /** The channel that has this number, or had it last. */
  get(number: number): Channel | undefined {
    return this.#byNumber[number]
  }

  /** Opens a number that is free. */
  open(number: number): Channel {
    const channel = this.#byNumber[number] ?? new Channel(number)
    this.#byNumber[number] = channel
    channel.open()
    this.#count++
    return channel
  }

  /** Both legs are done with the channel. */
  freed(): void {
    this.#count--
  }

  *[Symbol.iterator](): IterableIterator<Channel> {
    for (const channel of this.#byNumber) if (channel !== undefined && !channel.isFree) yield channel
  }
}
