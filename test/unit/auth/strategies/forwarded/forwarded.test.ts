/** A header that says who somebody is: from whom it is believed, and in which form. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Outcome } from '../../../../../auth/authenticator.ts'
import { Secret } from '../../../../../auth/secret.ts'
import { type ForwardedOptions, forwardedAuthenticator } from '../../../../../auth/strategies/forwarded/forwarded.ts'
import { authenticationRequest } from '../../../../support/authentication-request.ts'

const SECRET = 'the proxy’s own secret'
const sent = Buffer.from(SECRET).toString('latin1')
const user = (value = 'joe.smith', name = 'X-Forwarded-User') => [name, value] as const
const secret = (value = sent, name = 'X-Gatehouse-Secret') => [name, value] as const
const roles = (value: string, name = 'X-Forwarded-Groups') => [name, value] as const

async function run(
  headers: readonly (readonly [string, string])[],
  peerAddress = '10.1.2.3',
  options: Partial<ForwardedOptions> = {},
): Promise<Outcome> {
  const authenticator = forwardedAuthenticator({
    name: 'front',
    header: 'x-forwarded-user',
    rolesHeader: 'x-forwarded-groups',
    nobody: ['(null)', '-'],
    secretHeader: 'x-gatehouse-secret',
    trustedProxies: ['10.0.0.0/8', 'fd00::/8'],
    readSecret: async () => new Secret(SECRET),
    ...options,
  })
  return await authenticator.authenticate(authenticationRequest({ headers, peerAddress, address: '203.0.113.7' }))
}

function identityOf(outcome: Outcome) {
  assert.equal(outcome.kind, 'proven', JSON.stringify(outcome))
  return outcome.identity
}

describe('forwardedAuthenticator', () => {
  it('believes a trusted proxy that knows the secret', async () => {
    const identity = identityOf(await run([user(), secret(), roles('trader, ops,,trader')]))

    assert.deepEqual(identity, {
      issuer: 'front',
      subject: 'joe.smith',
      authenticator: 'front',
      roles: ['trader', 'ops'],
      claims: {},
      fromCookie: false,
    })
  })

  it('believes any of the ranges, and IPv4 inside IPv6', async () => {
    for (const peer of ['fd00::1', '::ffff:10.9.9.9']) identityOf(await run([user(), secret()], peer))
  })

  it('reads names in UTF-8', async () => {
    const identity = identityOf(await run([user(Buffer.from('jürgen@例え').toString('latin1')), secret()]))
    assert.equal(identity.subject, 'jürgen@例え')
  })

  it('finds nothing where no user is named', async () => {
    assert.deepEqual(await run([]), { kind: 'absent' })
    assert.deepEqual(await run([secret()]), { kind: 'absent' })
    assert.deepEqual(await run([roles('admin')], '203.0.113.7'), { kind: 'absent' })
  })

  for (const [what, headers, peer, why] of [
    ['another peer, with the secret', [user(), secret()], '203.0.113.7', /203\.0\.113\.7, which is no trusted proxy/],
    ['a peer just outside the range', [user(), secret()], '11.0.0.0', /no trusted proxy/],
    ['a peer without an address', [user(), secret()], '', /no trusted proxy/],
    ['no secret', [user()], '10.1.2.3', /x-gatehouse-secret is missing/],
    ['a wrong secret', [user(), secret('wrong')], '10.1.2.3', /shared secret/],
    ['an empty secret', [user(), secret('')], '10.1.2.3', /shared secret/],
    ['a part of the secret', [user(), secret(sent.slice(0, -1))], '10.1.2.3', /shared secret/],
    ['the secret and more', [user(), secret(`${sent} `)], '10.1.2.3', /shared secret/],
    ['the secret twice', [user(), secret(), secret()], '10.1.2.3', /2 times/],
    ['the user twice', [user('joe'), user('admin'), secret()], '10.1.2.3', /2 times/],
    ['the user twice in two cases', [user('joe'), user('joe', 'x-forwarded-USER'), secret()], '10.1.2.3', /2 times/],
    ['the roles twice', [user(), secret(), roles('a'), roles('b')], '10.1.2.3', /2 times/],
    ['the user with _', [user('joe', 'X_Forwarded_User'), secret()], '10.1.2.3', /spelled x_forwarded_user/],
    ['one _ is enough', [user('joe', 'X-Forwarded_User'), secret()], '10.1.2.3', /spelled/],
    ['the user twice, once with _', [user(), user('admin', 'x_forwarded-user'), secret()], '10.1.2.3', /spelled/],
    ['the roles with _', [user(), secret(), roles('admin', 'x_forwarded_groups')], '10.1.2.3', /spelled/],
    ['the secret with _', [user(), secret(sent, 'x_gatehouse_secret')], '10.1.2.3', /spelled/],
    ['a user with _ from anywhere', [user('joe', 'X_Forwarded_User')], '203.0.113.7', /spelled/],
    ['an empty user', [user(''), secret()], '10.1.2.3', /empty/],
    ['a user with a tab inside', [user('joe\tadmin'), secret()], '10.1.2.3', /control characters/],
    ['a user that is not UTF-8', [user('jo\xe9'), secret()], '10.1.2.3', /UTF-8/],
    ['a user of 256 bytes', [user('x'.repeat(256)), secret()], '10.1.2.3', /longer/],
    ['roles that are not UTF-8', [user(), secret(), roles('\xff')], '10.1.2.3', /UTF-8/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const outcome = await run(headers, peer)
      assert.equal(outcome.kind, 'refused')
      assert.match(outcome.kind === 'refused' ? outcome.detail : '', why)
      assert.equal(JSON.stringify(outcome).includes(SECRET), false)
    })
  }

  it('G61 takes nobody for nobody, from its own proxy alone', async () => {
    for (const nobody of ['(null)', '-']) {
      assert.deepEqual(await run([user(nobody), secret(), roles('admin')]), { kind: 'absent' })
      assert.equal((await run([user(nobody)])).kind, 'refused')
      assert.equal((await run([user(nobody), secret()], '203.0.113.7')).kind, 'refused')
      identityOf(await run([user(nobody), secret()], '10.1.2.3', { nobody: ['anonymous'] }))
    }
    assert.deepEqual(await run([user('anonymous'), secret()], '10.1.2.3', { nobody: ['anonymous'] }), {
      kind: 'absent',
    })
    identityOf(await run([user('-x'), secret()]))
  })

  it('takes no role from a header that the proxy has no value for', async () => {
    assert.deepEqual(identityOf(await run([user(), secret(), roles('(null)')])).roles, [])
    assert.deepEqual(identityOf(await run([user(), secret(), roles('-')])).roles, [])
    assert.deepEqual(identityOf(await run([user(), secret(), roles('')])).roles, [])
  })

  it('G60 never takes a part of a distinguished name for a role', async () => {
    const clerk = 'CN=clerks,OU=admins,DC=example'
    const outcome = await run([user(), secret(), roles(clerk)])
    assert.match(outcome.kind === 'refused' ? outcome.detail : '', /distinguished name.*set rolesSeparator/)
    for (const name of ['cn = clerks, ou = admins', 'staff,CN=clerks', 'uid=joe,admins']) {
      assert.equal((await run([user(), secret(), roles(name)])).kind, 'refused', name)
    }
    assert.deepEqual(identityOf(await run([user(), secret(), roles('CN=clerks')])).roles, ['CN=clerks'])
    assert.deepEqual(identityOf(await run([user(), secret(), roles('COUNTRY=x,y')])).roles, ['COUNTRY=x', 'y'])
  })

  it('splits at the separator that is chosen, and nowhere else', async () => {
    const read = async (value: string, rolesSeparator: string) =>
      identityOf(await run([user(), secret(), roles(value)], '10.1.2.3', { rolesSeparator })).roles
    assert.deepEqual(await read('CN=clerks,DC=example|CN=ops,DC=example', '|'), [
      'CN=clerks,DC=example',
      'CN=ops,DC=example',
    ])
    assert.deepEqual(await read('a, b;c;', ';'), ['a, b', 'c'])
    assert.deepEqual(await read('a  b', ' '), ['a', 'b'])
    // Somebody has said that these commas separate.
    assert.deepEqual(await read('cn=a,cn=b', ','), ['cn=a', 'cn=b'])
  })

  it('ignores roles where none were asked for, and takes a secret that was rotated', async () => {
    let current = 'first'
    const authenticator = forwardedAuthenticator({
      name: 'front',
      header: 'x-user',
      nobody: [],
      secretHeader: 'x-secret',
      trustedProxies: ['10.0.0.0/8'],
      readSecret: async () => new Secret(current),
    })
    const ask = (value: string) =>
      authenticator.authenticate(
        authenticationRequest({
          headers: [user('joe', 'X-User'), secret(value, 'X-Secret'), roles('admin')],
          peerAddress: '10.0.0.1',
        }),
      )

    assert.deepEqual(identityOf(await ask('first')).roles, [])
    current = 'second'
    assert.equal((await ask('first')).kind, 'refused')
    identityOf(await ask('second'))
  })

  it('fails, rather than refuses, where its secret cannot be read', async () => {
    const readSecret = async () => {
      throw new Error('no such file')
    }
    await assert.rejects(run([user(), secret()], '10.1.2.3', { readSecret }), /no such file/)
  })

  it('wants ranges that are ranges', async () => {
    await assert.rejects(run([], '10.1.2.3', { trustedProxies: ['10.0.0.0/33'] }), /10\.0\.0\.0\/33/)
    await assert.rejects(run([], '10.1.2.3', { trustedProxies: [] }), /empty/)
  })
})
