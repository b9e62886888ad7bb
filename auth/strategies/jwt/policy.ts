/**
 * What a token must say about itself, beyond its signature: header, type, issuer, audience and times [RFC 8725].
 * Pure: the caller has parsed strictly and gives the time. Every refusal says which rule, for the operator.
 */
import { AuthenticationRefused } from '../../errors.ts'
import { findClaim } from '../claims.ts'
import { isJsonObject, type JsonObject, show } from './json.ts'

/** Skew allowed for `nbf` and `iat`, and for nothing else: `exp` is exact. */
const SKEW_SECONDS = 30
/** A life longer than this is a mistake: most often milliseconds where seconds belong. */
const MAX_LIFE_SECONDS = 10 * 366 * 24 * 3600

export interface ClaimPolicy {
  readonly issuer: string
  /** One of these must be in the token's audience. */
  readonly audience: readonly string[]
  /** The claim that is compared with them, where it is not `aud`: as `client_id` in Cognito's access tokens. */
  readonly audienceClaim?: string | undefined
  /**
   * What the header `typ` must be, such as `at+jwt` [RFC 9068 §2.1]; `id-token` takes ID tokens, of providers whose
   * access tokens are opaque; absent: any JWT that is no ID token, and calls itself nothing else.
   */
  readonly tokenType?: string | undefined
  /** Longest age since `iat`; makes tokens without `exp` acceptable. */
  readonly maxAgeMs?: number | undefined
}

export interface JoseHeader {
  readonly alg: string
  readonly kid: string | undefined
}

const ID_TOKEN = 'id-token'
/** Types of a header that fit where the operator names none [RFC 7515 §4.1.9]. */
const PLAIN_TYPES = ['', 'jwt', 'at+jwt']
/** Claims that only ID tokens carry [OpenID Connect Core §3.3.2.11]. */
const ID_TOKEN_CLAIMS = ['at_hash', 'c_hash', 's_hash']
/** As Keycloak marks its kinds, inside. */
const FOREIGN_KINDS = ['refresh', 'offline', 'logout']

export interface HeaderPolicy {
  readonly algorithms: readonly string[]
  /** What `typ` may be, as `plainType` writes it; `''` where it may be absent. */
  readonly types: readonly string[]
}

/**
 * Checks the protected header. Keys and addresses of keys in it (`jwk`, `jku`, `x5u`, `x5c`) are never looked at.
 * @throws {AuthenticationRefused}
 */
export function checkHeader(header: JsonObject, { algorithms, types }: HeaderPolicy): JoseHeader {
  const { alg, kid, typ } = header
  if (typeof alg !== 'string' || !algorithms.includes(alg)) {
    throw rejected(`the algorithm ${show(alg)} is not one of ${algorithms.join(', ')}`)
  }
  for (const name of ['crit', 'b64', 'zip', 'enc', 'cty']) {
    if (Object.hasOwn(header, name)) throw rejected(`the header ${name} is not accepted`)
  }
  if (kid !== undefined && typeof kid !== 'string') throw rejected('the header kid is not a string')
  if (typ !== undefined && typeof typ !== 'string') throw rejected('the header typ is not a string')
  if (!types.includes(plainType(typ ?? ''))) {
    throw rejected(`the type ${show(typ)} is not ${types.map((type) => type || 'absent').join(' or ')}`)
  }
  return { alg, kid }
}

/** What the header's `typ` may be for a token of that type; see {@link ClaimPolicy.tokenType}. */
export function acceptedTypes(tokenType: string | undefined): readonly string[] {
  return tokenType === undefined || tokenType === ID_TOKEN ? PLAIN_TYPES : [plainType(tokenType)]
}

function plainType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, '')
}

/**
 * Checks the claims and says when they end, in ms since the epoch.
 * @throws {AuthenticationRefused} `rejected`
 */
export function checkClaims(claims: JsonObject, policy: ClaimPolicy, nowMs: number): number {
  checkIssuer(claims, policy.issuer)
  const { audience, audienceClaim = 'aud' } = policy
  checkAudience(findClaim(claims, audienceClaim), audience, audienceClaim)
  checkKind(claims, policy.tokenType)
  return checkTimes(claims, policy.maxAgeMs, nowMs)
}

