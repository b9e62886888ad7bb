/** What a provider says server to server. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { identityKey } from '../../../../../auth/identity.ts'
import { sessionKeyOf } from '../../../../../auth/strategies/oidc/identity.ts'
import {
  assertRefused,
  browser,
  type Gateway,
  gateway,
  identityOf,
  logIn,
  prove,
  provider,
  reset,
} from '../../../../support/oidc-gateway.ts'
import { forgeKey } from '../../../../support/token-forge.ts'

before(() => provider.start())
beforeEach(reset)
after(() => provider.stop())

describe('a back-channel logout', () => {
  const backchannel = (of: Gateway, claims: Record<string, unknown>, ...more: [] | [Record<string, unknown>]) =>
    of.login.backchannelLogout(provider.logoutToken(claims, ...more))

  it('ends the session it names, and no other one', async () => {
    const of = gateway()
    const [first, second] = [browser(), browser()]
    provider.claims = { sid: 's-1' }
    await logIn({ ...of, browser: first })
    provider.claims = { sid: 's-2' }
    await logIn({ ...of, browser: second })

    assert.equal((await backchannel(of, { sid: 's-1', sub: 'joe' })).status, 200)

    assert.equal((await prove({ ...of, browser: first })).kind, 'refused')
    identityOf(await prove({ ...of, browser: second }))
    assert.deepEqual(of.ended, [{ sessions: [sessionKeyOf(provider.issuer, 's-1')], identities: [] }])
  })

  it('ends all of a person, bearer tokens too', async () => {
    const of = gateway()
    const browsers = [browser(), browser()]
    for (const [index, one] of browsers.entries()) {
      provider.claims = { sid: `s-${index}` }
      await logIn({ ...of, browser: one })
    }

    assert.equal((await backchannel(of, { sub: 'joe' })).status, 200)

    for (const one of browsers) assert.equal((await prove({ ...of, browser: one })).kind, 'refused')
    assert.equal(of.ended[0]?.sessions.length, 2)
    assert.deepEqual(of.ended[0]?.identities, [identityKey({ issuer: provider.issuer, subject: 'joe' })])
  })

  it('ends the logins of a person whose sessions the provider did not name', async () => {
    const of = gateway()
    await logIn(of)
    await backchannel(of, { sid: 's-9', sub: 'joe' })
    assert.equal((await prove(of)).kind, 'refused')
  })

  it('tells of a session even when no login knows it', async () => {
    const of = gateway()
    await backchannel(of, { sid: 's-9' })
    assert.deepEqual(of.ended, [{ sessions: [sessionKeyOf(provider.issuer, 's-9')], identities: [] }])
  })

  it('is good once', async () => {
    const of = gateway()
    const token = provider.logoutToken({ sub: 'joe' })
    assert.equal((await of.login.backchannelLogout(token)).status, 200)
    const again = await of.login.backchannelLogout(token)
    assertRefused(again, 400, /used before/)
    assert.deepEqual(again.body, { error: 'invalid_request' })
  })

  const now = Math.floor(Date.now() / 1000)
  for (const [what, claims, why] of [
    ['a nonce', { sub: 'joe', nonce: 'x' }, /nonce/],
    ['no events', { sub: 'joe', events: undefined }, /no logout token/],
    ['other events', { sub: 'joe', events: { x: {} } }, /no logout token/],
    [
      'an event that is no object',
      { sub: 'joe', events: { 'http://schemas.openid.net/event/backchannel-logout': true } },
      /no logout token/,
    ],
    ['nobody', {}, /neither/],
    ['a person that is no text', { sub: ['joe'] }, /sub/],
    ['a session that is no text', { sid: 7 }, /sid/],
    ['no jti', { sub: 'joe', jti: undefined }, /jti/],
    ['another audience', { sub: 'joe', aud: 'other' }, /audience/],
    ['another issuer', { sub: 'joe', iss: 'https://evil.example' }, /issuer/],
    ['an old date', { sub: 'joe', iat: now - 600, exp: now + 600 }, /expired/],
    ['no date', { sub: 'joe', iat: undefined }, /iat/],
    ['a date in the future', { sub: 'joe', iat: now + 60 }, /future/],
    ['an end that has passed', { sub: 'joe', exp: now - 1 }, /expired/],
  ] as const) {
    it(`with ${what} is refused`, async () => {
      const of = gateway()
      assertRefused(await backchannel(of, claims), 400, why)
      assert.deepEqual(of.ended, [])
    })
  }

  it('of another type, unsigned, or signed by another is refused', async () => {
    const of = gateway()
    assertRefused(await backchannel(of, { sub: 'joe' }, { typ: 'at+jwt' }), 400, /type/)
    assertRefused(
      await of.login.backchannelLogout(provider.logoutToken({ sub: 'joe' }, {}, forgeKey('RS256', 'current'))),
      400,
      /signature/,
    )
    assertRefused(await of.login.backchannelLogout(''), 400, /./)
    assertRefused(await of.login.backchannelLogout('x'.repeat(20_000)), 400, /longer/)
    assert.deepEqual(of.ended, [])
  })
})
