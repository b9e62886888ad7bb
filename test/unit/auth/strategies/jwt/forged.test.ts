/** Tokens whose header, algorithm, key or signature is not what the issuer would have made. */
import {
  type BadToken,
  claims,
  claimsText,
  describeRefusals,
  ec,
  encryption,
  evil,
  evilEc,
  good,
  goodHeader,
  goodPayload,
  goodSignature,
  header,
  modulus,
  publicDer,
  publicPem,
  rs512,
  rsa,
  set,
  weak,
  withHeader,
} from '../../../../support/bad-tokens.ts'
import { encode, publicJwk, signHmac, signToken } from '../../../../support/token-forge.ts'

const corpus: BadToken[] = []
const add = (...bad: BadToken) => corpus.push(bad)

for (const alg of ['none', 'None', 'NONE', 'nOnE', ' none', 'none ', '']) {
  const unsigned = `${encode({ alg, typ: 'JWT' })}.${goodPayload}`
  add(`alg "${alg}", no signature`, `${unsigned}.`, /algorithm|base64url/)
  add(`alg "${alg}", the signature of a good one`, `${unsigned}.${goodSignature}`, /algorithm/)
}
for (const alg of [
  undefined,
  null,
  0,
  true,
  ['RS256'],
  { RS256: 1 },
  'rs256',
  'RS256 ',
  'RS1',
  'SHA256',
  '__proto__',
  'RSA-OAEP',
  'A128KW',
  'dir',
  'ES256K',
]) {
  add(`alg ${JSON.stringify(alg)}`, withHeader({ alg }), /algorithm/)
}
for (const alg of ['HS256', 'HS384', 'HS512']) {
  for (const [what, secret] of [
    ['the public key as PEM', publicPem],
    ['the PEM without its last newline', publicPem.trimEnd()],
    ['the PEM after a space', ` ${publicPem}`],
    ['the PEM with CRLF', publicPem.replaceAll('\n', '\r\n')],
    ['the public key as DER', publicDer],
    ['the modulus', modulus],
    ['the key set', JSON.stringify(set)],
    ['nothing', ''],
    ['the oct key of the set', Buffer.alloc(64, 9)],
  ] as const) {
    add(`${alg} with ${what} for a secret`, signHmac({ ...header, alg }, claims, secret), /algorithm/)
  }
}

add('another key under the same kid', signToken(header, claims, evil), /signature/)
add('another EC key under the same kid', signToken({ ...header, alg: 'ES256', kid: 'ec' }, claims, evilEc), /signature/)
add('its own key as jwk', signToken({ ...header, jwk: publicJwk(evil) }, claims, evil), /signature/)
add('its own key as jwk, without kid', signToken({ alg: 'RS256', jwk: publicJwk(evil) }, claims, evil), /signature/)
add('its own key by jku', signToken({ ...header, jku: 'https://evil.example/jwks' }, claims, evil), /signature/)
add(
  'its own key by jku, unknown kid',
  signToken({ alg: 'RS256', kid: 'x', jku: 'https://evil.example/' }, claims, evil),
  /no such key/,
)
add('its own key by x5u', signToken({ ...header, x5u: 'https://evil.example/c.pem' }, claims, evil), /signature/)
add('its own key by x5c', signToken({ ...header, x5c: [encode(publicDer)] }, claims, evil), /signature/)
for (const kid of [
  '',
  'unknown',
  '../../etc/passwd',
  "' OR 1=1 --",
  'https://evil.example/key',
  'rsa\u0000',
  '__proto__',
  'RSA',
  'x'.repeat(2000),
]) {
  add(`kid ${JSON.stringify(kid).slice(0, 40)}`, withHeader({ kid }), /no such key/)
}
for (const kid of [null, 1, ['rsa'], { rsa: 1 }]) add(`kid ${JSON.stringify(kid)}`, withHeader({ kid }), /kid is not/)

