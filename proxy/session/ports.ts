/**
 * What a session needs from outside, and what it tells the outside: the only types on which the composition root and
 * the protocol engine agree. No HTTP, no YAML, no Passport here.
 */
import type { ReplyCode } from '../faults.ts'
import type { Filter } from '../filters/filter.ts'
import type { BrokerFailure } from './dialling/broker-failure.ts'
import type { Dialler } from './dialling/dialler.ts'

/** The WebSocket, as far as a session may know it. */
export interface ClientEnd {
  /** Bytes handed to `send` that the operating system has not taken yet. */
  bufferedBytes(): number
  /**
   * Sends one WebSocket message: the parts, which together are whole AMQP frames. They belong to the client end from here on.
   * @param sent called when the operating system has taken them, or nobody ever will
   */
  send(parts: readonly Buffer[], sent?: () => void): void
  /** Sends a WebSocket ping; the answer arrives at `Session.alive`. */
  ping(): void
  /** Stops reading from the client until `resume`. */
  pause(): void
  resume(): void
  /**
   * Starts the WebSocket's closing handshake, and terminates the socket when the peer does not finish it in time.
   * @param reason cut by whoever writes it to what a close frame takes
   * @param last sent before it, as by `send`
   */
  close(code: number, reason: string, last?: readonly Buffer[]): void
  /** Drops the socket at once. */
  terminate(): void
}

export type SaslMechanism = 'PLAIN' | 'AMQPLAIN' | 'EXTERNAL'

/** What the broker is shown. Built by promotion, used once for each broker connection. */
export interface BrokerCredential {
  /** The broker user, as operators know it. For EXTERNAL what the operator expects the broker to derive. */
  readonly username: string
  /** Mechanisms this credential can answer, the preferred one first. */
  readonly mechanisms: readonly SaslMechanism[]
  /** The SASL response: a fresh buffer outside any pool; the session overwrites it when it has been sent. */
  response(mechanism: SaslMechanism): Buffer
  /** The bare secret, for `connection.update-secret`: as `response`. Absent where there is none (EXTERNAL). */
  secret?(): Buffer
  /** Where the broker stops accepting the secret at some time, and the gateway itself gets the next one. */
  readonly renewal?: CredentialRenewal
}

/** How a secret that expires goes on: the broker is shown the next one before the end of this one. */
export interface CredentialRenewal {
  /** When to ask for the next, in ms since the epoch. */
  readonly dueAtMs: number
  /** When the broker stops accepting this one, in ms since the epoch. */
  readonly expiresAtMs: number
  /** The next one, for the same broker user. Rejects where none can be had now, with operators' text; it is asked again until the end. */
  next(): Promise<BrokerCredential>
}

/** Who the client is proven to be; what the broker's connection list and `gatehouse` table show. */
export interface SessionIdentity {
  readonly subject: string
  readonly issuer: string
  /** The client's address, after trusted proxies. */
  readonly address: string
}

/** `pinned` replaces whatever the client asks for; `allowed` must contain it. */
export type VhostRule = { readonly pinned: string } | { readonly allowed: readonly string[] }

/** Where a broker's nodes are, and how each is reached. */
export interface BrokerTarget {
  readonly urls: readonly BrokerUrl[]
  readonly tls?: BrokerTls
  /** Sends a PROXY protocol v2 header with the client's address before anything else. */
  readonly proxyProtocol: boolean
}

