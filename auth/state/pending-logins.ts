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
}

export const PENDING_SECONDS = 600

export interface PendingLogins {
  seal(pending: PendingLogin): Promise<string>
  /** Undefined for what was not sealed here, or more than `PENDING_SECONDS` ago. */
  open(sealed: string): Promise<PendingLogin | undefined>
}
