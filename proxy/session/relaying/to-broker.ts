/**
 * The client's frames on their way to the broker, after `open-ok`. Every frame is judged where it stands: legal for its
 * channel's state, canonical, and, where a filter asked, permitted. What passes is taken over as the very bytes that
 * arrived; a publish is taken only when its content header has been judged too, method and header together.
 */
import { ContentHeader } from '../../codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, FRAME_METHOD } from '../../codec/frame.ts'
import type { FrameReader } from '../../codec/frame-reader.ts'
import { checkMethod, indexOf, isFromClient, METHOD_COUNT, MethodView, methodIndex, peek } from '../../codec/method.ts'
import { type Cause, ChannelFault, ConnectionFault } from '../../faults.ts'
import { isFilterRefusal } from '../../filters/compile.ts'
import type { Verdict } from '../../filters/filter.ts'
import { Cancels } from './cancels.ts'
import { type Channel, EXPECT_BODY, EXPECT_HEADER, EXPECT_METHOD } from './channels.ts'
import { BEGINS_DUES, CHANGES_DUES } from './dues.ts'
import { HeldPublish } from './held-publish.ts'
import type { Relay } from './relay.ts'

const CLASS_CONNECTION = 10
const CHANNEL_OPEN = indexOf('channel.open')
const CHANNEL_CLOSE = indexOf('channel.close')
const CHANNEL_CLOSE_OK = indexOf('channel.close-ok')
const BASIC_PUBLISH = indexOf('basic.publish')
const BASIC_CONSUME = indexOf('basic.consume')
const BASIC_CANCEL = indexOf('basic.cancel')
const BASIC_ACK = indexOf('basic.ack')
const BASIC_GET = indexOf('basic.get')
const PUBLISH_CAUSE = { classId: 60, methodId: 40 }

/** What must not be forgotten once it is forwarded, by dense index. */
const REMEMBERED_NOT = 0
const REMEMBERED_AS_ACK = 1
const REMEMBERED_AS_CHANGE = 2
const REMEMBERED_AS_BEGINNING = 3
const REMEMBERED_AS_CONSUMER = 4
const REMEMBERED: readonly number[] = Array.from({ length: METHOD_COUNT }, (_, index) => {
  if (index === BASIC_ACK) return REMEMBERED_AS_ACK
  if (CHANGES_DUES.includes(index)) return REMEMBERED_AS_CHANGE
  if (BEGINS_DUES.includes(index)) return REMEMBERED_AS_BEGINNING
  return index === BASIC_CONSUME || index === BASIC_CANCEL ? REMEMBERED_AS_CONSUMER : REMEMBERED_NOT
})

/** Body frames without a byte that one content may have. */
const EMPTY_FRAMES_MAX = 16

const peekConsumerTag = peek('basic.consume', 'consumerTag')
const peekNoAck = peek('basic.consume', 'noAck')
const peekCancelTag = peek('basic.cancel', 'consumerTag')

/** Views that each judged frame is looked at through; judging is synchronous, so all sessions share them. */
const VIEW = new MethodView()
const HEADER = new ContentHeader()
const PUBLISH = new HeldPublish(HEADER)

/** Methods on channel 0, which concern the session itself. */
export type ConnectionMethod = (index: number, buffer: Buffer, start: number, end: number) => void

export class ToBroker {
  readonly #relay: Relay
  readonly #onConnectionMethod: ConnectionMethod
  /** The channel whose held publish is still a view on the chunk it came in. */
  #holding: Channel | undefined

  constructor(relay: Relay, onConnectionMethod: ConnectionMethod) {
    this.#relay = relay
    this.#onConnectionMethod = onConnectionMethod
  }

