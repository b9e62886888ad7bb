/** What comes back from a provider, and from browsers that pretend to. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { json } from '../../../../support/fake-openid-provider.ts'
import {
  assertRefused,
  begin,
  browser,
  finish,
  gateway,
  logIn,
  PENDING_COOKIE,
  prove,
  provider,
  reset,
} from '../../../../support/oidc-gateway.ts'
import { forgeKey } from '../../../../support/token-forge.ts'

before(() => provider.start())
beforeEach(reset)
after(() => provider.stop())

describe('a callback', () => {
  it('is nothing to a browser that began no login', async () => {
    const of = gateway()
    const query = provider.authorize(await begin(of))
    const stranger = { ...of, browser: browser() }
    assert.equal(await finish(stranger, query), undefined)
    assert.equal(provider.requests.length, 0)
  })

  it('G17 is good once', async () => {
    const of = gateway()
    const query = provider.authorize(await begin(of))
    const pending = of.browser.jar.get(PENDING_COOKIE) ?? ''
    await finish(of, query)
    assert.equal(await finish(of, query), undefined)
    of.browser.jar.set(PENDING_COOKIE, pending)
    assertRefused(await finish(of, query), 403, /invalid_grant/)
  })

  for (const [what, change] of [
    ['another state', (query: URLSearchParams) => query.set('state', 'x')],
    ['no state', (query: URLSearchParams) => query.delete('state')],
  ] as const) {
    it(`G17 with ${what} is refused, and the provider not asked`, async () => {
      const of = gateway()
      const query = provider.authorize(await begin(of))
      change(query)
      assertRefused(await finish(of, query), 400, /another tab/)
      assert.equal(provider.requests.length, 0)
      assert.equal(of.browser.jar.size, 0)
    })
  }

  it('G17 of a login begun by somebody else is refused', async () => {
    const [own, other] = [gateway(), gateway()]
    await begin(own)
    assertRefused(await finish(own, provider.authorize(await begin(other))), 400, /another tab/)
  })

  it('with a pending login that another process, or nobody, has sealed is refused', async () => {
    const [own, other] = [gateway(), gateway()]
    const query = provider.authorize(await begin(other))
    for (const sealed of [other.browser.jar.get(PENDING_COOKIE) ?? '', 'x', 'a.b.c.d.e', '{}']) {
      own.browser.jar.set(PENDING_COOKIE, sealed)
      assertRefused(await finish(own, query), 400, /another tab/)
    }
  })

  for (const [what, change, why] of [
    [
      'an error of the provider',
      (query: URLSearchParams) => {
        query.delete('code')
        query.set('error', 'access_denied')
      },
      /access_denied/,
    ],
    ['the name of another issuer', (query: URLSearchParams) => query.set('iss', 'https://evil.example'), /iss/],
    ['no issuer, where the provider promises one', (query: URLSearchParams) => query.delete('iss'), /iss/],
    ['an unknown code', (query: URLSearchParams) => query.set('code', 'x'), /invalid_grant/],
    ['no code', (query: URLSearchParams) => query.delete('code'), /./],
    ['two codes', (query: URLSearchParams) => query.append('code', 'x'), /code/],
  ] as const) {
    it(`G17 with ${what} is refused`, async () => {
      const of = gateway()
      const query = provider.authorize(await begin(of))
      change(query)
      assertRefused(await finish(of, query), 403, why)
      assert.deepEqual(await prove(of), { kind: 'absent' })
    })
  }

  const now = Math.floor(Date.now() / 1000)
  for (const [what, change] of [
    ['another nonce', { claims: { nonce: 'x' } }],
    ['no nonce', { claims: { nonce: null } }],
    ['another issuer', { claims: { iss: 'https://evil.example' } }],
    ['another audience', { claims: { aud: 'other' } }],
    ['a foreign authorized party', { claims: { aud: ['gatehouse', 'other'], azp: 'other' } }],
    ['no subject', { claims: { sub: null } }],
    ['an empty subject', { claims: { sub: '' } }],
    ['a subject with a newline', { claims: { sub: 'joe\nadmin' } }],
    ['roles that are none', { claims: { groups: { admin: true } } }],
    ['a session that is no text', { claims: { sid: 7 } }],
    ['a time that has passed', { claims: { exp: now - 60 } }],
    ['no time', { claims: { exp: null } }],
    ['another key', { signer: forgeKey('RS256', 'current') }],
    ['a key nobody published', { signer: forgeKey('RS256', 'other') }],
    ['an absurd life', { response: { expires_in: 1e12 } }],
    ['no token at all', { response: { id_token: null } }],
    ['no access token', { response: { access_token: null } }],
  ] as const) {
    it(`G17 to an ID token with ${what} opens nothing`, async () => {
      const of = gateway()
      Object.assign(provider, change)
      const answer = await logIn(of)
      assert.equal(answer?.status, 403, JSON.stringify(answer))
      assert.equal(answer?.location, undefined)
      assert.equal(of.browser.jar.size, 0)
      assert.equal(JSON.stringify(answer).includes('client secret'), false)
    })
  }

  for (const [what, answer] of [
    ['is away', undefined],
    ['fails', (response: Parameters<typeof json>[0]) => json(response, 500, { error: 'server_error' })],
    [
      'talks HTML',
      (response: Parameters<typeof json>[0]) =>
        void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
    ],
    [
      'talks nonsense',
      (response: Parameters<typeof json>[0]) =>
        json(response, 200, { access_token: 'a', token_type: 'Bearer', id_token: 'x.y.z' }),
    ],
    ['redirects', (response: Parameters<typeof json>[0]) => void response.writeHead(302, { location: '/' }).end()],
  ] as const) {
    it(`while the provider ${what} may be tried again`, async () => {
      const of = gateway()
      const query = provider.authorize(await begin(of))
      Object.assign(provider, answer === undefined ? { isDown: true } : { answer })
      assertRefused(await finish(of, query), 503, /provider/)
    })
  }
})