export interface BrokerUrl {
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

export interface BrokerTls {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly serverName?: string
}

export interface Watermarks {
  readonly highBytes: number
  readonly lowBytes: number
}

export interface SessionLimits {
  /** From the upgrade to `open-ok`, both legs together. */
  readonly handshakeMs: number
  /** Largest frame before `open-ok`, and the most that may wait unread until then. */
  readonly preOpenFrameBytes: number
  readonly frameMaxBytes: number
  readonly channelMax: number
  /** Offered to the client; used on the broker leg when the broker proposes none. */
  readonly heartbeatSeconds: number
  readonly messageBytes: number
  readonly buffer: Watermarks
  readonly pingMs: number
}

/** Who asked for the end of a session. */
export type EndedBy = 'client' | 'broker' | 'gateway'

/** Why a session ended, a closed set: metrics labels and log keys are made of it. */
export type EndReason =
  | 'client-closed' // connection.close from the client, answered
  | 'client-lost' // the WebSocket went away without connection.close
  | 'client-dead' // no sign of life within the deadline
  | 'client-fault' // the client broke the protocol
  | 'text-message' // a text message where only binary is spoken
  | 'message-too-large' // a WebSocket message above the limit
  | 'handshake-timeout'
  | 'broker-unavailable' // nothing answered at any URL in time
  | 'broker-refused' // the broker refused the promoted credential or its vhost
  | 'broker-lost' // the broker's socket ended in mid-session
  | 'renewal-failed' // the broker would not take a fresh secret, or none could be had in time
  | 'broker-closed' // connection.close from the broker
  | 'broker-fault' // the broker broke the protocol
  | 'authority-ended' // token or session expired, identity revoked
  | 'configuration-changed' // another configuration has no room for it
  | 'entitlement-ended' // an entitlement service said no, or nothing for too long
  | 'kicked' // whoever manages the gateway ended it
  | 'blocked' // whoever manages the gateway blocked the identity
  | 'drain'
  | 'rebalanced' // its broker node had more sessions than others
  | 'overload'
  | 'refused' // refused in band before any broker was dialled
  | 'internal-error'

/** Where a session ended that was to be brought to a quiet point. */
export type EndedAt = 'quiet' | 'deadline'

export interface SessionEnd {
  readonly by: EndedBy
  readonly reason: EndReason
  /** For operators; may name hosts and broker users; never a secret. */
  readonly detail: string
  /** Where it was the broker: what was wrong. */
  readonly failure?: BrokerFailure
  /** The broker node it was connected to. */
  readonly node?: string
  readonly replyCode?: number
  /** Where it was to end at a quiet point: whether it did, or its time was over before. */
  readonly at?: EndedAt | undefined
  readonly closeCode: number
  readonly durationMs: number
  readonly bytesFromClient: number
  readonly bytesToClient: number
}

/** A client library, in its own words: printable, 64 characters at most; empty where it says nothing. */
export interface ClientProduct {
  readonly product: string
  readonly version: string
  readonly connectionName: string
}

/** What is known of a session once the broker has opened it. */
export interface OpenedSession {
  readonly vhost: string
  /** The URL of the broker node, without credentials. */
  readonly broker: string
  readonly mechanism: SaslMechanism
  readonly client: ClientProduct
}

/** What the broker would not do. */
export interface BrokersRefusal {
  /** 0: it closed the connection. */
  readonly channel: number
  readonly replyCode: number
  /** Its own words: for operators. */
  readonly text: string
  /** The method it could not do, where it names one. */
  readonly method: string | undefined
}

/** What a session reports. Called synchronously; must not throw. */
export interface SessionObserver {
  /** The broker accepted the promoted credential and opened the vhost. */
  opened?(opened: OpenedSession): void
  /** The broker closed one channel, or the connection, with an error. */
  channelClosed?(closed: BrokersRefusal): void
  /** Bytes pass where nothing waited when `bufferedBytes` was asked last: ask again. */
  busy?(): void
  /** Exactly once, when both ends are gone. */
  ended(end: SessionEnd): void
}

/** How the gateway ends a session from outside; decides the codes both peers see. */
export interface EndRequest {
  readonly reason: Extract<
    EndReason,
    | 'authority-ended'
    | 'configuration-changed'
    | 'entitlement-ended'
    | 'kicked'
    | 'blocked'
    | 'drain'
    | 'rebalanced'
    | 'overload'
    | 'internal-error'
    | 'text-message'
    | 'message-too-large'
  >
  readonly code: ReplyCode
  /** The explanation the client reads: `CONNECTION_FORCED - ` and this. */
  readonly explanation: string
  readonly closeCode: number
}

/** Answer to a client's `connection.update-secret`: renewed (with the new end of its authority), or why not. */
export type Renewal =
  | { readonly renewed: true; readonly expiresAtMs?: number | undefined }
  | { readonly renewed: false; readonly detail: string }

/** What a live session can go on under: everything a promotion decides that the broker does not know of. */
export interface SessionRules {
  readonly filters: readonly Filter[]
  /** Largest content body from the client. */
  readonly messageBytes: number
}

export interface SessionOptions {
  readonly id: string
  readonly client: ClientEnd
  readonly identity: SessionIdentity
  readonly credential: BrokerCredential
  readonly vhosts: VhostRule
  readonly dialler: Dialler
  readonly limits: SessionLimits
  readonly filters: readonly Filter[]
  readonly observer: SessionObserver
  /** Ends `connection.update-secret` at the gateway. The buffer is the session's and is overwritten afterwards. */
  renew?(secret: Buffer): Promise<Renewal>
}

/** What a session has and has done so far. */
export interface SessionActivity {
  /** Those that are open, or closing. */
  readonly channels: number
  readonly consumers: number
  /** Messages of AMQP that were forwarded, in each direction. */
  readonly messagesFromClient: number
  readonly messagesToClient: number
}

/** One WebSocket and one broker connection. */
export interface Session {
  readonly id: string
  /** Bytes that wait in memory on both legs. */
  readonly bufferedBytes: number
  /** Bytes of WebSocket messages so far, in each direction. */
  readonly bytesFromClient: number
  readonly bytesToClient: number
  /** As it is now. */
  readonly activity: SessionActivity
  /** Whether something has begun to end it. */
  readonly isEnding: boolean
  /** Bytes from one binary WebSocket message, cut anywhere; a view is kept until its frames are forwarded. */
  receive(chunk: Buffer): void
  /** A pong, or any other sign of life outside `receive`. */
  alive(): void
  /** The WebSocket is gone; `malformed` when what came over it was no WebSocket stream as RFC 6455 has it. */
  clientGone(code: number, malformed?: boolean): void
  /** Ends the session from outside, both ways, with a reason the client can read. Does nothing when it is ending already. */
  end(request: EndRequest): void
  /**
   * The same at a quiet point: when no message is half sent in either direction, and nothing waits for a confirm, an
   * acknowledgement or the end of a transaction. Until then the broker is asked to deliver nothing more, and the client is
   * read on; a publish is held back once the client has settled everything else. There is no way back from it.
   * @param withinMs after so long it ends wherever it is
   */
  endAtQuietPoint(request: EndRequest, withinMs: number): void
  /**
   * Shows the broker a fresh secret of the same broker user by `connection.update-secret`. Resolves when the broker has
   * taken it. Rejects when it has not: the session ends then, if it has not ended already.
   */
  renewBroker(credential: BrokerCredential): Promise<void>
  /**
   * Goes on under other rules: those of another promotion of the same person, or of another configuration. Synchronous,
   * between two frames; not to be called by a filter, an observer or an audit sink. Until `open-ok` these are the rules the
   * session begins with; where the session is ending nothing happens, and the filters are never started.
   *
   * - A content of which the header has been judged goes on to its end. A `basic.publish` whose header has not, and
   *   everything that follows, is judged by the new filters. Stamps change with the next publish.
   * - What the session has at the broker (channels, consumers, queues, exchanges, prefetch counts, requests on their way) is
   *   kept in books of its own and known to the new filters from the start, also where the old ones did not need it.
   * - Consumers that may not read their queue any more are cancelled on both legs at once, and `permission.lost` is written.
   * - Counted limits go on: filters of the same `Usages` see neither more nor less in use than before. Where the new limit is
   *   lower than what is in use, nothing is ended; one more is refused until it has come down.
   * - `ended` of the old filters is called once, after the new ones have been started.
   *
   * Not known to new filters: direct reply addresses that were delivered while no filter judged publishes. Not renewed: what
   * was negotiated at the handshake. So stamps that come only now have no room of their own (a content header that would
   * become too large is refused, 311), and a `user-id` that comes only now was never tried on the broker, which may refuse
   * it at each publish.
   */
  exchange(rules: SessionRules): void
  /**
   * Heartbeats, pings and liveness hang on it. Called by the owner of all sessions, on a clock that does not go back.
   * @returns the time at which to call it again, on the same clock; earlier does no harm, half as late again will do. Once
   * `opened` is reported it is often less than a second away: ask again then.
   */
  tick(nowMs: number): number
}

/** What a refused client hears in band: `start`, then `connection.close`, then the WebSocket code. */
export interface InBandRefusal {
  readonly code: ReplyCode
  readonly explanation: string
  readonly closeCode: number
  /** What the session's end is reported as; by default `refused`. */
  readonly reason?: Extract<EndReason, 'refused' | 'broker-refused' | 'broker-unavailable'>
  /** For operators; by default the explanation. */
  readonly detail?: string
}
