/** What filters may know of a session, and do to it: their only way into the relay. */

import { FRAME_OVERHEAD_BYTES } from '../codec/frame.ts'
import type { SessionView } from '../filters/filter.ts'
import type { Opened } from './handshake.ts'
import type { SessionOptions } from './ports.ts'
import type { Relay } from './relay.ts'

/** What a view needs of the session beyond its relay. */
export interface SessionHands {
  /** Sends what was gathered for both legs. */
  flush(): void
  pauseClient(ms: number): void
}

export function sessionView(options: SessionOptions, opened: Opened, relay: Relay, hands: SessionHands): SessionView {
  return {
    id: options.id,
    identity: options.identity,
    brokerUser: options.credential.username,
    vhost: opened.vhost,
    brokerPayloadMax: opened.brokerChoice.frameMax - FRAME_OVERHEAD_BYTES,
    closeChannel: (number, fault) => {
      const channel = relay.channels.get(number)
      if (channel !== undefined) relay.gatewayCloses(channel, fault)
      hands.flush()
    },
    cancelConsumer: (number, consumerTag, fault) => {
      const channel = relay.channels.get(number)
      if (channel !== undefined) relay.gatewayCancels(channel, consumerTag, fault)
      hands.flush()
    },
    sendToBroker: (frame) => relay.toBroker.add(frame),
    pauseClient: hands.pauseClient,
  }
}
