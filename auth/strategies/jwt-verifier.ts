/**
 * One issuer's tokens: compact JWS only, of bounded size, signature before anything they say. The one thing read
 * earlier is `iss`, so that other issuers' tokens neither fetch this one's keys nor suffer from its outages.
 * No carriers here (bearer.ts), and no request.
 */
import { compactVerify, errors, type JWK } from 'jose'
import { AuthenticationRefused } from '../errors.ts'
import { checkSubject, deepFreeze, findClaim, readRoles } from './claims.ts'
import type { KeySet } from './jwks.ts'
import type { Algorithm } from './jwks-key.ts'
import { type JsonObject, parseStrictObject } from './jwt-json.ts'
import { type ClaimPolicy, checkClaims, checkHeader, checkIssuer } from './jwt-policy.ts'

export const MAX_TOKEN_BYTES = 8192
/** Where a token names no key, so many are tried. */
const MAX_KEYS_TRIED = 8

export interface VerifiedToken {
  readonly issuer: string
  readonly subject: string
  readonly roles: readonly string[]
  /** All claims of the token, frozen. */
  readonly claims: JsonObject
  /** In ms since the epoch; exact. */
  readonly expiresAtMs: number
}

export interface VerifierOptions extends ClaimPolicy {
  readonly keys: KeySet
  readonly algorithms: readonly Algorithm[]
  /** The claim, or path of claims, that names the subject. */
  readonly subject: string
  /** The same for the roles; none where absent. */
  readonly roles?: string
  readonly nowMs: () => number
}

export class JwtVerifier {
  readonly #options: VerifierOptions

  constructor(options: VerifierOptions) {
    this.#options = options
  }

  /**
   * @throws {AuthenticationRefused} whose text is for operators and holds nothing that could be used as a credential;
   *   another error where the keys cannot be had
   */
  async verify(token: string): Promise<VerifiedToken> {
    const claims = await this.#open(token)
    const expiresAtMs = checkClaims(claims, this.#options, this.#options.nowMs())
    return {
      issuer: this.#options.issuer,
      subject: checkSubject(findClaim(claims, this.#options.subject), `the claim ${this.#options.subject}`),
      roles: readRoles(claims, this.#options.roles),
      claims: deepFreeze(claims),
      expiresAtMs,
    }
  }

  async #open(token: string): Promise<JsonObject> {
    const parts = splitCompact(token)
    const header = parseStrictObject(parts.header, 'the token header')
    const { alg, kid } = checkHeader(header, this.#options.algorithms, this.#options.tokenType)
    const claims = parseStrictObject(parts.payload, 'the token payload')
    checkIssuer(claims, this.#options.issuer)
    const keys = await this.#options.keys.find(alg, kid)
    if (keys.length === 0) throw new AuthenticationRefused('rejected', 'the issuer has no such key')
    for (const key of keys.slice(0, MAX_KEYS_TRIED)) {
      if (await isSigned(token, key, alg)) return claims
    }
    throw new AuthenticationRefused('rejected', 'the signature does not hold')
  }
}

async function isSigned(token: string, key: JWK, algorithm: string): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] })
    return true
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return false
    throw error
  }
}

/** The decoded header and payload of a compact JWS: three parts, each canonical base64url [RFC 7515 §7.1]. */
function splitCompact(token: string): { readonly header: Uint8Array; readonly payload: Uint8Array } {
  if (token.length > MAX_TOKEN_BYTES) throw malformed(`the token is longer than ${MAX_TOKEN_BYTES} bytes`)
  const parts = token.split('.', 6)
  const [header, payload, signature] = parts.map(decodePart)
  if (header === undefined || payload === undefined || signature === undefined || parts.length !== 3) {
    throw malformed(`the token has ${parts.length} parts, not the three of a signed one`)
  }
  return { header, payload }
}

function decodePart(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url')
  if (part === '' || bytes.toString('base64url') !== part) throw malformed('the token is not base64url with dots')
  return bytes
}

function malformed(detail: string): AuthenticationRefused {
  return new AuthenticationRefused('malformed', detail)
}