  /**
   * Judges the reader's current frame.
   * @returns false when the frame must wait: for the broker to let go of its channel number, or to answer, or for the end
   * of a session that comes to its quiet point; ask again then
   * @throws ConnectionFault
   */
  frame(reader: FrameReader): boolean {
    if (reader.type === FRAME_METHOD) return this.#method(reader)
    if (reader.type === FRAME_BODY) this.#body(reader)
    else if (reader.type === FRAME_HEADER) this.#contentHeader(reader)
    else checkHeartbeat(reader)
    return true
  }

  /** After a run of frames: what is still held back must not keep the chunk it came in. */
  settle(): void {
    const channel = this.#holding
    this.#holding = undefined
    if (channel?.held === undefined) return
    const copy = Buffer.from(channel.held.subarray(channel.heldStart, channel.heldEnd))
    channel.hold(copy, 0, copy.length)
  }

  #method(reader: FrameReader): boolean {
    const { buffer, payloadStart, payloadEnd } = reader
    const index = readMethodIndex(buffer, payloadStart, payloadEnd)
    if (!isFromClient(index))
      throw new ConnectionFault('command-invalid', 'a method that only the broker sends', cause(buffer, payloadStart))
    const ofConnection = buffer.readUInt16BE(payloadStart) === CLASS_CONNECTION
    if (reader.channel === 0 || ofConnection) {
      if (reader.channel !== 0 || !ofConnection) throw misplaced(cause(buffer, payloadStart))
      checkMethod(index, buffer, payloadStart + 4, payloadEnd)
      this.#onConnectionMethod(index, buffer, payloadStart + 4, payloadEnd)
      return true
    }
    const channel = this.#relay.channels.get(reader.channel)
    if (
      channel === undefined ||
      channel.client.state !== 'open' ||
      index === CHANNEL_OPEN ||
      index === CHANNEL_CLOSE ||
      index === CHANNEL_CLOSE_OK
    ) {
      return this.#channelLife(reader, channel, index)
    }
    if (channel.fromClient.expect !== EXPECT_METHOD) throw interrupted(cause(buffer, payloadStart))
    checkMethod(index, buffer, payloadStart + 4, payloadEnd)
    const { quietPoint } = this.#relay
    if (quietPoint !== undefined && (index === BASIC_PUBLISH || index === BASIC_GET) && quietPoint.holdsBack)
      return false
    if (index === BASIC_PUBLISH) {
      if (this.#holding !== channel) this.settle()
      channel.hold(buffer, reader.frameStart, reader.frameEnd)
      this.#holding = channel
      return true
    }
    // The broker has so much to answer that nothing is added to it.
    if (this.#relay.slots.track.isFull && this.#relay.slots.layout.toBroker[index] !== null) return false
    const verdict = this.#verdict(reader, index)
    if (isFilterRefusal(verdict)) {
      this.#refuse(channel, verdict.fault)
      return true
    }
    if (verdict === undefined) this.#relay.toBroker.take(buffer, reader.frameStart, reader.frameEnd)
    else this.#relay.toBroker.add(verdict)
    // A method that went to the broker may change what is owed, and what may come back on its channel.
    if (channel.leftovers !== undefined) channel.leftovers.forwarded(index)
    const remembered = REMEMBERED[index]
    if (remembered === REMEMBERED_AS_ACK) channel.dues?.acknowledged(buffer, payloadStart + 4)
    else if (remembered === REMEMBERED_AS_CHANGE) channel.dues?.forwarded(index, buffer, payloadStart + 4)
    else if (remembered === REMEMBERED_AS_BEGINNING)
      this.#relay.duesOf(channel).forwarded(index, buffer, payloadStart + 4)
    else if (remembered === REMEMBERED_AS_CONSUMER) this.#consumer(channel, index, buffer, payloadStart + 4)
    return true
  }

  /** The client asks for a consumer, or for the end of one. */
  #consumer(channel: Channel, index: number, buffer: Buffer, start: number): void {
    if (index === BASIC_CONSUME) {
      channel.cancels?.consumed(peekConsumerTag(buffer, start))
      if (peekNoAck(buffer, start)) channel.hasNoAcks = true
      else channel.hasAcks = true
      if (channel.hasAcks) this.#relay.duesOf(channel)
    } else {
      // It is answered in any case: the books ask for that.
      channel.cancels ??= new Cancels()
      channel.cancels.asked(peekCancelTag(buffer, start))
    }
  }

