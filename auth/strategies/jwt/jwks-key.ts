/**
 * The keys of a JSON Web Key Set that can verify a signature [RFC 7517]. A key is reduced to what makes it a key, so
 * that nothing else in the document has an influence; keys that cannot be used are left out, not repaired.
 */
import { importJWK, type JWK } from 'jose'
import { isJsonObject, type JsonObject } from './json.ts'

/** What an operator may choose; the symmetric ones only by naming them, and only with a file. */
export const ASYMMETRIC_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const
export const SYMMETRIC_ALGORITHMS = ['HS256', 'HS384', 'HS512'] as const
export type Algorithm = (typeof ASYMMETRIC_ALGORITHMS)[number] | (typeof SYMMETRIC_ALGORITHMS)[number]

/** Whether one key both signs and verifies. */
export function isSymmetric(algorithm: Algorithm): boolean {
  return SYMMETRIC_ALGORITHMS.some((symmetric) => symmetric === algorithm)
}

export interface VerificationKey {
  readonly kid: string | undefined
  readonly algorithms: readonly Algorithm[]
  /** Frozen, public members only; jose keeps its imported form beside it. */
  readonly jwk: JWK
}

const MAX_KEYS_COUNT = 100
const MIN_RSA_BYTES = 256
const CURVES: Readonly<Record<string, readonly Algorithm[]>> = {
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
  Ed25519: ['EdDSA', 'Ed25519'],
}
const RSA: readonly Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']

/**
 * The keys of a set that fit one of `allowed`.
 * @throws {Error} when there is none, or the document is no key set
 */
export async function readKeySet(
  document: unknown,
  allowed: readonly Algorithm[],
): Promise<readonly VerificationKey[]> {
  const entries = isJsonObject(document) ? document['keys'] : undefined
  if (!Array.isArray(entries)) throw new Error('not a JSON Web Key Set: there is no list "keys"')
  const keys: VerificationKey[] = []
  for (const entry of entries.slice(0, MAX_KEYS_COUNT) as readonly unknown[]) {
    const key = isJsonObject(entry) ? await readKey(entry, allowed) : undefined
    if (key !== undefined) keys.push(key)
  }
  if (keys.length === 0) throw new Error(`no key that is usable with ${allowed.join(', ')}`)
  return keys
}

async function readKey(entry: JsonObject, allowed: readonly Algorithm[]): Promise<VerificationKey | undefined> {
  const { kid, use, alg } = entry as { kid?: unknown; use?: unknown; alg?: unknown }
  const ops = entry['key_ops']
  if (use !== undefined && use !== 'sig') return undefined
  if (ops !== undefined && !(Array.isArray(ops) && ops.includes('verify'))) return undefined
  const material = readMaterial(entry)
  if (material === undefined) return undefined
  const algorithms = material.fits.filter(
    (one) => allowed.includes(one) && (alg === undefined || sameAlgorithm(alg, one)),
  )
  const [first] = algorithms
  if (first === undefined) return undefined
  try {
    await importJWK({ ...material.jwk }, first)
  } catch {
    return undefined
  }
  return { kid: typeof kid === 'string' ? kid : undefined, algorithms, jwk: Object.freeze(material.jwk) }
}

function readMaterial(entry: JsonObject): { jwk: JWK; fits: readonly Algorithm[] } | undefined {
  const { kty, crv, n, e, x, y, k } = entry as Record<string, unknown>
  if (kty === 'RSA' && isText(n) && isText(e)) {
    return byteLength(n) >= MIN_RSA_BYTES ? { jwk: { kty, n, e }, fits: RSA } : undefined
  }
  const fits = isText(crv) && Object.hasOwn(CURVES, crv) ? (CURVES[crv] ?? []) : []
  if (kty === 'EC' && isText(crv) && isText(x) && isText(y)) return { jwk: { kty, crv, x, y }, fits }
  if (kty === 'OKP' && isText(crv) && isText(x)) return { jwk: { kty, crv, x }, fits }
  if (kty === 'oct' && isText(k)) {
    const bits = byteLength(k) * 8
    return { jwk: { kty, k }, fits: SYMMETRIC_ALGORITHMS.filter((name) => bits >= Number(name.slice(2))) }
  }
  return undefined
}

/** `EdDSA` and `Ed25519` name one algorithm [RFC 9864 §2.2]. */
function sameAlgorithm(one: unknown, other: Algorithm): boolean {
  return one === other || (CURVES['Ed25519']?.includes(one as Algorithm) === true && CURVES['Ed25519'].includes(other))
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function byteLength(base64url: string): number {
  return Buffer.from(base64url, 'base64url').length
}
