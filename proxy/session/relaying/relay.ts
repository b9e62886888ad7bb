/**
 * What the two directions of a relaying session share: the channels, the two gathers, the compiled filters, and how the
 * two legs of a channel bear on each other when it is closed. [AMQP §4.3, §4.5]
 *
 * Rule for each leg: it keeps the closing handshake with its own peer, by itself. (See client-channel.ts, broker-channel.ts.)
 * A close that begins on one leg begins on the other, too; no leg waits for the other but where the client has asked for the
 * end, and gets its close-ok when the broker has given one. A number is free when neither leg awaits anything.
 */
import { methodFrame } from '../../codec/method.ts'
import { type ChannelFault, ConnectionFault } from '../../faults.ts'
import { compile, type Slots } from '../../filters/compile.ts'
import type { SessionView } from '../../filters/filter.ts'
import type { Gather } from '../legs/gather.ts'
import type { SessionRules } from '../ports.ts'
import { Cancels } from './cancels.ts'
import { type Channel, Channels, EXPECT_METHOD } from './channels.ts'
import { Dues } from './dues.ts'
import { EarlyRoom } from './outstanding.ts'

export interface RelayOptions {
  readonly toBroker: Gather
  readonly toClient: Gather
  readonly channelMax: number
  /** Largest frame payload the client takes. */
  readonly clientPayloadMax: number
  /** Server-sent methods the client said it understands. */
  readonly client: { readonly cancelNotify: boolean; readonly blocked: boolean }
}

/** How long the gateway's own methods for the broker may wait for the end of a content that the client has begun. */
const CONTENT_MS = 10_000

/** Why the gateway closed the broker's side of a channel; the broker only logs it. */
const GATEWAY_CLOSES = { replyCode: 200, replyText: 'closed by the gateway', classId: 0, methodId: 0 }

export class Relay {
  readonly channels = new Channels()
  readonly options: RelayOptions
  readonly toBroker: Gather
  readonly toClient: Gather
  /** The filters, which are exchanged between two frames. */
  slots: Slots
  /** Largest content body from the client; exchanged with the filters. */
  messageBytes: number
  /** While the session is brought to one, to be ended there. */
  quietPoint: { readonly holdsBack: boolean } | undefined
  #earlyRoom: EarlyRoom | undefined
  /** Messages that were forwarded, each counted at its content header. */
  messagesFromClient = 0
  messagesToClient = 0
  /** Channels on which something for the broker waits for the end of a content. */
  #waiting = 0
  readonly #view: SessionView

