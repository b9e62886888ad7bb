/**
 * One issuer's signed tokens, opened: compact JWS only, of bounded size, and no claim of it used before its signature
 * holds. The one thing read earlier is `iss`, so that other issuers' tokens neither fetch this one's keys nor suffer
 * from its outages. What the claims must say is the caller's to check.
 */
import { compactVerify, errors, type JWK } from 'jose'
import { AuthenticationRefused } from '../../errors.ts'
import { HeldSignatures } from './held-signatures.ts'
import { type JsonObject, parseStrictObject } from './json.ts'
import type { KeySet } from './jwks.ts'
import { checkHeader, checkIssuer, type HeaderPolicy } from './policy.ts'

const MAX_TOKEN_BYTES = 8192
/** Where a token names no key, so many are tried. */
const MAX_KEYS_TRIED = 8

/** Of this process: keys are objects of the set they came with, so issuers and sets do not meet here. */
const HELD = new HeldSignatures()

export interface SignaturePolicy extends HeaderPolicy {
  readonly issuer: string
  readonly keys: KeySet
}

/**
 * The claims of a token that this issuer signed.
 * @throws {AuthenticationRefused} whose text is for operators and holds nothing that could be used as a credential;
 *   another error where the keys cannot be had
 */
export async function openToken(token: string, policy: SignaturePolicy): Promise<JsonObject> {
  const parts = splitCompact(token)
  const { alg, kid } = checkHeader(parseStrictObject(parts.header, 'the token header'), policy)
  const claims = parseStrictObject(parts.payload, 'the token payload')
  checkIssuer(claims, policy.issuer)
  const keys = await policy.keys.find(alg, kid)
  if (keys.length === 0) throw new AuthenticationRefused('rejected', 'the issuer has no such key')
  for (const key of keys.slice(0, MAX_KEYS_TRIED)) {
    if (await isSigned(token, key, alg)) return claims
  }
  throw new AuthenticationRefused('rejected', 'the signature does not hold')
}

async function isSigned(token: string, key: JWK, algorithm: string): Promise<boolean> {
  if (HELD.has(token, key, algorithm)) return true
  try {
    await compactVerify(token, key, { algorithms: [algorithm] })
    HELD.add(token, key, algorithm)
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
