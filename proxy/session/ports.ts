/**
 * What a session needs from outside, and what it tells the outside: the only types on which the composition root and
 * the protocol engine agree. No HTTP, no YAML, no Passport here.
 */
import type { ReplyCode } from '../faults.ts'
import type { Filter } from '../filters/filter.ts'
import type { BrokerFailure } from './dialling/broker-failure.ts'

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

/** How to reach the broker. Tried in turn within the handshake's deadline. */
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
  | 'drain'
  | 'overload'
  | 'refused' // refused in band before any broker was dialled
  | 'internal-error'

export interface SessionEnd {
  readonly by: EndedBy
  readonly reason: EndReason
  /** For operators; may name hosts and broker users; never a secret. */
  readonly detail: string
  /** Where it was the broker: what was wrong. */
  readonly failure?: BrokerFailure
  readonly replyCode?: number
  readonly closeCode: number
  readonly durationMs: number
  readonly bytesFromClient: number
  readonly bytesToClient: number
}

/** What a session reports. Called synchronously; must not throw. */
export interface SessionObserver {
  /** The broker accepted the promoted credential and opened the vhost. */
  opened?(info: { vhost: string; broker: string; mechanism: SaslMechanism }): void
  /**
   * The broker closed one channel with an error, or, where `channel` is 0, the connection; its own text, for operators.
   * `method` is the one it could not do, where it names one.
   */
  channelClosed?(info: { channel: number; replyCode: number; text: string; method: string | undefined }): void
  /** Bytes pass where nothing waited when `bufferedBytes` was asked last: ask again. */
  busy?(): void
  /** Exactly once, when both ends are gone. */
  ended(end: SessionEnd): void
}

/** How the gateway ends a session from outside; decides the codes both peers see. */
export interface EndRequest {
  readonly reason: Extract<
    EndReason,
    'authority-ended' | 'drain' | 'overload' | 'internal-error' | 'text-message' | 'message-too-large'
  >
  readonly code: ReplyCode
  /** The explanation the client reads: `CONNECTION_FORCED - ` and this. */
  readonly explanation: string
  readonly closeCode: number
}

/** Answer to a client's `connection.update-secret`: renewed (with the new end of its authority), or why not. */
export type Renewal =
  | { readonly renewed: true; readonly expiresAtMs?: number }
  | { readonly renewed: false; readonly detail: string }

export interface SessionOptions {
  readonly id: string
  readonly client: ClientEnd
  readonly identity: SessionIdentity
  readonly credential: BrokerCredential
  readonly vhosts: VhostRule
  readonly target: BrokerTarget
  readonly limits: SessionLimits
  readonly filters: readonly Filter[]
  readonly observer: SessionObserver
  /** Ends `connection.update-secret` at the gateway. The buffer is the session's and is overwritten afterwards. */
  renew?(secret: Buffer): Promise<Renewal>
}

/** One WebSocket and one broker connection. */
export interface Session {
  readonly id: string
  /** Bytes that wait in memory on both legs. */
  readonly bufferedBytes: number
  /** Bytes from one binary WebSocket message, cut anywhere; a view is kept until its frames are forwarded. */
  receive(chunk: Buffer): void
  /** A pong, or any other sign of life outside `receive`. */
  alive(): void
  /** The WebSocket is gone; `malformed` when what came over it was no WebSocket stream as RFC 6455 has it. */
  clientGone(code: number, malformed?: boolean): void
  /** Ends the session from outside, both ways, with a reason the client can read. Does nothing when it is ending already. */
  end(request: EndRequest): void
  /**
   * Shows the broker a fresh secret of the same broker user by `connection.update-secret`. Resolves when the broker has
   * taken it. Rejects when it has not: the session ends then, if it has not ended already.
   */
  renewBroker(credential: BrokerCredential): Promise<void>
  /**
   * Heartbeats, pings and liveness hang on it. Called by the owner of all sessions, on a clock that does not go back.
   * @returns the time at which to call it again, on the same clock; earlier does no harm, half a second later will do
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
