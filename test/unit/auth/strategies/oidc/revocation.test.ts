/** A login that a page ends: the provider takes its refresh token back, and cannot keep anybody logged in. [RFC 7009] */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { json } from '../../../../support/fake-openid-provider.ts'
import {
  clock,
  type Gateway,
  gateway,
  logIn,
  prove,
  provider,
  refresh,
  reset,
} from '../../../../support/oidc-gateway.ts'
import { until } from '../../../../support/until.ts'

before(() => provider.start())
beforeEach(() => {
  reset()
  provider.metadata = { revocation_endpoint: `${provider.issuer}/revoke` }
})
after(() => provider.stop())

async function logOut(of: Gateway): Promise<void> {
  const answer = await of.login.logout(of.browser.request().http)
  assert.equal(answer.status, 200)
  of.browser.take(answer)
}

const lastGiven = () => provider.revocations.map(({ form }) => form.get('token'))

describe('a logout', () => {
  it('has the refresh token revoked, as the client that it was given to', async () => {
    const of = gateway()
    provider.response = { refresh_token: 'refresh-of-joe' }
    await logIn(of)

    await logOut(of)

    const [{ form, authorization } = assert.fail()] = await until(
      () => provider.revocations.length > 0 && provider.revocations,
      'a revocation',
    )
    assert.deepEqual(Object.fromEntries(form), { token: 'refresh-of-joe', token_type_hint: 'refresh_token' })
    assert.match(authorization ?? '', /^Basic /)
    assert.deepEqual(of.notRevoked, [])
    assert.equal((await prove(of)).kind, 'absent')
  })

  it('has the newest one revoked', async () => {
    const of = gateway()
    await logIn(of)
    clock.nowMs += 10_000
    provider.response = { refresh_token: 'the newest' }
    assert.equal((await refresh(of)).status, 200)
    await logOut(of)
    await until(() => provider.revocations.length > 0, 'a revocation')
    assert.deepEqual(lastGiven(), ['the newest'])
  })

  it('asks nothing of a provider that offers none, nor without a refresh token or a login', async () => {
    const first = gateway()
    provider.metadata = {}
    await logIn(first)
    await logOut(first)
    provider.metadata = { revocation_endpoint: `${provider.issuer}/revoke` }
    const second = gateway()
    provider.response = { refresh_token: null }
    await logIn(second)
    await logOut(second)
    await logOut(second)
    // Whatever had been asked would have arrived before this.
    provider.response = { refresh_token: 'the only one' }
    await logIn(second)
    await logOut(second)
    await until(() => provider.revocations.length > 0, 'a revocation')
    assert.deepEqual(lastGiven(), ['the only one'])
  })

  it('has it revoked once, however many pages log out at the same time', async () => {
    const of = gateway()
    await logIn(of)
    const { http } = of.browser.request()
    await Promise.all(Array.from({ length: 8 }, () => of.login.logout(http)))
    await until(() => provider.revocations.length > 0, 'a revocation')
    assert.equal(provider.revocations.length, 1)
  })

  for (const [what, answer, why] of [
    ['does not know such tokens', 400, /says unsupported_token_type/],
    ['does not know the gateway', 401, /says invalid_client/],
    ['is overloaded', 503, /does not answer/],
    ['leads elsewhere', 302, /does not answer|not acceptable/],
  ] as const) {
    it(`is one with a provider that ${what}, and says so`, async () => {
      const errors: Record<number, string> = { 400: 'unsupported_token_type', 401: 'invalid_client' }
      provider.revoked = (response) => {
        const error = errors[answer]
        if (error !== undefined) return json(response, answer, { error })
        response.writeHead(answer, { location: 'https://elsewhere.example.com/' }).end('<html>')
      }
      const of = gateway()
      await logIn(of)
      await logOut(of)
      assert.equal((await prove(of)).kind, 'absent')
      const [detail = ''] = await until(() => of.notRevoked.length > 0 && of.notRevoked, 'a failure')
      assert.match(detail, why)
      assert.equal(detail.includes('refresh-'), false)
    })
  }

  it('waits for no provider that is silent', async () => {
    let give = () => {}
    provider.revoked = (response) => {
      give = () => void response.destroy()
    }
    const of = gateway()
    await logIn(of)
    await logOut(of)
    await until(() => provider.revocations.length > 0, 'a revocation')
    assert.deepEqual(of.notRevoked, [])
    give()
    const [detail = ''] = await until(() => of.notRevoked.length > 0 && of.notRevoked, 'a failure')
    assert.match(detail, /^the provider does not answer: /)
    const parts = detail.split(': ')
    assert.equal(new Set(parts).size, parts.length, `a cause stands there twice: ${detail}`)
  })
})

describe('a login that ends while it is refreshed', () => {
  it('gives back what the provider gave for it', async () => {
    const of = gateway()
    await logIn(of)
    clock.nowMs += 10_000
    let answer = () => {}
    provider.answer = (response) => {
      answer = () => {
        const token = { access_token: 'late', token_type: 'Bearer', expires_in: 60, refresh_token: 'given too late' }
        json(response, 200, token)
      }
    }
    const refreshing = refresh(of)
    await until(() => provider.requests.some(({ form }) => form.get('grant_type') === 'refresh_token'), 'a refresh')
    const { http } = of.browser.request()
    await of.login.logout(http)
    answer()
    assert.equal((await refreshing).status, 401)
    await until(() => lastGiven().includes('given too late'), 'its revocation')
  })
})
