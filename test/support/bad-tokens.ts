/** A test's own issuer, a good token of it, and the check that tokens which differ from it are refused for the right reason. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ASYMMETRIC_ALGORITHMS } from '../../auth/strategies/jwt/jwks-key.ts'
import { jwtAuthenticator } from '../../auth/strategies/jwt/jwt.ts'
import { authenticationRequest } from './authentication-request.ts'
import { encode, forgeKey, publicJwk, signToken } from './token-forge.ts'

export const NOW_MS = 1_800_000_000_000
export const NOW = NOW_MS / 1000
export const ISSUER = 'https://idp.example.com'

export const rsa = forgeKey('RS256', 'rsa')
export const ec = forgeKey('ES256', 'ec')
const ed = forgeKey('EdDSA', 'ed')
export const rs512 = forgeKey('RS512', 'rs512')
const noAlgorithm = { ...forgeKey('RS256', 'any') }
export const encryption = forgeKey('RS256', 'enc')
export const weak = forgeKey('RS256', 'weak', 1024)
export const evil = forgeKey('RS256', 'rsa')
export const evilEc = forgeKey('ES256', 'ec')

export const set = {
  keys: [
    publicJwk(rsa),
    publicJwk(ec),
    publicJwk(ed),
    publicJwk(rs512),
    { ...publicJwk(noAlgorithm), alg: undefined },
    { ...publicJwk(encryption), use: 'enc' },
    publicJwk(weak),
    { kty: 'oct', kid: 'oct', k: Buffer.alloc(64, 9).toString('base64url') },
    { kty: 'RSA', kid: 'broken' },
    { kty: 'EC', kid: 'offcurve', crv: 'P-256', x: encode(Buffer.alloc(32, 1)), y: encode(Buffer.alloc(32, 1)) },
    'not a key',
    null,
  ],
}

const authenticator = jwtAuthenticator(
  {
    name: 'sso',
    issuer: ISSUER,
    audience: ['amqp'],
    jwksFile: 'keys.json',
    algorithms: ASYMMETRIC_ALGORITHMS,
    subject: 'sub',
    roles: { path: 'realm_access.roles' },
    from: ['bearer'],
  },
  { readFile: async () => Buffer.from(JSON.stringify(set)), observe: () => undefined, nowMs: () => NOW_MS },
)

export const header = { alg: 'RS256', kid: 'rsa', typ: 'JWT' }
export const claims = {
  iss: ISSUER,
  aud: 'amqp',
  sub: 'joe.smith',
  exp: NOW + 60,
  iat: NOW,
  realm_access: { roles: ['trader'] },
}
export const withHeader = (extra: object, key = rsa) => signToken({ ...header, ...extra }, claims, key)
export const withClaims = (extra: object) => signToken(header, { ...claims, ...extra }, rsa)
export const good = withHeader({})
export const [goodHeader = '', goodPayload = '', goodSignature = ''] = good.split('.')
export const claimsText = JSON.stringify(claims)
export const headerText = JSON.stringify(header)
export const rawClaims = (text: string | Uint8Array) => signToken(header, text, rsa)
export const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
export const publicDer = rsa.publicKey.export({ type: 'spki', format: 'der' })
export const modulus = Buffer.from(String(publicJwk(rsa)['n']), 'base64url')

/** A name, a token, and what the operator is told of it. */
export type BadToken = readonly [name: string, token: string, why: RegExp]

/** @param row of the catalogue of attacks that the corpus stands for */
export function describeRefusals(row: string, title: string, corpus: readonly BadToken[]): void {
  const authenticate = (token: string) =>
    authenticator.authenticate(authenticationRequest({ headers: [['Authorization', `Bearer ${token}`]] }))

  describe(title, () => {
    it('differ from a good one, and each from the others', async () => {
      assert.equal((await authenticate(good)).kind, 'proven')
      assert.deepEqual(
        corpus.map(([name]) => name).filter((name, index, names) => names.indexOf(name) !== index),
        [],
      )
    })

    for (const [name, token, why] of corpus) {
      it(`${row} ${name}: refused`, async () => {
        const outcome = await authenticate(token)
        assert.equal(outcome.kind, 'refused')
        assert.match(outcome.kind === 'refused' ? outcome.detail : '', why)
      })
    }
  })
}
