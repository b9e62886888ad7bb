/** Logins that come to nothing: what the person who tried can be told. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { json } from '../../../../support/fake-openid-provider.ts'
import { begin, clock, finish, gateway, PENDING_COOKIE, provider, reset } from '../../../../support/oidc-gateway.ts'

const AGAIN = 'service=%2Famqp&with=login&returnTo=%2Fapp%3Fx%3D1%23top'

before(() => provider.start())
beforeEach(reset)
after(() => provider.stop())

async function begun(options: Parameters<typeof gateway>[0] = {}) {
  const of = gateway(options)
  const answer = await of.login.begin('/app?x=1#top', 'service=%2Famqp&with=login')
  of.browser.take(answer)
  return { of, query: provider.authorize(answer.location ?? '') }
}

describe('a login that comes to nothing', () => {
  it('was cancelled where the provider says access_denied, and begins again where it led', async () => {
    const { of, query } = await begun()
    const denied = new URLSearchParams({
      error: 'access_denied',
      state: query.get('state') ?? '',
      iss: provider.issuer,
    })
    const answer = await finish(of, denied)
    assert.equal(answer?.status, 403)
    assert.deepEqual(answer.failure, { reason: 'cancelled', begunBy: AGAIN, errorUrl: undefined })
  })

  it('was refused where the provider says anything else', async () => {
    const { of, query } = await begun()
    const state = query.get('state') ?? ''
    const answer = await finish(of, new URLSearchParams({ error: 'invalid_scope', state, iss: provider.issuer }))
    assert.equal(answer?.failure?.reason, 'refused')
  })

  it('took too long after ten minutes, and can still be begun again', async () => {
    const { of, query } = await begun()
    clock.nowMs += 600_000
    const answer = await finish(of, query)
    assert.equal(answer?.status, 400)
    assert.deepEqual(answer.failure, { reason: 'expired', begunBy: AGAIN, errorUrl: undefined })
    assert.ok(!of.browser.jar.has(PENDING_COOKIE), 'it is over')
  })

  it('is unavailable where the provider does not answer', async () => {
    const { of, query } = await begun()
    provider.isDown = true
    assert.equal((await finish(of, query))?.failure?.reason, 'unavailable')
  })

  it('is unavailable where the provider does not take the gateway as its client, with what to compare', async () => {
    for (const headers of [{ 'www-authenticate': 'Basic realm="provider"' }, undefined]) {
      const { of, query } = await begun()
      provider.answer = (response) => {
        json(response, 401, { error: 'invalid_client' }, headers)
      }
      const answer = await finish(of, query)
      assert.deepEqual([answer?.status, answer?.failure?.reason], [503, 'unavailable'])
      assert.match(answer?.detail ?? '', /does not take the gateway as its client \(401\)|says invalid_client/)
      assert.match(answer?.detail ?? '', /compare clientId and clientSecret/)
      assert.doesNotMatch(answer?.detail ?? '', /does not answer/)
    }
  })

  it('leads to a page of the operator, which reads the reason', async () => {
    for (const [errorUrl, expected] of [
      ['/no-login?lang=en', 'https://app.example.com/no-login?lang=en&reason=expired'],
      ['https://help.example.com/', 'https://help.example.com/?reason=expired'],
    ] as const) {
      const { of } = await begun({ errorUrl })
      const answer = await finish(of, new URLSearchParams({ code: 'x', state: 'of another tab' }))
      assert.equal(answer?.failure?.errorUrl, expected)
    }
  })

  it('was a wrong link where it would lead elsewhere', async () => {
    const answer = await gateway().login.begin('//evil.example/')
    assert.deepEqual([answer.status, answer.failure?.reason], [400, 'malformed'])
  })

  it('is unknown to a browser that left from another host, and says at which one it begins', () => {
    const { detail, failure } = gateway({ basePath: '/gate' }).login.unknown('begin at', '/auth/login')
    assert.equal(detail, 'begin at https://app.example.com/gate/auth/login')
    assert.equal(failure?.reason, 'unknown')
  })

  it('is none of those that lead on', async () => {
    const of = gateway()
    const query = provider.authorize(await begin(of))
    assert.equal((await finish(of, query))?.failure, undefined)
  })
})