/** @throws {AuthenticationRefused} `rejected`, unless `iss` is exactly that text */
export function checkIssuer(claims: JsonObject, issuer: string): void {
  const { iss } = claims
  if (iss !== issuer) throw rejected(`the issuer is ${show(iss)}, not ${issuer}`)
}

/** @throws {AuthenticationRefused} `rejected`, unless one of `expected` is in the audience; `claim` is where that stood */
export function checkAudience(aud: unknown, expected: readonly string[], claim = 'aud'): void {
  const where = claim === 'aud' ? 'the audience' : `the audience (${claim})`
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.every((audience) => typeof audience === 'string')) {
    throw rejected(`${where} is absent, or not strings`)
  }
  if (!audiences.some((audience) => expected.includes(audience))) {
    throw rejected(`${where} is ${show(aud)}, not ${expected.join(' or ')}`)
  }
}

function checkKind(claims: JsonObject, tokenType: string | undefined): void {
  const typ = claims['typ']
  const kind = typeof typ === 'string' ? typ.toLowerCase() : ''
  if (Object.hasOwn(claims, 'events') || FOREIGN_KINDS.includes(kind)) {
    throw rejected('this is no token for access: a logout token, refresh token or event')
  }
  const isIdToken = kind === 'id' || ID_TOKEN_CLAIMS.some((name) => Object.hasOwn(claims, name))
  if (isIdToken && tokenType !== ID_TOKEN)
    throw rejected('this is an ID token, which proves a login to its client only')
}

/**
 * Checks `nbf`, `iat` and `exp`, and says when the token ends, in ms since the epoch.
 * @throws {AuthenticationRefused} `rejected`
 */
export function checkTimes(claims: JsonObject, maxAgeMs: number | undefined, nowMs: number): number {
  const nowSeconds = nowMs / 1000
  const exp = numericDate(claims, 'exp')
  const nbf = numericDate(claims, 'nbf')
  const iat = numericDate(claims, 'iat')
  if (nbf !== undefined && nbf > nowSeconds + SKEW_SECONDS) {
    throw rejected(`the token is valid ${Math.ceil(nbf - nowSeconds)} s from now on (nbf)`)
  }
  if (iat !== undefined && iat > nowSeconds + SKEW_SECONDS) {
    throw rejected(`the token is issued ${Math.ceil(iat - nowSeconds)} s in the future (iat)`)
  }
  const ends: number[] = []
  if (exp !== undefined) ends.push(exp)
  if (maxAgeMs !== undefined) {
    if (iat === undefined) throw rejected('the token has no iat, which maxAge needs')
    ends.push(iat + maxAgeMs / 1000)
  }
  if (ends.length === 0) throw rejected('the token has no exp (and the authenticator no maxAge)')
  const end = Math.min(...ends)
  if (end <= nowSeconds) throw rejected(`the token expired ${Math.floor(nowSeconds - end)} s ago`)
  if (exp !== undefined && exp > nowSeconds + MAX_LIFE_SECONDS) {
    throw rejected('the token expires more than ten years from now: exp is in seconds')
  }
  return Math.floor(end * 1000)
}

/** A NumericDate [RFC 7519 §2]: a number of seconds, a fraction allowed. */
function numericDate(claims: JsonObject, name: string): number | undefined {
  if (!Object.hasOwn(claims, name)) return undefined
  const value = claims[name]
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw rejected(`${name} is ${show(value)}, not a number of seconds since 1970`)
  }
  return value
}

/** Whether two confirmations (`cnf`) bind a token to the same key; absent equals absent [RFC 7800 §3.1]. */
export function sameConfirmation(one: unknown, other: unknown): boolean {
  return confirmation(one) === confirmation(other)
}

/** The SHA-256 of the client certificate that a token is bound to [RFC 8705 §3.1]; undefined where it is not bound. */
export function certificateBinding(cnf: unknown): string | undefined {
  if (cnf === undefined) return undefined
  const thumbprint = isJsonObject(cnf) && Object.keys(cnf).length === 1 ? cnf['x5t#S256'] : undefined
  if (typeof thumbprint !== 'string') {
    throw rejected('the token is bound to a key (cnf) in a way that cannot be checked here')
  }
  return thumbprint
}

function confirmation(value: unknown): string | undefined {
  return JSON.stringify(value)
}

function rejected(detail: string): AuthenticationRefused {
  return new AuthenticationRefused('rejected', detail)
}
