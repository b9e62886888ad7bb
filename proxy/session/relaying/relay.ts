/**
 * What the two directions of a relaying session share: the channels, the two gathers, the compiled filters, and the
 * closing handshakes of channels, which always involve both legs. [AMQP §4.3, §4.5]
 *
 * Rule for each leg: a close is told once, answered once, and a number is free when neither leg awaits anything.
 */
import { methodFrame } from '../../codec/method.ts'
import { type ChannelFault, ConnectionFault } from '../../faults.ts'
import type { Slots } from '../../filters/compile.ts'
import type { Gather } from '../legs/gather.ts'
import { type Channel, Channels, EXPECT_BODY, EXPECT_METHOD } from './channels.ts'

export interface RelayOptions {
  readonly toBroker: Gather
  readonly toClient: Gather
  readonly channelMax: number
  readonly messageBytes: number
  /** Largest frame payload the client takes. */
  readonly clientPayloadMax: number
  /** Server-sent methods the client said it understands. */
  readonly client: { readonly cancelNotify: boolean; readonly blocked: boolean }
}

/** Why the gateway closed the broker's side of a channel; the broker only logs it. */
const GATEWAY_CLOSES = { replyCode: 200, replyText: 'closed by the gateway', classId: 0, methodId: 0 }

export class Relay {
  readonly channels = new Channels()
  readonly options: RelayOptions
  readonly toBroker: Gather
  readonly toClient: Gather
  /** Set once, at `open-ok`. */
  slots!: Slots

  constructor(options: RelayOptions) {
    this.options = options
    this.toBroker = options.toBroker
    this.toClient = options.toClient
  }

  /** The client's `channel.close`. */
  clientCloses(channel: Channel, buffer: Buffer, frameStart: number, frameEnd: number): void {
    if (channel.client.owed)
      throw new ConnectionFault('channel-error', 'channel.close seen twice', { classId: 20, methodId: 40 })
    channel.client.owed = true
    channel.dropContentFromClient()
    // Where the gateway has closed the broker's side already, the broker's close-ok answers this one too.
    if (channel.broker.sent) return
    this.toBroker.take(buffer, frameStart, frameEnd)
    channel.broker.sent = true
  }

  /** The client's `channel.close-ok`. */
  clientAnswers(channel: Channel): void {
    if (!channel.client.sent) {
      throw new ConnectionFault('command-invalid', 'channel.close-ok without channel.close', {
        classId: 20,
        methodId: 41,
      })
    }
    channel.client.sent = false
    if (channel.broker.owed) {
      channel.broker.owed = false
      this.toBroker.add(methodFrame(channel.number, 'channel.close-ok', {}))
    }
    this.#free(channel)
  }

  /** The broker's `channel.close`, its text already safe for the client. @returns false when the broker repeats itself */
  brokerCloses(channel: Channel, safeFrame: Buffer): boolean {
    if (channel.broker.owed) return false
    channel.dropContentFromClient()
    channel.closeAfterContent = undefined
    if (channel.client.sent) {
      // The gateway closed it first: the client knows, and the broker is answered at once.
      this.toBroker.add(methodFrame(channel.number, 'channel.close-ok', {}))
      return true
    }
    channel.broker.owed = true
    channel.client.sent = true
    this.toClient.add(safeFrame)
    return true
  }

  /** The broker's `channel.close-ok`. @returns false when nobody asked for it */
  brokerAnswers(channel: Channel): boolean {
    if (!channel.broker.sent) return false
    channel.broker.sent = false
    if (channel.client.owed) {
      channel.client.owed = false
      channel.client.answered = true
      this.#tellClient(channel, methodFrame(channel.number, 'channel.close-ok', {}))
    }
    this.#free(channel)
    return true
  }

  /** A client that opens a number again after its own close was answered has let go of whatever else was owed there. */
  clientReopens(channel: Channel): boolean {
    if (!channel.client.answered || channel.broker.sent) return false
    if (channel.broker.owed) this.toBroker.add(methodFrame(channel.number, 'channel.close-ok', {}))
    channel.broker.owed = false
    channel.client.sent = false
    this.#free(channel)
    return true
  }

  /** Closes a channel from the gateway's side, on both legs, at content boundaries. */
  gatewayCloses(channel: Channel, fault: ChannelFault): void {
    if (channel.closing) return
    if (channel.fromClient.expect === EXPECT_BODY) {
      channel.closeAfterContent ??= fault
      return
    }
    channel.dropContentFromClient()
    this.toBroker.add(methodFrame(channel.number, 'channel.close', GATEWAY_CLOSES))
    channel.broker.sent = true
    const { replyCode, replyText, caused } = fault
    this.#tellClient(channel, methodFrame(channel.number, 'channel.close', { replyCode, replyText, ...caused }))
    channel.client.sent = true
  }

  /** Cancels a consumer on both legs; a client that knows no `basic.cancel` has its channel closed instead. */
  gatewayCancels(channel: Channel, consumerTag: string, fault: ChannelFault): void {
    if (channel.closing) return
    if (!this.options.client.cancelNotify || channel.fromClient.expect !== EXPECT_METHOD)
      return this.gatewayCloses(channel, fault)
    const cancel = methodFrame(channel.number, 'basic.cancel', { consumerTag, noWait: true })
    this.toBroker.add(cancel)
    this.#tellClient(channel, cancel)
  }

  /** The broker's content to the client is complete on this channel: what waited for that goes out. */
  clientBoundary(channel: Channel): void {
    if (channel.atClientBoundary === undefined) return
    for (const frame of channel.atClientBoundary) this.toClient.add(frame)
    channel.atClientBoundary = undefined
  }

  #tellClient(channel: Channel, frame: Buffer): void {
    if (channel.fromBroker.expect === EXPECT_METHOD) return this.toClient.add(frame)
    channel.atClientBoundary ??= []
    channel.atClientBoundary.push(frame)
  }

  #free(channel: Channel): void {
    if (this.channels.free(channel)) this.slots.channelClosed(channel.number)
  }
}
