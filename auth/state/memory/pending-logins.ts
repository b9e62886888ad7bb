/** Seals logins under way with a key that lives as long as the process. */
import { randomBytes } from 'node:crypto'
import { EncryptJWT, errors, jwtDecrypt } from 'jose'
import { KEPT_SECONDS, type PendingDevice, type PendingLogin, type PendingLogins } from '../pending-logins.ts'

const ENCRYPTION = 'A256GCM'

type Kind = 'login' | 'device'

export class MemoryPendingLogins implements PendingLogins {
  readonly #key = randomBytes(32)

  async seal(pending: PendingLogin): Promise<string> {
    return await this.#seal('login', { ...pending })
  }

  async open(sealed: string): Promise<PendingLogin | undefined> {
    const found = await this.#open<PendingLogin>('login', sealed)
    if (found === undefined) return undefined
    const { state, nonce, verifier, returnTo, begunBy, endsAtMs } = found
    return { state, nonce, verifier, returnTo, begunBy, endsAtMs }
  }

  async sealDevice(pending: PendingDevice): Promise<string> {
    return await this.#seal('device', { ...pending })
  }

  async openDevice(sealed: string): Promise<PendingDevice | undefined> {
    const found = await this.#open<PendingDevice>('device', sealed)
    if (found === undefined) return undefined
    const { deviceCode, endsAtMs } = found
    return { deviceCode, endsAtMs }
  }

  async #seal(kind: Kind, pending: Record<string, unknown>): Promise<string> {
    return await new EncryptJWT(pending)
      .setProtectedHeader({ alg: 'dir', enc: ENCRYPTION })
      .setAudience(kind)
      .setIssuedAt()
      .setExpirationTime(`${KEPT_SECONDS}s`)
      .encrypt(this.#key)
  }

  async #open<T>(audience: Kind, sealed: string): Promise<T | undefined> {
    try {
      const options = { audience, keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: [ENCRYPTION] }
      return (await jwtDecrypt<T>(sealed, this.#key, options)).payload
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }
}