  /** @param viewOf what filters may know and do, made of this relay */
  constructor(options: RelayOptions, rules: SessionRules, viewOf: (relay: Relay) => SessionView) {
    this.options = options
    this.messageBytes = rules.messageBytes
    this.toBroker = options.toBroker
    this.toClient = options.toClient
    this.#view = viewOf(this)
    this.slots = compile(rules.filters, this.#view)
  }

  /** Goes on with other filters. */
  exchange(rules: SessionRules): void {
    const old = this.slots
    const slots = compile(rules.filters, this.#view)
    this.slots = slots
    this.messageBytes = rules.messageBytes
    old.retired()
    slots.exchanged()
  }

  /** The client's `channel.close`, at the end of its contents. */
  clientCloses(channel: Channel, buffer: Buffer, frameStart: number, frameEnd: number): void {
    const { client, broker, number } = channel
    if (client.state === 'asked' || client.state === 'crossed')
      throw new ConnectionFault('channel-error', 'channel.close seen twice', { classId: 20, methodId: 40 })
    if (client.asks()) return this.#tellClient(channel, methodFrame(number, 'channel.close-ok', {}))
    if (broker.ask()) this.toBroker.take(buffer, frameStart, frameEnd)
  }

  /** The client's `channel.close-ok`. */
  clientAnswers(channel: Channel): void {
    if (!channel.client.answers()) {
      throw new ConnectionFault('command-invalid', 'channel.close-ok without channel.close', {
        classId: 20,
        methodId: 41,
      })
    }
    this.#freeIfDone(channel)
  }

  /** The client opens a number that is not free: whether it has let go of it. */
  clientReopens(channel: Channel): void {
    if (channel.client.state !== 'crossed') return
    channel.client.lets()
    this.#freeIfDone(channel)
  }

  /** The broker's `channel.close`, its text already safe for the client. @returns false when the broker repeats itself */
  brokerCloses(channel: Channel, safeFrame: Buffer): boolean {
    const { client, broker, number, isMidContent } = channel
    if (!broker.closes(isMidContent)) return false
    this.slots.track.channelFailed(number)
    channel.wasClosedByBroker = true
    channel.isDeaf = true
    channel.dropHeld()
    // What else waited for the end of the content is of no use any more.
    if (channel.atBrokerBoundary !== undefined) channel.atBrokerBoundary.length = 0
    this.#tellBroker(channel, methodFrame(number, 'channel.close-ok', {}))
    if (client.state === 'open' || client.state === 'asked') this.#closeClient(channel, safeFrame)
    this.#freeIfDone(channel)
    return true
  }

  /** The broker's `channel.close-ok`, which may come late where closes have crossed. @returns false when nobody asked for it */
  brokerAnswers(channel: Channel): boolean {
    const isOfChannelBefore = channel.leftovers?.isOpen === false
    if (isOfChannelBefore || !channel.broker.over()) return channel.wasClosedByBroker
    if (channel.client.over()) this.#tellClient(channel, methodFrame(channel.number, 'channel.close-ok', {}))
    this.#freeIfDone(channel)
    return true
  }

  /**
   * Closes a channel from the gateway's side, on both legs: nothing is delivered any more from here on but the rest of a
   * content that the client has a part of already. The broker is told when the client's content on its way is complete.
   */
  gatewayCloses(channel: Channel, fault: ChannelFault): void {
    if (channel.client.state === 'closed') return
    channel.isDeaf = true
    if (channel.client.state !== 'open') return
    channel.dropHeld()
    if (channel.broker.ask()) this.#tellBroker(channel, methodFrame(channel.number, 'channel.close', GATEWAY_CLOSES))
    const { replyCode, replyText, caused } = fault
    this.#closeClient(channel, methodFrame(channel.number, 'channel.close', { replyCode, replyText, ...caused }))
  }

  /**
   * Cancels a consumer: nothing is delivered to it from here on, and the client is told when the broker has said that it is
   * gone. A client that knows no `basic.cancel` has its channel closed instead, as has one that is closing it anyway.
   */
  gatewayCancels(channel: Channel, consumerTag: string, fault: ChannelFault): void {
    if (channel.client.state !== 'open' || !this.options.client.cancelNotify) return this.gatewayCloses(channel, fault)
    channel.cancels ??= new Cancels()
    if (!channel.cancels.withdraw(consumerTag)) return
    const cancel = methodFrame(channel.number, 'basic.cancel', { consumerTag, noWait: false })
    // While a content keeps it back, nothing else of this channel can be asked for before it.
    this.slots.track.own(cancel)
    this.#tellBroker(channel, cancel)
  }

  /**
   * Asks the broker to deliver nothing more to a consumer. What is on its way is handed on: so nothing is lost, and nothing
   * goes back to its queue. The client is not told.
   */
  endsDeliveries(channel: Channel, consumerTag: string): void {
    if (channel.client.state !== 'open' || channel.broker.state !== 'open') return
    const cancel = methodFrame(channel.number, 'basic.cancel', { consumerTag, noWait: false })
    channel.cancels ??= new Cancels()
    channel.cancels.asked(consumerTag)
    this.slots.track.own(cancel)
    this.#tellBroker(channel, cancel)
  }

  /** What is owed on a channel, from now on. */
  duesOf(channel: Channel): Dues {
    this.#earlyRoom ??= new EarlyRoom()
    channel.dues ??= new Dues(this.#earlyRoom)
    return channel.dues
  }

  /** Sends the broker a request of the gateway's own. */
  ask(frame: Buffer): void {
    this.slots.track.own(frame)
    this.toBroker.add(frame)
  }

  /** The broker's `basic.cancel-ok`: where it ends a consumer that the gateway withdrew, the client is told so. */
  brokerCancelled(channel: Channel, consumerTag: string): void {
    if (channel.cancels?.answered(consumerTag) === 'gateway')
      this.toClient.add(methodFrame(channel.number, 'basic.cancel', { consumerTag, noWait: true }))
  }

  /**
   * A delivery that the client does not get, since its consumer was withdrawn, goes back to its queue. One that needs no
   * acknowledgement cannot; where the channel has consumers of both kinds, it is given back when the channel is closed.
   */
  givesBack(channel: Channel, deliveryTag: bigint): void {
    if (channel.broker.state !== 'open' || !channel.hasAcks || channel.hasNoAcks) return
    this.#tellBroker(channel, methodFrame(channel.number, 'basic.reject', { deliveryTag, requeue: true }))
  }

  /** The client's content to the broker is complete on this channel: what waited for that goes out. */
  brokerBoundary(channel: Channel): void {
    if (channel.atBrokerBoundary === undefined) return
    for (const frame of channel.atBrokerBoundary) this.toBroker.add(frame)
    channel.atBrokerBoundary = undefined
    this.#waiting--
    channel.broker.sent()
  }

  /** The broker's content to the client is complete on this channel: what waited for that goes out. */
  clientBoundary(channel: Channel): void {
    if (channel.atClientBoundary === undefined) return
    for (const frame of channel.atClientBoundary) this.toClient.add(frame)
    channel.atClientBoundary = undefined
  }

  /**
   * Whether the gateway has waited too long for the end of a content to tell the broker something: there is no other way to
   * end half a content than to end the connection. An answer to the broker's own close may wait: nothing comes of it.
   */
  isOverdue(nowMs: number): boolean {
    if (this.#waiting === 0) return false
    for (const channel of this.channels) {
      if (channel.atBrokerBoundary === undefined || channel.broker.state === 'owing') continue
      if (channel.waitsSinceMs === 0) channel.waitsSinceMs = nowMs
      if (nowMs - channel.waitsSinceMs >= CONTENT_MS) return true
    }
    return false
  }

  #closeClient(channel: Channel, close: Buffer): void {
    const hasCrossed = channel.client.tell()
    this.#tellClient(channel, close)
    if (hasCrossed) this.#tellClient(channel, methodFrame(channel.number, 'channel.close-ok', {}))
  }

  #tellBroker(channel: Channel, frame: Buffer): void {
    if (!channel.isMidContent) return this.toBroker.add(frame)
    if (channel.atBrokerBoundary === undefined) {
      channel.atBrokerBoundary = []
      channel.waitsSinceMs = 0
      this.#waiting++
    }
    channel.atBrokerBoundary.push(frame)
  }

  #tellClient(channel: Channel, frame: Buffer): void {
    if (channel.fromBroker.expect === EXPECT_METHOD) return this.toClient.add(frame)
    channel.atClientBoundary ??= []
    channel.atClientBoundary.push(frame)
  }

  #freeIfDone(channel: Channel): void {
    if (!channel.isFree) return
    channel.isDeaf = true
    channel.dues?.forget()
    channel.dues = undefined
    this.channels.freed()
    this.slots.channelClosed(channel.number)
  }
}
