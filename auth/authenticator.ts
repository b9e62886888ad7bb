/**
 * What every way of proving an identity has in common. Each authenticator is one Passport strategy behind this face,
 * so that the gateway can tell a credential that is absent from one that is wrong.
 */
import type { IncomingMessage } from 'node:http'
import type { Identity } from './identity.ts'

/** What an authenticator may see of an upgrade or of a request to `/auth/*`. */
export interface AuthenticationRequest {
  /** The request itself: headers, TLS socket. Nothing may be written to it. */
  readonly http: IncomingMessage
  /** The path of the service it is for. */
  readonly service: string
  /** The Origin header, already checked against the service's list; absent when there was none. */
  readonly origin: string | undefined
  /** The client's address after trusted proxies. */
  readonly address: string
  /** The address of the socket's peer: a proxy's where there is one. */
  readonly peerAddress: string
  /** Whether the client speaks TLS, to the gateway or to what stands in front of it. */
  readonly isSecure: boolean
}

/**
 * `carrier` names where the credential was found (`authorization`, `cookie:at`, `subprotocol`, `query`, …). Two
 * authenticators may read one carrier (two issuers' tokens); a refusal is forgiven when another one proved that very carrier.
 */
export type Outcome =
  /** The request carries no credential of this authenticator's kind. */
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'proven'
      readonly identity: Identity
      /** Sent back with the 101 or 200 (SPNEGO's mutual token). */
      readonly responseHeaders?: Readonly<Record<string, string>>
      readonly carrier?: string
    }
  /** It carries one, and it is no good. */
  | {
      readonly kind: 'refused'
      /** For operators; never shows the credential. */
      readonly detail: string
      /** A cookie the browser attached by itself: counts as absent when another credential succeeds. */
      readonly ambient?: boolean
      /** What the gateway itself broke over, if it did: then nobody knows whether the credential is good. */
      readonly cause?: unknown
      /** The credential is not even of the right form. */
      readonly malformed?: boolean
      /** Too many attempts, or too much to do: come back later. */
      readonly retryAfterSeconds?: number
      readonly carrier?: string
      /** Instead of the authenticator's challenge, where it can say what was wrong. */
      readonly challenge?: string
    }

export interface Authenticator {
  /** Its key in the configuration's `authenticators`. */
  readonly name: string
  readonly type: string
  /** Value for `WWW-Authenticate`; absent where no challenge makes sense (tickets, certificates). */
  readonly challenge?: string | undefined
  /** The challenge for requests that a page's script makes, where the other one would open a browser's dialog. */
  readonly scriptChallenge?: string
  /** Never rejects for a client's fault; a rejection is the gateway's own failure and refuses the client. */
  authenticate(request: AuthenticationRequest): Promise<Outcome>
  /**
   * Whether what it has just proved holds still. Asked when every other authenticator has answered, right before
   * somebody is let in: a logout may have come in between.
   */
  stillHolds?(identity: Identity): boolean
  /** Proves a fresh secret of the same kind for the same person: same issuer and subject, or refused. The buffer stays the caller's. */
  renew?(identity: Identity, secret: Buffer, request: { readonly service: string }): Promise<Outcome>
  /**
   * Reads again what it holds from outside (users, key sets), without using it yet. Rejects where that cannot be: then
   * everything is as it was. Resolves to what puts it into use, at once; that returns the keys (`identityKey`) of people
   * who lost their proof.
   */
  readAgain?(): Promise<() => readonly string[]>
  /** Fetches what its first login would wait for. Rejects where that cannot be had, which it goes on to try. */
  warmUp?(): Promise<void>
  /** The keys (`identityKey`) of people whom another authenticator of this name and type, before it, could prove, and who lost that. */
  lostSince?(before: Authenticator): readonly string[]
  /** Looks at proofs of live sessions again; undefined: they hold until they end. */
  readonly recheck?: Recheck | undefined
  close?(): void
}

/** How proofs of live sessions are looked at again. */
export interface Recheck {
  readonly everyMs: number
  /** Proofs of one key are looked at together. Says nothing secret. */
  keyOf(identity: Identity): string
  /** The identity as it is now; undefined: it does not hold any more. Rejects where nobody can tell: then it holds on. */
  again(identity: Identity): Promise<Identity | undefined>
}

/** A service's `authenticate`: any entry admits; within `all`, every one must, and must name one subject. */
export type Requirement = readonly (Authenticator | { readonly all: readonly Authenticator[] })[]
