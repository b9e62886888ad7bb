/** Seals logins under way with a key that lives as long as the process. */
import { randomBytes } from 'node:crypto'
import { EncryptJWT, errors, jwtDecrypt } from 'jose'
import { KEPT_SECONDS, type PendingLogin, type PendingLogins } from '../pending-logins.ts'

const ENCRYPTION = 'A256GCM'

export class MemoryPendingLogins implements PendingLogins {
  readonly #key = randomBytes(32)

  async seal(pending: PendingLogin): Promise<string> {
    return await new EncryptJWT({ ...pending })
      .setProtectedHeader({ alg: 'dir', enc: ENCRYPTION })
      .setIssuedAt()
      .setExpirationTime(`${KEPT_SECONDS}s`)
      .encrypt(this.#key)
  }

  async open(sealed: string): Promise<PendingLogin | undefined> {
    try {
      const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: [ENCRYPTION] }
      const { payload } = await jwtDecrypt<PendingLogin>(sealed, this.#key, options)
      const { state, nonce, verifier, returnTo, begunBy, endsAtMs } = payload
      return { state, nonce, verifier, returnTo, begunBy, endsAtMs }
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }
}
