/**
 * What may look at frames on their way, and say no.
 *
 * A filter declares the methods it wants to see; nothing is decoded for it otherwise, and a slot nobody asked for is
 * `null`. Checks are synchronous and must not keep the views they are handed. A check that throws refuses: the session
 * answers `internal-error`.
 */
import type { ContentHeader } from '../codec/content.ts'
import type { MethodView } from '../codec/method.ts'
import type { PropertyName } from '../codec/properties.ts'
import type { FromBroker, FromClient } from '../codec/spec.ts'
import type { ChannelFault, ConnectionFault } from '../faults.ts'
import type { Track } from './track/track.ts'

/** What a filter may know of the session it watches, and do to it. */
export interface SessionView {
  readonly id: string
  readonly identity: { readonly subject: string; readonly issuer: string; readonly address: string }
  readonly brokerUser: string
  readonly vhost: string
  /** Largest content header payload the broker leg takes: its frame-max less 8. */
  readonly brokerPayloadMax: number
  /** What the session has at the broker. Filters read it; it is kept for them. */
  readonly track: Track
  /** The numbers of the channels that are open, or closing. */
  openChannels(): readonly number[]
  /** Closes one channel from the gateway's side, both legs, at content boundaries. */
  closeChannel(channel: number, fault: ChannelFault): void
  /** Cancels a consumer on both legs (`basic.cancel`), or closes its channel where the client knows no cancel. */
  cancelConsumer(channel: number, consumerTag: string, fault: ChannelFault): void
  /** Sends the broker a request of the gateway's own, before what is being judged. The client does not see the answer. */
  sendToBroker(frame: Buffer): void
  /** Stops reading from the client for so long: how a rate limit is kept without dropping anything. */
  pauseClient(ms: number): void
}

/** Refused: the client gets the fault, nothing reaches the broker, the other channels go on. */
export interface FilterRefusal {
  readonly fault: ChannelFault | ConnectionFault
}

/** Forward the very bytes that arrived (`undefined`), forward this whole frame instead (`Buffer`), or refuse. */
export type Verdict = undefined | Buffer | FilterRefusal

/** A publish as a whole: its method and its content header, before one byte of either is forwarded. */
export interface PublishView {
  readonly channel: number
  /** The method's arguments, `buffer[start, end)`: the same bytes are the same exchange, key and flags. */
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
  readonly exchange: string
  readonly routingKey: string
  readonly mandatory: boolean
  readonly immediate: boolean
  readonly header: ContentHeader
}

/**
 * What one kind of filter looks at: shared by all its sessions, so that a session costs no more than its state. Each
 * function is handed the state that `start` made for the session, last.
 */
export interface FilterChecks<S> {
  /** From the client, before anything is forwarded. Several filters may ask for one method: the first refusal stands. */
  readonly toBroker?: { readonly [M in FromClient]?: (method: MethodView, state: S) => Verdict }
  /** `basic.publish` at its content header; a Buffer replaces the content header frame. */
  readonly publish?: (publish: PublishView, state: S) => Verdict
  /** From the broker, as it is forwarded; looks only. */
  readonly toClient?: { readonly [M in FromBroker]?: (method: MethodView, state: S) => void }
  /** The content header of a delivery, get-ok or return; looks only. */
  readonly delivery?: (header: ContentHeader, state: S) => void
  /** Only deliveries with one of these properties concern it; absent: all do. */
  readonly deliveryWith?: readonly PropertyName[]
  readonly channelClosed?: (channel: number, state: S) => void
  /** Every few seconds; within a second after the identity was renewed. */
  readonly tick?: (nowMs: number, state: S) => void
  /**
   * The filter has taken the place of others in a live session: what it would not have let come about is to be ended now.
   * What the session has is in `SessionView.track`, for `start` too.
   */
  readonly exchanged?: (state: S) => void
  /** Once: the session has ended, or goes on with other filters, which were started already. */
  readonly ended?: (state: S) => void
}

/** A filter as sessions take it: whatever its state is. Write one as a `FilterOf` its state. */
export interface Filter {
  readonly name: string
  /** Whether it makes content headers larger: room is then kept between the two legs' frame-max. */
  readonly stamps?: boolean
  /** The `user-id` that every message carries. Where it is not the broker user's, the broker is asked whether it takes it. */
  readonly userId?: string | undefined
  /** One object for all sessions: what is compiled from it is kept by its identity. */
  readonly checks: FilterChecks<never>
  /** Called once for each session, at `open-ok` or when filters are exchanged. @returns what it keeps of the session, which its checks are handed */
  start(session: SessionView): unknown
}

export interface FilterOf<S> extends Filter {
  readonly checks: FilterChecks<S>
  start(session: SessionView): S
}
