/**
 * Logins that the gateway keeps for browsers: who is behind an opaque cookie, and with what it is renewed. Only hashes
 * of cookies are kept. Bounded in number, per person and in all: the oldest goes first.
 */
import type { Identity } from '../identity.ts'
import type { Secret } from '../secret.ts'

/** A login as it was when it was asked for. */
export interface Login {
  /** The hash of what its cookie holds. */
  readonly hash: string
  /** Replaced by a renewal, always with one of the same issuer and subject. */
  readonly identity: Identity
  /** Of the last ID token: what UserInfo says beside it is asked for again, never kept. */
  readonly idClaims: Readonly<Record<string, unknown>>
  readonly refreshToken: Secret | undefined
  readonly refreshedAtMs: number
  /** The provider's own names for person and session: `sub` and `sid`. */
  readonly sub: string
  readonly sid: string | undefined
  /** When it ends whatever its renewals, in ms since the epoch. */
  readonly endsAtMs: number
}

/** What a renewal may replace. */
export type LoginRenewal = Partial<Pick<Login, 'identity' | 'idClaims' | 'refreshToken' | 'refreshedAtMs'>>

/** Of the authenticator that adds; they may differ from one login to the next. */
export interface LoginLimits {
  /** Of all people together. */
  readonly loginCount: number
  /** Of one person. */
  readonly perPersonCount: number
}

/** What is known of a login that has ended; whoever ends it need not have been able to read it. */
export interface EndedLogin {
  readonly hash: string
  /** What live sessions that were opened with it hang on. */
  readonly sessionKey: string | undefined
}

export interface AddedLogin {
  /** What its cookie shall hold: 256 random bits in base64url. */
  readonly id: string
  /** Those that ended to make room. */
  readonly evicted: readonly EndedLogin[]
}

/** What came of a refresh. */
export type Refreshed = 'renewed' | 'ended' | 'unavailable' | 'impossible'

/** All functions that resolve reject where the logins cannot be reached; then nothing has been proven, and nothing has ended. */
export interface Logins {
  /** Keeps a login. `before` ends by it, and what was proven with `before` holds as long as this one. */
  add(begun: Omit<Login, 'hash'>, limits: LoginLimits, before?: Login): Promise<AddedLogin>
  /** The login a cookie names; undefined where there is none, or no longer. */
  find(id: string): Promise<Login | undefined>
  /** False where it had ended before. */
  renew(login: Login, renewal: LoginRenewal): Promise<boolean>
  /**
   * Does `work` with the login as it is now, or joins whoever is at it: a refresh token may be good once only. `renewed`
   * without it where somebody has renewed the login since it was found.
   */
  refreshAlone(login: Login, work: (current: Login) => Promise<Refreshed>): Promise<Refreshed>
  /** Ends one; false where it had ended before. */
  end(login: Login): Promise<boolean>
  /**
   * Ends every login of a session at the provider, or of a person where no session is named; resolves to them. Logins whose
   * session nobody knows count as any session of their person.
   */
  endOf(gone: { readonly sub?: string | undefined; readonly sid?: string | undefined }): Promise<readonly EndedLogin[]>
  /** Local knowledge: whether the login that this identity was found in has not been ended since, as far as is known here. */
  holds(identity: Identity): boolean
}
