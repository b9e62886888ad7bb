/** Tokens that two readers could read in two ways, or that are no tokens at all. */
import {
  type BadToken,
  claims,
  claimsText,
  describeRefusals,
  good,
  goodHeader,
  goodPayload,
  goodSignature,
  headerText,
  rawClaims,
  rsa,
  withClaims,
  withHeader,
} from '../../../../support/bad-tokens.ts'
import { signToken } from '../../../../support/token-forge.ts'

const corpus: BadToken[] = []
const add = (...bad: BadToken) => corpus.push(bad)

for (const name of ['iss', 'aud', 'sub', 'exp', 'iat']) {
  const value = JSON.stringify((claims as Record<string, unknown>)[name])
  add(`${name} twice, the same`, rawClaims(`{"${name}":${value},${claimsText.slice(1)}`), /twice/)
  add(`${name} twice, another first`, rawClaims(`{"${name}":"evil",${claimsText.slice(1)}`), /twice/)
}
add('sub twice, once escaped', rawClaims(`{"\\u0073ub":"admin",${claimsText.slice(1)}`), /twice/)
add('sub twice, after a string with a brace', rawClaims(`{"x":"}{\\"","sub":"admin",${claimsText.slice(1)}`), /twice/)
add('roles twice, inside', rawClaims(claimsText.replace('{"roles":', '{"roles":["admin"],"roles":')), /twice/)
add('a key twice in a list of objects', rawClaims(`{"l":[1,{"a":1,"b":[],"a":2}],${claimsText.slice(1)}`), /twice/)
add('alg twice', signToken(`{"alg":"none",${headerText.slice(1)}`, claims, rsa), /twice/)
add('kid twice', signToken(`{"kid":"evil",${headerText.slice(1)}`, claims, rsa), /twice/)

for (const text of [
  '',
  ' ',
  'null',
  'true',
  '7',
  '"x"',
  '[]',
  '[{}]',
  '{',
  '{"a":1}}',
  '{a:1}',
  "{'a':1}",
  '{"a":1,}',
  'NaN',
  '\ufeff{}',
  `${claimsText}\u0000`,
  `${claimsText} {}`,
]) {
  const shown = JSON.stringify(text).slice(-30)
  if (text !== '') add(`payload ${shown}`, rawClaims(text), /payload/)
  if (text !== '') add(`header ${shown}`, signToken(text, claims, rsa), /header/)
}
add(
  'payload not UTF-8',
  rawClaims(Buffer.concat([Buffer.from(claimsText.slice(0, -1)), Buffer.from(',"x":"\xff"}', 'latin1')])),
  /payload/,
)
add('payload in UTF-16', rawClaims(Buffer.from(claimsText, 'utf16le')), /payload/)
add('payload nested 33 deep', rawClaims(`{"x":${'['.repeat(33)}${']'.repeat(33)},${claimsText.slice(1)}`), /deeper/)
add(
  'header nested deep',
  signToken(`{"x":${'['.repeat(1000)}${']'.repeat(1000)},${headerText.slice(1)}`, claims, rsa),
  /deeper/,
)

add('no dots', 'abc', /parts/)
add('one dot', `${goodHeader}.${goodPayload}`, /parts/)
add('three dots', `${good}.AAAA`, /parts/)
add('a JWE of five parts', `${goodHeader}.AA.AA.AA.AA`, /parts/)
add('only dots', '..', /base64url/)
add('many dots', '.'.repeat(5000), /base64url|parts/)
add('no signature', `${goodHeader}.${goodPayload}.`, /base64url/)
add('no payload', `${goodHeader}..${goodSignature}`, /base64url/)
add('no header', `.${goodPayload}.${goodSignature}`, /base64url/)
add('padding', `${goodHeader}=.${goodPayload}.${goodSignature}`, /holds no token/)
add('base64 instead of base64url', `${goodHeader}.${goodPayload}.${goodSignature.slice(0, -2)}+/`, /base64url/)
add(
  'loose bits at the end of the signature',
  `${goodHeader}.${goodPayload}.${goodSignature.slice(0, -1)}_`,
  /base64url/,
)
add('a tilde', `~${good}`, /base64url/)
add('oversized by its payload', withClaims({ filler: 'x'.repeat(6200) }), /longer than 8192/)
add('oversized by its header', withHeader({ filler: 'x'.repeat(6200) }), /longer than 8192/)
add('a mebibyte', 'A'.repeat(1_048_576), /longer than 8192/)

describeRefusals('G12', 'malformed tokens', corpus)
