/** Tokens of a test's own issuer, and of nobody's: signed by node:crypto byte by byte, so that they may be as wrong as one likes. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

export interface ForgeKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

type Json = Readonly<Record<string, unknown>>

const HASHES: Readonly<Record<string, string>> = { '256': 'sha256', '384': 'sha384', '512': 'sha512' }
const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

export function forgeKey(alg: string, kid: string = alg, modulusLength = 2048): ForgeKey {
  if (/^[RP]S/.test(alg)) return { kid, alg, ...generateKeyPairSync('rsa', { modulusLength }) }
  if (alg === 'EdDSA' || alg === 'Ed25519') return { kid, alg, ...generateKeyPairSync('ed25519') }
  return { kid, alg, ...generateKeyPairSync('ec', { namedCurve: CURVES[alg] ?? 'P-256' }) }
}

/** The public key as the provider publishes it. */
export function publicJwk(key: ForgeKey): Json {
  return { ...key.publicKey.export({ format: 'jwk' }), kid: key.kid, alg: key.alg, use: 'sig' }
}

export function encode(part: string | Uint8Array | Json): string {
  const bytes = typeof part === 'string' || part instanceof Uint8Array ? part : JSON.stringify(part)
  return Buffer.from(bytes).toString('base64url')
}

/** A token whose header and payload are taken as they are; strings are not JSON-encoded. */
export function signToken(header: string | Json, payload: string | Uint8Array | Json, key: ForgeKey): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${encode(signatureOf(input, key))}`
}

/** A token signed by HMAC, with whatever bytes as the secret. */
export function signHmac(header: Json, payload: Json, secret: string | Uint8Array): string {
  const input = `${encode(header)}.${encode(payload)}`
  const hash = HASHES[String(header['alg']).slice(2)] ?? 'sha256'
  return `${input}.${encode(createHmac(hash, secret).update(input).digest())}`
}

function signatureOf(input: string, { alg, privateKey }: ForgeKey): Buffer {
  const data = Buffer.from(input)
  if (privateKey.asymmetricKeyType === 'ed25519') return sign(null, data, privateKey)
  const hash = HASHES[alg.slice(2)] ?? 'sha256'
  if (privateKey.asymmetricKeyType === 'ec') return sign(hash, data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  // RSA_PKCS1_PSS_PADDING is 6; the salt is as long as the hash [RFC 7518 §3.5].
  return alg.startsWith('PS')
    ? sign(hash, data, { key: privateKey, padding: 6, saltLength: Number(alg.slice(2)) / 8 })
    : sign(hash, data, privateKey)
}
