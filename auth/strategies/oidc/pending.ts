/**
 * Logins that have left for the provider and not come back: kept in the browser, encrypted and dated, so that no number
 * of visitors fills the gateway's memory. The key lives as long as the process.
 */
import { randomBytes } from 'node:crypto'
import { EncryptJWT, errors, jwtDecrypt } from 'jose'

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
const ENCRYPTION = 'A256GCM'

export class PendingLogins {
  readonly #key = randomBytes(32)

  async seal(pending: PendingLogin): Promise<string> {
    return await new EncryptJWT({ ...pending })
      .setProtectedHeader({ alg: 'dir', enc: ENCRYPTION })
      .setIssuedAt()
      .setExpirationTime(`${PENDING_SECONDS}s`)
      .encrypt(this.#key)
  }

  /** Undefined for what was not sealed here, or too long ago. */
  async open(sealed: string): Promise<PendingLogin | undefined> {
    try {
      const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: [ENCRYPTION] }
      const { payload } = await jwtDecrypt<PendingLogin>(sealed, this.#key, options)
      const { state, nonce, verifier, returnTo } = payload
      return { state, nonce, verifier, returnTo }
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }
}
