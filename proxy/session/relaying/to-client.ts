/**
 * The broker's frames on their way to the client, after `open-ok`. The broker is checked as strictly as the client in
 * everything that keeps the two in step (types, channels, lengths, order); what a message carries is its publisher's
 * affair and passes as it came. Bodies are re-cut where the client takes smaller frames than the broker sends.
 */
import { bodySizeOf, ContentHeader } from '../../codec/content.ts'
import { FLAGS_AT } from '../../codec/content-header.ts'
import {
  FRAME_BODY,
  FRAME_HEADER,
  FRAME_HEADER_BYTES,
  FRAME_METHOD,
  FRAME_OVERHEAD_BYTES,
  sealFrame,
} from '../../codec/frame.ts'
import type { FrameReader } from '../../codec/frame-reader.ts'
import {
  carriesContent,
  checkShape,
  decodeMethod,
  indexOf,
  isFromBroker,
  MethodView,
  methodFrame,
  peek,
} from '../../codec/method.ts'
import type { Fields } from '../../codec/spec.ts'
import { ConnectionFault } from '../../faults.ts'
import { type Channel, EXPECT_BODY, EXPECT_HEADER, EXPECT_METHOD } from './channels.ts'
import type { Relay } from './relay.ts'
import { type ConnectionMethod, checkHeartbeat, readMethodIndex } from './to-broker.ts'

const CHANNEL_CLOSE = indexOf('channel.close')
const CHANNEL_CLOSE_OK = indexOf('channel.close-ok')
const BASIC_CANCEL = indexOf('basic.cancel')
const BASIC_CANCEL_OK = indexOf('basic.cancel-ok')
const BASIC_DELIVER = indexOf('basic.deliver')
const ALL_FLAGS = 0xffff

const peekCancelTag = peek('basic.cancel', 'consumerTag')
const peekCancelOkTag = peek('basic.cancel-ok', 'consumerTag')
const peekDeliverTag = peek('basic.deliver', 'consumerTag')
const peekDeliveryTag = peek('basic.deliver', 'deliveryTag')

/** Views that each frame is looked at through; all sessions share them, as nothing here is asynchronous. */
const VIEW = new MethodView()
const HEADER = new ContentHeader()

/** The broker closes a channel. @returns the text that the client may read */
type ChannelClosed = (channel: number, close: Fields<'channel.close'>) => string

export class ToClient {
  readonly #relay: Relay
  readonly #onConnectionMethod: ConnectionMethod
  readonly #onChannelClosed: ChannelClosed

  constructor(relay: Relay, onConnectionMethod: ConnectionMethod, onChannelClosed: ChannelClosed) {
    this.#relay = relay
    this.#onConnectionMethod = onConnectionMethod
    this.#onChannelClosed = onChannelClosed
  }

  /** Judges the reader's current frame. @throws ConnectionFault: the broker's, not the client's */
  frame(reader: FrameReader): void {
    if (reader.type === FRAME_METHOD) return this.#method(reader)
    if (reader.type === FRAME_BODY) return this.#body(reader)
    if (reader.type === FRAME_HEADER) return this.#contentHeader(reader)
    checkHeartbeat(reader)
  }

  #method(reader: FrameReader): void {
    const { buffer, payloadStart, payloadEnd } = reader
    const index = readMethodIndex(buffer, payloadStart, payloadEnd)
    if (!isFromBroker(index)) throw new ConnectionFault('command-invalid', 'a method that only clients send')
    const start = payloadStart + 4
    checkShape(index, buffer, start, payloadEnd)
    if (reader.channel === 0) return this.#onConnectionMethod(index, buffer, start, payloadEnd)
    const channel = this.#relay.channels.get(reader.channel)
    if (channel === undefined) throw new ConnectionFault('channel-error', 'a method on a channel that is not open')
    if (channel.fromBroker.expect !== EXPECT_METHOD)
      throw new ConnectionFault('unexpected-frame', 'a method where content was expected')
    if (index === CHANNEL_CLOSE) return this.#close(channel, buffer, start, payloadEnd)
    if (index === CHANNEL_CLOSE_OK) {
      if (!this.#relay.brokerAnswers(channel))
        throw new ConnectionFault('command-invalid', 'channel.close-ok without channel.close')
      return
    }
    const isLeftOver = channel.leftovers?.has(index) === true
    const isDropped = channel.isDeaf || isLeftOver
    const hasContent = carriesContent(index)
    if (hasContent) {
      channel.fromBroker.expect = EXPECT_HEADER
      channel.fromBroker.dropped = isDropped || this.#isWithdrawn(channel, index, buffer, start)
      if (channel.fromBroker.dropped) return
      if (channel.dues !== undefined) {
        if (index === BASIC_DELIVER) channel.dues.delivered(this.#needsAck(channel, buffer, start), buffer, start)
        else channel.dues.handed(index, buffer, start)
      }
    }
    if (isLeftOver) return
    // The books follow the broker, also where the client must not get it any more.
    const isWithheld = this.#isWithheld(reader, index, start)
    if (isDropped) return
    if (channel.dues !== undefined && !hasContent) channel.dues.answered(index, buffer, start)
    if (index === BASIC_CANCEL_OK) this.#relay.brokerCancelled(channel, peekCancelOkTag(buffer, start))
    if (isWithheld) return
    const { layout, states } = this.#relay.slots
    const look = layout.toClient[index]
    if (look !== null && look !== undefined) {
      VIEW.set(index, reader.channel, buffer, start, payloadEnd)
      look(VIEW, states)
    }
    if (index === BASIC_CANCEL) {
      channel.cancels?.told(peekCancelTag(buffer, start))
      if (!this.#relay.options.client.cancelNotify) return
    }
    this.#relay.toClient.take(buffer, reader.frameStart, reader.frameEnd)
  }

  /** Whether it is for a consumer that the gateway has withdrawn, and goes back. */
  #isWithdrawn(channel: Channel, index: number, buffer: Buffer, start: number): boolean {
    if (index !== BASIC_DELIVER || channel.cancels?.isWithdrawn(peekDeliverTag(buffer, start)) !== true) return false
    channel.dues?.gaveBack(buffer, start)
    this.#relay.givesBack(channel, peekDeliveryTag(buffer, start))
    return true
  }

  /** Whether a delivery awaits its acknowledgement: only a channel with both kinds of consumers has to be asked for whom. */
  #needsAck(channel: Channel, buffer: Buffer, start: number): boolean {
    if (!channel.hasNoAcks) return true
    return channel.hasAcks && this.#relay.slots.track.consumers.needsAck(channel.number, peekDeliverTag(buffer, start))
  }

