/** Claims that a provider tells at its UserInfo endpoint only, and the ways in which it wants the gateway's secret. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { Secret } from '../../../../../auth/secret.ts'
import {
  assertRefused,
  clock,
  gateway,
  identityOf,
  logIn,
  prove,
  provider,
  refresh,
  reset,
} from '../../../../support/oidc-gateway.ts'

before(() => provider.start())
beforeEach(reset)
after(() => provider.stop())

const says = (body: Record<string, unknown>, status = 200) => {
  provider.userInfo = () => ({ status, body })
}

describe('userinfo', () => {
  it('gives the claims that the ID token leaves out, and none of its own', async () => {
    const seen: string[] = []
    provider.userInfo = (accessToken) => {
      seen.push(accessToken)
      return { status: 200, body: { sub: 'joe', groups: ['trader'], email: 'evil@example.com', sid: 'other' } }
    }
    provider.claims = { email: 'joe@example.com', sid: 's1' }
    const of = gateway({ userinfo: true })
    await logIn(of)
    const { roles, claims, accessToken, sessionKey } = identityOf(await prove(of))
    assert.deepEqual(roles, ['trader'])
    assert.deepEqual([claims['email'], claims['sid']], ['joe@example.com', 's1'])
    assert.match(sessionKey ?? '', /s1/)
    assert.deepEqual(seen, [accessToken?.reveal().toString()])
  })

  it('is not asked unless that was said', async () => {
    says({ sub: 'joe', groups: ['trader'] })
    const of = gateway()
    await logIn(of)
    assert.deepEqual(identityOf(await prove(of)).roles, [])
  })

  it('is proposed where the ID token leaves out the subject', async () => {
    assertRefused(await logIn(gateway({ subject: 'email' })), 403, /no claim email: .*userinfo: true/)
    assertRefused(await logIn(gateway({ subject: 'email', userinfo: true })), 403, /nor UserInfo has the claim email/)
  })

  it('G64 refuses a login about which it names somebody else, or nobody', async () => {
    for (const body of [{ sub: 'ann', groups: ['admin'] }, { groups: ['admin'] }, { sub: ['joe'] }, { sub: 'Joe' }]) {
      says(body)
      assertRefused(await logIn(gateway({ userinfo: true })), 403, /not acceptable/)
    }
  })

  it('is named where it does not take the access token', async () => {
    const refuse = { 'www-authenticate': 'Bearer error="invalid_token"' }
    provider.userInfo = () => ({ status: 401, body: {}, headers: refuse })
    assertRefused(await logIn(gateway({ userinfo: true })), 503, /UserInfo does not take .* access token \(401\)/)
  })

  it('keeps nobody waiting or guessing where it fails', async () => {
    for (const status of [401, 403, 500, 302]) {
      says({ sub: 'joe' }, status)
      const answer = await logIn(gateway({ userinfo: true }))
      assert.ok(answer?.status === 503 || answer?.status === 403, JSON.stringify(answer))
      assert.equal(answer.location, undefined)
    }
    provider.userInfo = () => ({ status: 200, body: { sub: 'joe', groups: ['x'.repeat(300_000)] } })
    assert.equal((await logIn(gateway({ userinfo: true })))?.status, 503)
    provider.metadata = { userinfo_endpoint: undefined }
    assert.equal((await logIn(gateway({ userinfo: true })))?.location, undefined)
  })

  it('is asked again by each renewal, and what it no longer says is gone', async () => {
    const of = gateway({ userinfo: true })
    says({ sub: 'joe', groups: ['trader', 'admin'] })
    await logIn(of)
    provider.response = { id_token: null }
    for (const groups of [['trader'], ['viewer'], undefined]) {
      clock.nowMs += 10_000
      says({ sub: 'joe', groups })
      assert.equal((await refresh(of)).status, 200)
      assert.deepEqual(identityOf(await prove(of)).roles, groups ?? [])
    }
  })

  it('G64 ends the login where a renewal speaks of somebody else, and only then', async () => {
    const of = gateway({ userinfo: true })
    says({ sub: 'joe', groups: ['trader'] })
    await logIn(of)
    clock.nowMs += 10_000
    says({}, 500)
    assert.equal((await refresh(of)).status, 503)
    assert.deepEqual(identityOf(await prove(of)).roles, ['trader'])
    says({ sub: 'ann', groups: ['admin'] })
    assert.equal((await refresh(of)).status, 401)
    assert.equal((await prove(of)).kind, 'absent')
  })

  it('keeps the next refresh token where only it fails', async () => {
    const of = gateway({ userinfo: true })
    await logIn(of)
    clock.nowMs += 10_000
    says({}, 500)
    provider.response = { refresh_token: 'the-next-one' }
    assert.equal((await refresh(of)).status, 503)
    says({ sub: 'joe' })
    assert.equal((await refresh(of)).status, 200)
    assert.equal(provider.requests.at(-1)?.form.get('refresh_token'), 'the-next-one')
  })
})

describe('clientAuthentication', () => {
  const readSecret = async () => new Secret('a+b %/ü')
  const shown = async (options: Parameters<typeof gateway>[0]) => {
    await logIn(gateway({ readSecret, ...options }))
    const request = provider.requests.at(-1)
    const [scheme, encoded = ''] = (request?.authorization ?? '').split(' ')
    return { scheme, text: Buffer.from(encoded, 'base64').toString(), posted: request?.form.get('client_secret') }
  }

  it('shows the secret as the standard says, as it is, or in the form', async () => {
    const basic = await shown({ clientAuthentication: 'basic' })
    assert.deepEqual(basic, { scheme: 'Basic', text: 'gatehouse:a%2Bb+%25%2F%C3%BC', posted: null })
    const unescaped = await shown({ clientAuthentication: 'basicUnescaped' })
    assert.deepEqual(unescaped, { scheme: 'Basic', text: 'gatehouse:a+b %/ü', posted: null })
    assert.deepEqual(await shown({ clientAuthentication: 'post' }), { scheme: '', text: '', posted: 'a+b %/ü' })
  })

  it('goes before what the metadata says', async () => {
    provider.metadata = { token_endpoint_auth_methods_supported: ['client_secret_basic'] }
    assert.equal((await shown({ clientAuthentication: 'post' })).posted, 'a+b %/ü')
    provider.metadata = { token_endpoint_auth_methods_supported: ['client_secret_post'] }
    assert.equal((await shown({ clientAuthentication: 'basic' })).scheme, 'Basic')
    assert.equal((await shown({})).posted, 'a+b %/ü')
  })
})
