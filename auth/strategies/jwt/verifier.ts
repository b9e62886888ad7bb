/** One issuer's tokens for access: signed, meant for this gateway, in their time, and about somebody. No carriers here, and no request. */
import { type RolesSource, readRoles } from '../claimed-roles.ts'
import { checkSubject, deepFreeze, findClaim } from '../claims.ts'
import type { JsonObject } from './json.ts'
import { acceptedTypes, type ClaimPolicy, checkClaims } from './policy.ts'
import { openToken, type SignaturePolicy } from './signature.ts'

export interface VerifiedToken {
  readonly issuer: string
  readonly subject: string
  readonly roles: readonly string[]
  /** All claims of the token, frozen. */
  readonly claims: JsonObject
  /** In ms since the epoch; exact. */
  readonly expiresAtMs: number
}

export interface VerifierOptions extends ClaimPolicy, Omit<SignaturePolicy, 'types'> {
  /** The claim, or path of claims, that names the subject. */
  readonly subject: string
  /** Where the roles are; none where absent. */
  readonly roles?: RolesSource | undefined
  readonly nowMs: () => number
}

export class JwtVerifier {
  readonly #options: VerifierOptions
  readonly #signature: SignaturePolicy

  constructor(options: VerifierOptions) {
    this.#options = options
    const { issuer, keys, algorithms, tokenType } = options
    this.#signature = { issuer, keys, algorithms, types: acceptedTypes(tokenType) }
  }

  /**
   * @throws {AuthenticationRefused} whose text is for operators and holds nothing that could be used as a credential;
   *   another error where the keys cannot be had
   */
  async verify(token: string): Promise<VerifiedToken> {
    const claims = await openToken(token, this.#signature)
    const expiresAtMs = checkClaims(claims, this.#options, this.#options.nowMs())
    return {
      issuer: this.#options.issuer,
      subject: checkSubject(findClaim(claims, this.#options.subject), `the claim ${this.#options.subject}`),
      roles: readRoles(claims, this.#options.roles),
      claims: deepFreeze(claims),
      expiresAtMs,
    }
  }
}
