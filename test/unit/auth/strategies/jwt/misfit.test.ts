/** Tokens the issuer did sign, but for another audience, another time, another purpose, or about nobody. */
import {
  type BadToken,
  claimsText,
  describeRefusals,
  ISSUER,
  NOW,
  NOW_MS,
  rawClaims,
  withClaims,
} from '../../../../support/bad-tokens.ts'
import { encode } from '../../../../support/token-forge.ts'

const corpus: BadToken[] = []
const add = (...bad: BadToken) => corpus.push(bad)

for (const iss of [
  undefined,
  null,
  '',
  `${ISSUER}/`,
  ISSUER.toUpperCase(),
  `${ISSUER}.evil.example`,
  ` ${ISSUER}`,
  [ISSUER],
  { iss: ISSUER },
  'https://idp.example.co',
]) {
  add(`iss ${JSON.stringify(iss)}`, withClaims({ iss }), /issuer/)
}
for (const aud of [
  undefined,
  null,
  '',
  [],
  'AMQP',
  'amqp2',
  'amq',
  'amqp ',
  ['other'],
  [['amqp']],
  [null, 'amqp'],
  ['amqp', 1],
  { amqp: true },
  7,
  'a,amqp',
]) {
  add(`aud ${JSON.stringify(aud)}`, withClaims({ aud }), /audience/)
}
for (const exp of [NOW, NOW - 1, NOW - 31, 0, 1, NOW - 0.5]) add(`exp ${exp}`, withClaims({ exp }), /expired/)
for (const exp of [String(NOW + 60), '', null, true, [], {}, -1, -NOW]) {
  add(`exp ${JSON.stringify(exp)}`, withClaims({ exp }), /exp is/)
}
add('no exp', withClaims({ exp: undefined }), /no exp/)
add('exp 1e400', rawClaims(claimsText.replace(String(NOW + 60), '1e400')), /exp is/)
add('exp -1e400', rawClaims(claimsText.replace(String(NOW + 60), '-1e400')), /exp is/)
add('exp in milliseconds', withClaims({ exp: NOW_MS + 60_000 }), /ten years/)
add('exp in eleven years', withClaims({ exp: NOW + 11 * 366 * 86400 }), /ten years/)
add('exp 1e308', withClaims({ exp: 1e308 }), /ten years/)
add('exp 2^53', withClaims({ exp: 2 ** 53 }), /ten years/)
for (const name of ['nbf', 'iat']) {
  for (const value of [NOW + 31, NOW_MS, 1e300]) add(`${name} ${value}`, withClaims({ [name]: value }), /nbf|iat/)
  for (const value of ['0', null, false, [NOW], -1]) {
    add(`${name} ${JSON.stringify(value)}`, withClaims({ [name]: value }), new RegExp(`${name} is`))
  }
}
for (const sub of [
  undefined,
  null,
  '',
  ' ',
  7,
  true,
  ['joe'],
  { name: 'joe' },
  'joe ',
  ' joe',
  'joe\n',
  'jo\u0000e',
  'jo\u007fe',
  'jo\u0085e',
  'jo\u2028e',
  '\ud800',
  'x'.repeat(256),
  'é'.repeat(128),
]) {
  add(`sub ${JSON.stringify(sub)}`.slice(0, 60), withClaims({ sub }), /claim sub/)
}
for (const roles of [
  7,
  true,
  { trader: true },
  [7],
  [null],
  [['trader']],
  ['trader', ''],
  ['a\nb'],
  Array.from({ length: 501 }, (_, i) => `${i}`),
]) {
  add(`roles ${JSON.stringify(roles)}`.slice(0, 60), withClaims({ realm_access: { roles } }), /realm_access\.roles/)
}
add('an ID token', withClaims({ at_hash: 'x' }), /ID token/)
add('an ID token by c_hash', withClaims({ c_hash: 'x' }), /ID token/)
add('an ID token as Keycloak marks it', withClaims({ typ: 'ID' }), /ID token/)
add('a refresh token as Keycloak marks it', withClaims({ typ: 'Refresh' }), /no token for access/)
add('an offline token', withClaims({ typ: 'Offline' }), /no token for access/)
add(
  'a logout token',
  withClaims({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }),
  /no token for access/,
)
add('a token bound to a certificate', withClaims({ cnf: { 'x5t#S256': encode(Buffer.alloc(32)) } }), /bound/)
add('a token bound to a DPoP key', withClaims({ cnf: { jkt: 'x' } }), /bound/)

describeRefusals('G13', 'tokens that do not fit', corpus)
