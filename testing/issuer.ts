/** Issues tokens that one gateway takes, and nobody else: its key is made for the test and is never written down. */
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

const ALGORITHM = 'ES256'
const KEY_ID = 'test'

export const TOKEN_ISSUER = 'https://issuer.test'
export const TOKEN_AUDIENCE = 'gatehouse-test'

export interface TokenOptions {
  /** Default: those of the user of that name. */
  readonly roles?: readonly string[] | undefined
  /** Added to those of the user of that name. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined
  /** In seconds; below zero: it has run out already. Default: ten minutes. */
  readonly expiresIn?: number | undefined
}

export class Issuer {
  readonly #key: CryptoKey
  /** For the gateway: JSON with the public key. */
  readonly keySet: string

  private constructor(key: CryptoKey, keySet: string) {
    this.#key = key
    this.keySet = keySet
  }

  static async make(): Promise<Issuer> {
    const { privateKey, publicKey } = await generateKeyPair(ALGORITHM)
    const key = { ...(await exportJWK(publicKey)), alg: ALGORITHM, kid: KEY_ID }
    return new Issuer(privateKey, JSON.stringify({ keys: [key] }))
  }

  async token(subject: string, { roles = [], claims = {}, expiresIn = 600 }: TokenOptions): Promise<string> {
    const nowSeconds = Math.floor(Date.now() / 1000)
    const payload: JWTPayload = { ...claims, roles, sub: subject, iss: TOKEN_ISSUER, aud: TOKEN_AUDIENCE }
    return await new SignJWT(payload)
      .setProtectedHeader({ alg: ALGORITHM, kid: KEY_ID })
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + expiresIn)
      .sign(this.#key)
  }
}