  #verdict(reader: FrameReader, index: number): Verdict {
    const { layout, states } = this.#relay.slots
    const check = layout.toBroker[index]
    if (check === null || check === undefined) return undefined
    VIEW.set(index, reader.channel, reader.buffer, reader.payloadStart + 4, reader.payloadEnd)
    return check(VIEW, states)
  }

  /** Everything that opens or closes a channel, and everything on a channel that is not simply open. */
  #channelLife(reader: FrameReader, channel: Channel | undefined, index: number): boolean {
    const { buffer, payloadStart, payloadEnd } = reader
    const caused = cause(buffer, payloadStart)
    if (reader.channel > this.#relay.options.channelMax) {
      throw new ConnectionFault('channel-error', 'channel number above the negotiated channel_max', caused)
    }
    checkMethod(index, buffer, payloadStart + 4, payloadEnd)
    if (index === CHANNEL_OPEN) {
      if (channel !== undefined) this.#relay.clientReopens(channel)
      if (channel === undefined || channel.isFree) return this.#open(reader, index)
      const { state } = channel.client
      // The client is done with this number and the broker is not yet: what the client sends waits.
      if (state === 'closed') return false
      if (state !== 'told') throw new ConnectionFault('channel-error', "second 'channel.open' seen", caused)
      return true
    }
    if (channel === undefined || channel.client.state === 'closed')
      throw new ConnectionFault('channel-error', "expected 'channel.open'", caused)
    if (channel.fromClient.expect !== EXPECT_METHOD) throw interrupted(caused)
    if (index === CHANNEL_CLOSE) this.#relay.clientCloses(channel, buffer, reader.frameStart, reader.frameEnd)
    else if (index === CHANNEL_CLOSE_OK) this.#relay.clientAnswers(channel)
    else if (channel.client.state === 'asked')
      throw new ConnectionFault('channel-error', 'a method after channel.close', caused)
    // Told that the channel is closed, or about to learn it: anything else was on its way, and is dropped. [AMQP §4.5]
    return true
  }

  /** A refusal here is the session's: there is no channel yet to close. */
  #open(reader: FrameReader, index: number): boolean {
    const verdict = this.#verdict(reader, index)
    if (isFilterRefusal(verdict)) {
      if (verdict.fault instanceof ConnectionFault) throw verdict.fault
      throw new ConnectionFault('not-allowed', verdict.fault.explanation, cause(reader.buffer, reader.payloadStart))
    }
    this.#relay.toBroker.take(reader.buffer, reader.frameStart, reader.frameEnd)
    this.#relay.channels.open(reader.channel)
    return true
  }

  #contentHeader(reader: FrameReader): void {
    const channel = this.#contentChannel(reader)
    if (channel === undefined) return
    if (channel.fromClient.expect !== EXPECT_HEADER || channel.held === undefined)
      throw unexpected('content header', 'a method')
    HEADER.read(reader.buffer, reader.payloadStart, reader.payloadEnd)
    const limit = this.#relay.messageBytes
    const size = HEADER.bodyBytes
    if (size > limit) {
      return this.#refuse(
        channel,
        new ChannelFault('content-too-large', `message larger than the ${limit} bytes allowed`, PUBLISH_CAUSE),
      )
    }
    const { layout, states } = this.#relay.slots
    const check = layout.publish
    const verdict = check === null ? undefined : check(PUBLISH.of(channel), states)
    if (isFilterRefusal(verdict)) return this.#refuse(channel, verdict.fault)
    this.#relay.toBroker.take(channel.held, channel.heldStart, channel.heldEnd)
    channel.held = undefined
    if (verdict === undefined) this.#relay.toBroker.take(reader.buffer, reader.frameStart, reader.frameEnd)
    else this.#relay.toBroker.add(verdict)
    channel.fromClient.startBody(size)
    channel.dues?.published()
    this.#relay.messagesFromClient++
  }

  #body(reader: FrameReader): void {
    const channel = this.#contentChannel(reader)
    if (channel === undefined) return
    const content = channel.fromClient
    if (content.expect !== EXPECT_BODY)
      throw unexpected('content body', content.expect === EXPECT_HEADER ? 'a content header' : 'a method')
    const bytes = reader.payloadEnd - reader.payloadStart
    if (bytes > content.remaining)
      throw new ConnectionFault('frame-error', 'content body longer than its header said', PUBLISH_CAUSE)
    if (bytes === 0 && content.emptyFrames >= EMPTY_FRAMES_MAX)
      throw new ConnectionFault('frame-error', 'too many empty body frames', PUBLISH_CAUSE)
    content.takeBody(bytes)
    this.#relay.toBroker.take(reader.buffer, reader.frameStart, reader.frameEnd)
    if (content.expect !== EXPECT_BODY && channel.atBrokerBoundary !== undefined) this.#relay.brokerBoundary(channel)
  }

  /**
   * The channel a content frame belongs to; undefined where the client has been told of its end and the frame is dropped: a
   * content that the broker has a part of goes on to its end, also then.
   */
  #contentChannel(reader: FrameReader): Channel | undefined {
    if (reader.channel === 0) throw new ConnectionFault('command-invalid', 'content on channel 0')
    const channel = this.#relay.channels.get(reader.channel)
    if (channel === undefined) throw new ConnectionFault('channel-error', "expected 'channel.open'")
    if (channel.client.state === 'open' || channel.isMidContent) return channel
    if (channel.client.state === 'closed') throw new ConnectionFault('channel-error', "expected 'channel.open'")
    if (channel.client.state === 'asked') throw new ConnectionFault('channel-error', 'content after channel.close')
    return undefined
  }

  #refuse(channel: Channel, fault: ChannelFault | ConnectionFault): void {
    if (fault instanceof ConnectionFault) throw fault
    this.#relay.gatewayCloses(channel, fault)
  }
}

