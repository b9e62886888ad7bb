/**
 * Logins that have left for the provider and not come back: kept in the browser, encrypted and dated, so that no number
 * of visitors fills the gateway's memory.
 */

/** What the callback needs to know. */
export interface PendingLogin {
  readonly state: string
  readonly nonce: string
  /** PKCE [RFC 7636 §4.1]. */
  readonly verifier: string
  /** Absolute. */
  readonly returnTo: string
  /** The query by which it was begun, but for `returnTo`: so can another one be. */
  readonly begunBy: string
  /** When it is too late to come back, in ms since the epoch. */
  readonly endsAtMs: number
}

/** A login of a program, while a person types its code elsewhere. */
export interface PendingDevice {
  /** The provider's; it stands for tokens once the person has agreed. */
  readonly deviceCode: string
  /** When it is too late, in ms since the epoch. */
  readonly endsAtMs: number
}

export const PENDING_SECONDS = 600

/** Whoever comes back too late is still told where to begin again. */
export const KEPT_SECONDS = 3600

export interface PendingLogins {
  seal(pending: PendingLogin): Promise<string>
  /** Undefined for what was not sealed here, or more than `KEPT_SECONDS` ago. */
  open(sealed: string): Promise<PendingLogin | undefined>
  sealDevice(pending: PendingDevice): Promise<string>
  /** As `open`; what is sealed as one kind is not read as the other. */
  openDevice(sealed: string): Promise<PendingDevice | undefined>
}
