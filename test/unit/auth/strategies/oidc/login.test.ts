/** The gateway's own login against a provider that may do anything. A real one is in test/integration/oidc.test.ts. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { sessionKeyOf } from '../../../../../auth/strategies/oidc/identity.ts'
import {
  assertRefused,
  begin,
  browser,
  clock,
  finish,
  type Gateway,
  gateway,
  identityOf,
  LOGIN_COOKIE,
  logIn,
  PENDING_COOKIE,
  prove,
  provider,
  reset,
} from '../../../../support/oidc-gateway.ts'

before(() => provider.start())
beforeEach(reset)
after(() => provider.stop())

describe('a login', () => {
  it('G17 goes to the provider with PKCE, state and nonce, and comes back as somebody', async () => {
    provider.claims = { groups: ['trader'], sid: 's-1', dept: 'fx' }
    const of = gateway()

    const location = new URL(await begin(of))
    const answer = await finish(of, provider.authorize(location.href))

    assert.equal(location.searchParams.get('code_challenge_method'), 'S256')
    assert.equal(location.searchParams.get('redirect_uri'), 'https://app.example.com/auth/callback')
    assert.equal(location.searchParams.get('scope'), 'openid profile')
    assert.ok((location.searchParams.get('state') ?? '').length >= 43)
    assert.equal(answer?.status, 303)
    assert.equal(answer?.location, 'https://app.example.com/app?x=1#top')
    const identity = identityOf(await prove(of))
    assert.equal(identity.subject, 'joe')
    assert.equal(identity.issuer, provider.issuer)
    assert.deepEqual(identity.roles, ['trader'])
    assert.equal(identity.claims['dept'], 'fx')
    assert.equal(identity.fromCookie, true)
    assert.equal(identity.expiresAtMs, clock.nowMs + 60_000)
    assert.equal(identity.sessionKey, sessionKeyOf(provider.issuer, 's-1'))
    assert.match(provider.requests[0]?.authorization ?? '', /^Basic /)
  })

  it('gives a cookie for the host alone, and keeps the pending one for an hour', async () => {
    const of = gateway()

    const begun = await of.login.begin(null)
    of.browser.take(begun)
    const finished = await finish(of, provider.authorize(begun.location ?? ''))

    assert.match(
      begun.cookies?.[0] ?? '',
      /^__Host-gatehouse-login-[0-9a-f]{8}=[\w.-]+; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure$/,
    )
    assert.match(finished?.cookies?.[0] ?? '', /^__Host-gatehouse-login-[0-9a-f]{8}=; Path=\/; Max-Age=0; /)
    assert.match(
      finished?.cookies?.[1] ?? '',
      /^__Host-gatehouse-[0-9a-f]{8}=[\w-]{43}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Strict; Secure$/,
    )
  })

  it('G70 is at the base path, with cookies of another name', async () => {
    for (const publicUrl of [
      'https://app.example.com',
      'https://app.example.com/gate',
      'https://app.example.com/gate/',
    ]) {
      const of = gateway({ publicUrl, basePath: '/gate' })
      const begun = await of.login.begin(null)
      of.browser.take(begun)
      const location = begun.location ?? ''
      assert.equal(new URL(location).searchParams.get('redirect_uri'), 'https://app.example.com/gate/auth/callback')
      assert.ok(!of.browser.jar.has(PENDING_COOKIE))

      const finished = await finish(of, provider.authorize(location))

      assert.equal(finished?.location, 'https://app.example.com/gate/')
      assert.match(finished?.cookies?.[1] ?? '', /^__Host-gatehouse-[0-9a-f]{8}=[\w-]{43}; Path=\/; /)
      assert.ok(!of.browser.jar.has(LOGIN_COOKIE))
      identityOf(await prove(of))
    }
  })

  it('has a plain cookie on a loopback address', async () => {
    const of = gateway({ publicUrl: 'http://127.0.0.1:8080' })
    const finished = await logIn(of)
    assert.match(
      finished?.cookies?.[1] ?? '',
      /^gatehouse-[0-9a-f]{8}=[\w-]{43}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Strict$/,
    )
    identityOf(await prove(of))
  })

  it('G31 is in no cookie that a sibling domain could have planted', async () => {
    const of = gateway()
    await logIn(of)
    const good = of.browser.jar.get(LOGIN_COOKIE) ?? ''
    const bare = LOGIN_COOKIE.replace('__Host-', '')
    for (const name of ['gatehouse', '__Host-gatehouse', bare, `\u00a0${LOGIN_COOKIE}`]) {
      of.browser.jar.clear()
      of.browser.jar.set(name, good)
      assert.deepEqual(await prove(of), { kind: 'absent' }, name)
    }
    const planted = await logInWith(of, PENDING_COOKIE.replace('__Host-', ''))
    assert.equal(planted, undefined)
  })

  it('shares its name with no other login, and loses no protection by a label of one’s own', async () => {
    const names = [{}, { name: 'other' }, { cookie: 'mine' }, { cookie: '__Host-mine' }].map(
      (options) => gateway(options).login.cookieName,
    )
    assert.match(names.join(), /^__Host-gatehouse-(.*),__Host-gatehouse-(?!\1).*,(__Host-mine-\1),\2$/)
  })

  it('shows the client secret to the provider as it wants it', async () => {
    provider.metadata = { token_endpoint_auth_methods_supported: ['client_secret_post'] }
    await logIn(gateway())
    assert.equal(provider.requests[0]?.form.get('client_secret'), 'client secret & more')
  })

  it('G17 is a new one each time, and ends the one before it', async () => {
    const of = gateway()
    await logIn(of)
    const before = of.browser.jar.get(LOGIN_COOKIE) ?? ''
    const stolen = browser()
    stolen.jar.set(LOGIN_COOKIE, before)

    await logIn(of)

    assert.notEqual(of.browser.jar.get(LOGIN_COOKIE), before)
    assert.equal((await of.authenticator.authenticate(stolen.request())).kind, 'refused')
    assert.equal(of.ended.length, 1)
  })

  it('does not end sessions when the same person logs in again in the same session at the provider', async () => {
    provider.claims = { sid: 's-1' }
    const of = gateway()
    await logIn(of)
    await logIn(of)
    assert.deepEqual(of.ended, [])
    provider.claims = { sid: 's-1', sub: 'eve' }
    await logIn(of)
    assert.equal(of.ended.length, 1)
  })

  it('passes on the parameters an operator adds, and not over its own', async () => {
    const of = gateway({ parameters: { audience: 'amqp', state: 'fixed', redirect_uri: 'https://evil.example' } })
    const { searchParams } = new URL(await begin(of))
    assert.equal(searchParams.get('audience'), 'amqp')
    assert.notEqual(searchParams.get('state'), 'fixed')
    assert.equal(searchParams.get('redirect_uri'), 'https://app.example.com/auth/callback')
  })
})

describe('where a login leads back to', () => {
  for (const path of ['/', '/app', '/app?a=b&c=%2F#d', '/a//b', '/.//evil.example']) {
    it(`may be ${path}`, async () => {
      const of = gateway()
      const answer = await finish(of, provider.authorize(await begin(of, path)))
      assert.equal(new URL(answer?.location ?? '').origin, 'https://app.example.com')
      assert.ok(answer?.location?.startsWith('https://app.example.com/'))
    })
  }

  for (const path of [
    '',
    'app',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/%2fevil.example',
    '/%2Fevil.example',
    '/%5cevil.example',
    'https://evil.example',
    'https:evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    '/a\\b',
    '/a\nb',
    '/a\r\nLocation: x',
    '/\tevil',
    '/ä',
    ' /a',
    '/\u0000',
    `/${'x'.repeat(2048)}`,
    '.',
    '..',
    '?a',
    '#a',
    '@evil.example',
    '/a b',
  ]) {
    it(`G17 may not be ${JSON.stringify(path).slice(0, 40)}`, async () => {
      assertRefused(await gateway().login.begin(path), 400, /returnTo/)
    })
  }
})

describe('a provider', () => {
  it('that is away when the gateway starts is found later', async () => {
    const of = gateway()
    provider.isDown = true
    assertRefused(await of.login.begin('/'), 503, /discovered/)
    provider.isDown = false
    await begin(of)
  })

  it('that calls itself something else is not believed', async () => {
    provider.metadata = { issuer: `${provider.issuer}/` }
    assertRefused(await gateway().login.begin('/'), 503, /calls itself/)
    provider.metadata = { issuer: 'https://evil.example' }
    assertRefused(await gateway().login.begin('/'), 503, /issuer/)
  })

  it('must be https, or on a loopback address', () => {
    assert.throws(() => gateway({ issuer: 'http://idp.example.com' }), /https/)
  })

  it('is discovered once, and again after a reload', async () => {
    const of = gateway()
    const { discoveryCount } = provider
    await Promise.all([begin(of), begin(of), begin(of)])
    assert.equal(provider.discoveryCount, discoveryCount + 1)
    const use = await of.authenticator.readAgain?.()
    use?.()
    await begin(of)
    assert.equal(provider.discoveryCount, discoveryCount + 2)
  })
})

describe('too many logins', () => {
  it('end the oldest, and tell its sessions', async () => {
    const of = gateway({ loginCount: 2 })
    const browsers = [browser(), browser(), browser()]
    for (const [index, one] of browsers.entries()) {
      provider.claims = { sub: `joe-${index}` }
      await logIn({ ...of, browser: one })
    }
    const outcomes = await Promise.all(browsers.map((one) => prove({ ...of, browser: one })))
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['refused', 'proven', 'proven'],
    )
    assert.equal(of.ended.length, 1)
  })

  it('of one person end that person’s own', async () => {
    const of = gateway({ loginCount: 1000 })
    provider.claims = { sub: 'other' }
    const other = browser()
    await logIn({ ...of, browser: other })
    provider.claims = {}
    for (let count = 0; count < 51; count += 1) await logIn({ ...of, browser: browser() })
    assert.equal(of.ended.length, 1)
    identityOf(await prove({ ...of, browser: other }))
  })
})

/** Comes back from the provider with the pending login under another name. */
async function logInWith(of: Gateway, name: string) {
  const query = provider.authorize(await begin(of))
  of.browser.jar.set(name, of.browser.jar.get(PENDING_COOKIE) ?? '')
  of.browser.jar.delete(PENDING_COOKIE)
  return await finish(of, query)
}