/** The dense index of a method frame's method. @throws ConnectionFault frame-error, not-implemented */
export function readMethodIndex(buffer: Buffer, payloadStart: number, payloadEnd: number): number {
  if (payloadEnd - payloadStart < 4) throw new ConnectionFault('frame-error', 'a method frame without a method')
  const index = methodIndex(buffer.readUInt16BE(payloadStart), buffer.readUInt16BE(payloadStart + 2))
  if (index === -1) throw new ConnectionFault('not-implemented', 'unknown method', cause(buffer, payloadStart))
  return index
}

/** Heartbeats are empty and on channel 0. [AMQP §4.2.7] @throws ConnectionFault */
export function checkHeartbeat(reader: FrameReader): void {
  if (reader.channel !== 0) throw new ConnectionFault('command-invalid', 'a heartbeat on a channel other than 0')
  if (reader.payloadEnd !== reader.payloadStart) throw new ConnectionFault('frame-error', 'a heartbeat with a payload')
}

function cause(buffer: Buffer, payloadStart: number): Cause {
  return { classId: buffer.readUInt16BE(payloadStart), methodId: buffer.readUInt16BE(payloadStart + 2) }
}

/** Connection methods belong on channel 0 and no others do. [AMQP §4.2.3, §4.3] */
function misplaced(caused: Cause): ConnectionFault {
  return new ConnectionFault('command-invalid', 'a method on the wrong kind of channel', caused)
}

function interrupted(caused: Cause): ConnectionFault {
  return new ConnectionFault('unexpected-frame', 'a method where content was expected', caused)
}

function unexpected(got: string, expected: string): ConnectionFault {
  return new ConnectionFault('unexpected-frame', `expected ${expected}, got ${got}`, PUBLISH_CAUSE)
}