  /** Whether it answers a request of the gateway's own. */
  #isWithheld(reader: FrameReader, index: number, start: number): boolean {
    const { layout, states } = this.#relay.slots
    const answer = layout.answers[index]
    if (answer === null || answer === undefined) return false
    return answer(VIEW.set(index, reader.channel, reader.buffer, start, reader.payloadEnd), states)
  }

  #close(channel: Channel, buffer: Buffer, start: number, end: number): void {
    const close = decodeMethod('channel.close', buffer, start, end, checkShape)
    const replyText = this.#onChannelClosed(channel.number, close)
    if (!this.#relay.brokerCloses(channel, methodFrame(channel.number, 'channel.close', { ...close, replyText }))) {
      throw new ConnectionFault('channel-error', 'channel.close seen twice')
    }
  }

  #contentHeader(reader: FrameReader): void {
    const channel = this.#contentChannel(reader, EXPECT_HEADER)
    const size = bodySizeOf(reader.buffer, reader.payloadStart, reader.payloadEnd)
    if (!channel.fromBroker.dropped) {
      this.#look(reader)
      this.#relay.toClient.take(reader.buffer, reader.frameStart, reader.frameEnd)
      this.#relay.messagesToClient++
    }
    channel.fromBroker.startBody(size)
    if (size === 0) this.#relay.clientBoundary(channel)
  }

  /** A message may have come to the broker by another door and be less than canonical: then there is nothing to see. */
  #look(reader: FrameReader): void {
    const { layout, states } = this.#relay.slots
    const { delivery: look, deliveryFlags } = layout
    if (look === null) return
    // All flags wanted means all deliveries, also those without any.
    const flags = reader.buffer.readUInt16BE(reader.payloadStart + FLAGS_AT)
    if (deliveryFlags !== ALL_FLAGS && (flags & deliveryFlags) === 0) return
    try {
      HEADER.read(reader.buffer, reader.payloadStart, reader.payloadEnd)
    } catch (error) {
      if (error instanceof ConnectionFault) return
      throw error
    }
    look(HEADER, states)
  }

  #body(reader: FrameReader): void {
    const channel = this.#contentChannel(reader, EXPECT_BODY)
    const bytes = reader.payloadBytes
    if (bytes > channel.fromBroker.remaining)
      throw new ConnectionFault('frame-error', 'content body longer than its header said')
    channel.fromBroker.takeBody(bytes)
    if (!channel.fromBroker.dropped) {
      if (bytes > this.#relay.options.clientPayloadMax)
        this.#relay.toClient.add(recut(reader, this.#relay.options.clientPayloadMax))
      else this.#relay.toClient.takeFrame(reader)
    }
    if (channel.fromBroker.expect === EXPECT_METHOD) this.#relay.clientBoundary(channel)
  }

  #contentChannel(reader: FrameReader, expect: typeof EXPECT_HEADER | typeof EXPECT_BODY): Channel {
    const channel = this.#relay.channels.get(reader.channel)
    if (channel === undefined) throw new ConnectionFault('channel-error', 'content on a channel that is not open')
    if (channel.fromBroker.expect !== expect) throw new ConnectionFault('unexpected-frame', 'content out of order')
    return channel
  }
}

/** One body frame as several whose payloads are at most `payloadMax` bytes. */
function recut(reader: FrameReader, payloadMax: number): Buffer {
  const payload = reader.payload()
  const pieces = Math.ceil(payload.length / payloadMax)
  const out = Buffer.allocUnsafe(payload.length + pieces * FRAME_OVERHEAD_BYTES)
  let at = 0
  for (let from = 0; from < payload.length; from += payloadMax) {
    const size = Math.min(payloadMax, payload.length - from)
    sealFrame(out, at, FRAME_BODY, reader.channel, size)
    payload.copy(out, at + FRAME_HEADER_BYTES, from, from + size)
    at += size + FRAME_OVERHEAD_BYTES
  }
  return out
}
