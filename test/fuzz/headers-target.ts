/**
 * Headers of odd shapes, as a proxy may send them for somebody who has logged in there: bytes that are no UTF-8, names
 * spelled in other ways, headers twice. Whoever is proven is written there, and nobody without the secret.
 */
import { strict as assert } from 'node:assert/strict'
import type { Authenticator } from '../../auth/authenticator.ts'
import { Secret } from '../../auth/secret.ts'
import { forwardedAuthenticator } from '../../auth/strategies/forwarded/forwarded.ts'
import { authenticationRequest } from '../support/authentication-request.ts'
import { writtenRoles } from '../support/claim-shapes.ts'
import type { Random } from '../support/random.ts'
import { spoilt } from './spoilt.ts'

const SECRET = 'the shared secret'
const NOBODY = ['(null)', '-']
const SEPARATORS = [undefined, ',', '|', ';;']
const USERS = [
  'joe.smith',
  '(null)',
  '-',
  '',
  ' joe',
  'CN=joe,OU=ops',
  'Zo\xc3\xab',
  '\xff',
  'a\tb',
  'joe\x00',
  'j'.repeat(300),
]
const ROLES = [
  '',
  'clerks',
  'clerks,admins',
  'clerks|admins',
  'CN=clerks,OU=admins',
  ' a ;; b ',
  ',,',
  '(null)',
  '\xc3',
  'é',
]
const NAMES = {
  user: ['X-User', 'x-user', 'X_User', 'X-USER', 'x-uſer', 'X-Users'],
  roles: ['X-Roles', 'x-roles', 'X_Roles', 'X-Rôles'],
  secret: ['X-Secret', 'X_Secret', 'x-secret'],
}
type Name = keyof typeof NAMES
/** One for each separator: a proxy's settings do not change between requests. */
const AUTHENTICATORS: readonly [string | undefined, Authenticator][] = SEPARATORS.map((rolesSeparator) => [
  rolesSeparator,
  forwardedAuthenticator({
    name: 'front',
    header: 'x-user',
    rolesHeader: 'x-roles',
    rolesSeparator,
    nobody: NOBODY,
    secretHeader: 'x-secret',
    trustedProxies: ['127.0.0.1'],
    readSecret: async () => new Secret(SECRET),
  }),
])

export async function headersTarget(random: Random): Promise<void> {
  const [separator, authenticator] = random.pick(AUTHENTICATORS)
  const headers = [
    ...some('user', USERS, random),
    ...some('roles', ROLES, random),
    ...some('secret', [SECRET, SECRET, SECRET, 'another'], random),
  ]
  const peerAddress = random.pick(['127.0.0.1', '127.0.0.1', '127.0.0.1', '203.0.113.9'])
  const outcome = await authenticator.authenticate(authenticationRequest({ headers, peerAddress }))
  if (outcome.kind !== 'proven') return
  const sent = (name: Name) =>
    headers.filter(([spelled]) => spelled.toLowerCase() === `x-${name}`).map(([, value]) => value)
  assert.equal(peerAddress, '127.0.0.1', 'somebody else than the proxy is believed')
  assert.deepEqual(sent('secret'), [SECRET], 'believed without the one secret')
  const [[user = ''], roles] = [sent('user'), sent('roles')]
  assert.equal(sent('user').length, 1, 'one of two users')
  assert.equal(outcome.identity.subject, text(user), 'a subject that is not written there')
  assert.ok(!NOBODY.includes(outcome.identity.subject), 'nobody is somebody')
  const written = writtenRoles(roles.map(text), separator ?? ',')
  for (const role of outcome.identity.roles)
    assert.ok(written.has(role), `${JSON.stringify(role)} is not written there`)
}

/** Most often one header of the kind, by its name; sometimes none or two, or by another; its value now and then spoilt. */
function some(name: Name, values: readonly string[], random: Random): [name: string, value: string][] {
  const count = random.chance(8) ? random.below(3) : 1
  return Array.from({ length: count }, () => {
    const value = random.pick(values)
    const [proper = ''] = NAMES[name]
    const spelled = random.chance(8) ? random.pick(NAMES[name]) : proper
    return [spelled, random.chance(4) ? spoilt(Buffer.from(value, 'latin1'), random).toString('latin1') : value]
  })
}

/** Node reads values as Latin-1; these were UTF-8. */
function text(value: string): string {
  return Buffer.from(value, 'latin1').toString()
}