add('a key for encryption', withHeader({ kid: 'enc' }, encryption), /no such key/)
add('an RSA key of 1024 bits', withHeader({ kid: 'weak' }, weak), /no such key/)
add('a broken key', withHeader({ kid: 'broken' }), /no such key/)
add('a point off the curve', signToken({ ...header, alg: 'ES256', kid: 'offcurve' }, claims, evilEc), /no such key/)
add('ES256 with the RSA key', withHeader({ alg: 'ES256' }), /no such key/)
add('RS256 with the EC key', signToken({ ...header, kid: 'ec' }, claims, { ...ec, alg: 'ES256' }), /no such key/)
add('EdDSA with the RSA key', withHeader({ alg: 'EdDSA' }), /no such key/)
add(
  'RS256 where the key says RS512',
  signToken({ ...header, kid: 'rs512' }, claims, { ...rs512, alg: 'RS256' }),
  /no such key/,
)
add(
  'PS256 where the key says RS256',
  signToken({ ...header, alg: 'PS256' }, claims, { ...rsa, alg: 'PS256' }),
  /no such key/,
)
add(
  'ES384 with a P-256 key',
  signToken({ ...header, alg: 'ES384', kid: 'ec' }, claims, { ...ec, alg: 'ES384' }),
  /no such key/,
)
add(
  'RS384 over a signature of RS256',
  `${encode({ alg: 'RS384', kid: 'any' })}.${goodPayload}.${goodSignature}`,
  /signature/,
)

const ecInput = `${encode({ alg: 'ES256', kid: 'ec' })}.${goodPayload}`
const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
const half = (hex: string) => hex.padStart(64, '0')
for (const [r, s] of [
  ['0', '0'],
  ['1', '1'],
  ['0', '1'],
  ['1', '0'],
  [order, order],
  [order, '0'],
  ['1', order],
] as const) {
  const psychic = encode(Buffer.from(half(r) + half(s), 'hex'))
  add(`psychic signature r=${r.slice(0, 4)} s=${s.slice(0, 4)}`, `${ecInput}.${psychic}`, /signature/)
}
add('an ECDSA signature in DER', `${ecInput}.${encode(Buffer.from(`3006020101020101`, 'hex'))}`, /signature/)
add('an ECDSA signature cut short', `${ecInput}.${encode(Buffer.alloc(63, 1))}`, /signature/)
add(
  'an Ed25519 signature of zeros',
  `${encode({ alg: 'EdDSA', kid: 'ed' })}.${goodPayload}.${encode(Buffer.alloc(64))}`,
  /signature/,
)
add('an RSA signature of zeros', `${goodHeader}.${goodPayload}.${encode(Buffer.alloc(256))}`, /signature/)
add(
  'an RSA signature of one',
  `${goodHeader}.${goodPayload}.${encode(Buffer.concat([Buffer.alloc(255), Buffer.from([1])]))}`,
  /signature/,
)
add(
  'an RSA signature with a zero before',
  `${goodHeader}.${goodPayload}.${encode(Buffer.concat([Buffer.alloc(1), Buffer.from(goodSignature, 'base64url')]))}`,
  /signature/,
)
const flipped = Buffer.from(goodSignature, 'base64url')
flipped[0] = (flipped[0] ?? 0) ^ 1
add('a bit of the signature flipped', `${goodHeader}.${goodPayload}.${encode(flipped)}`, /signature/)
add(
  'another payload under the signature',
  `${goodHeader}.${encode({ ...claims, sub: 'admin' })}.${goodSignature}`,
  /signature/,
)
add('another header under the signature', `${encode({ ...header, x: 1 })}.${goodPayload}.${goodSignature}`, /signature/)

for (const crit of [['exp'], ['b64'], ['x'], [], 'exp', null]) {
  add(`crit ${JSON.stringify(crit)}`, withHeader({ crit, b64: true, x: 1 }), /crit/)
}
add('b64 false', withHeader({ b64: false }), /b64/)
add(
  'b64 false, payload as it is',
  `${encode({ ...header, b64: false })}.${claimsText}.${goodSignature}`,
  /holds no token/,
)
add('zip', withHeader({ zip: 'DEF' }), /zip/)
add('cty JWT: a token in a token', signToken({ ...header, cty: 'JWT' }, good, rsa), /cty/)
add('a token in a token', signToken(header, good, rsa), /not JSON/)
for (const typ of [
  'logout+jwt',
  'secevent+jwt',
  'dpop+jwt',
  'oauth-authz-req+jwt',
  'JOSE',
  'JWE',
  'application/json',
  'at+jwt ',
]) {
  add(`typ ${typ}`, withHeader({ typ }), /type/)
}
for (const typ of [1, null, ['JWT']]) add(`typ ${JSON.stringify(typ)}`, withHeader({ typ }), /typ is not/)

describeRefusals('G12', 'forged tokens', corpus)
