/** What filters may know of a session, and do to it: their only way into the relay. */

import { FRAME_OVERHEAD_BYTES } from '../codec/frame.ts'
import type { ChannelFault } from '../faults.ts'
import type { SessionView } from '../filters/filter.ts'
import { Track } from '../filters/track/track.ts'
import type { Opened } from './opening/handshake.ts'
import type { SessionIdentity, SessionOptions } from './ports.ts'
import type { Relay } from './relaying/relay.ts'

/** What a view needs of the session beyond its relay. */
export interface SessionHands {
  /** Sends what was gathered for both legs. */
  flush(): void
  pauseClient(ms: number): void
}

/** A class, as a literal with functions of its own costs each session several times as much memory. */
class View implements SessionView {
  readonly id: string
  readonly identity: SessionIdentity
  readonly brokerUser: string
  readonly vhost: string
  readonly brokerPayloadMax: number
  readonly track = new Track()
  readonly #relay: Relay
  readonly #hands: SessionHands

  constructor(options: SessionOptions, opened: Opened, relay: Relay, hands: SessionHands) {
    this.id = options.id
    this.identity = options.identity
    this.brokerUser = options.credential.username
    this.vhost = opened.vhost
    this.brokerPayloadMax = opened.brokerChoice.frameMax - FRAME_OVERHEAD_BYTES
    this.#relay = relay
    this.#hands = hands
  }

  closeChannel(number: number, fault: ChannelFault): void {
    const channel = this.#relay.channels.get(number)
    if (channel !== undefined) this.#relay.gatewayCloses(channel, fault)
    this.#hands.flush()
  }

  cancelConsumer(number: number, consumerTag: string, fault: ChannelFault): void {
    const channel = this.#relay.channels.get(number)
    if (channel !== undefined) this.#relay.gatewayCancels(channel, consumerTag, fault)
    this.#hands.flush()
  }

  sendToBroker(frame: Buffer): void {
    this.#relay.ask(frame)
  }

  openChannels(): number[] {
    return Array.from(this.#relay.channels, ({ number }) => number)
  }

  pauseClient(ms: number): void {
    this.#hands.pauseClient(ms)
  }
}

export function sessionView(options: SessionOptions, opened: Opened, relay: Relay, hands: SessionHands): SessionView {
  return new View(options, opened, relay, hands)
}
