/** Opaque tokens: what a provider says of them, how often it is asked, and what happens when it says something else. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Outcome } from '../../../../../auth/authenticator.ts'
import { Secret } from '../../../../../auth/secret.ts'
import {
  type IntrospectionOptions,
  introspectionAuthenticator,
} from '../../../../../auth/strategies/introspection/introspection.ts'
import { authenticationRequest } from '../../../../support/authentication-request.ts'

const ISSUER = 'https://idp.example.com'
const ENDPOINT = `${ISSUER}/introspect`
const soon = () => Math.floor(Date.now() / 1000) + 600

type Respond = () => Response | Promise<Response>
type Answer = object | number | Respond

function opaque(answer: () => Answer, options: Partial<IntrospectionOptions> = {}) {
  const requests: { url: string; body: string; authorization: string | null }[] = []
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    if (url.endsWith('/.well-known/openid-configuration'))
      return Response.json({ issuer: ISSUER, introspection_endpoint: ENDPOINT })
    const authorization = new Headers(init.headers).get('authorization')
    requests.push({ url, body: String(init.body), authorization })
    const said = answer()
    if (typeof said === 'function') return await (said as Respond)()
    return typeof said === 'number' ? new Response('{}', { status: said }) : Response.json(said)
  }
  const authenticator = introspectionAuthenticator({
    name: 'opaque',
    issuer: ISSUER,
    url: undefined,
    clientId: 'gatehouse',
    clientAuthentication: 'basic',
    readSecret: async () => new Secret('hidden'),
    fetch,
    audience: ['amqp'],
    subject: 'sub',
    roles: { path: 'scope' },
    from: ['bearer'],
    cacheMs: 60_000,
    recheckMs: 60_000,
    ...options,
  })
  const prove = async (token = 'token-1'): Promise<Outcome> =>
    await authenticator.authenticate(authenticationRequest({ headers: [['Authorization', `Bearer ${token}`]] }))
  return { authenticator, prove, requests }
}

const active = (more: object = {}) => ({
  active: true,
  sub: 'joe',
  aud: 'amqp',
  scope: 'trader clerk',
  exp: soon(),
  iss: ISSUER,
  ...more,
})

describe('an opaque token', () => {
  it('is asked about at the endpoint that the metadata name, as the client that the gateway is', async () => {
    const { prove, requests } = opaque(() => active())
    const outcome = await prove()
    assert.ok(outcome.kind === 'proven')
    const { issuer, subject, roles, expiresAtMs, accessToken } = outcome.identity
    assert.deepEqual([issuer, subject, roles], [ISSUER, 'joe', ['trader', 'clerk']])
    assert.ok(expiresAtMs !== undefined && expiresAtMs > Date.now())
    assert.equal(accessToken?.reveal().toString(), 'token-1')
    const [request] = requests
    assert.equal(request?.url, ENDPOINT)
    assert.equal(new URLSearchParams(request?.body).get('token'), 'token-1')
    assert.equal(request?.authorization, `Basic ${Buffer.from('gatehouse:hidden').toString('base64')}`)
  })

  it('is asked about once for all who bring it at one time, and kept for a while', async () => {
    const { prove, requests } = opaque(() => active())
    await Promise.all([prove(), prove(), prove()])
    await prove()
    assert.equal(requests.length, 1)
    await prove('token-2')
    assert.equal(requests.length, 2)
  })

  it('is not kept where it is not active, nor where the cache is off', async () => {
    const inactive = opaque(() => ({ active: false }))
    for (let n = 0; n < 3; n += 1) assert.equal((await inactive.prove()).kind, 'refused')
    assert.equal(inactive.requests.length, 3)
    const uncached = opaque(() => active(), { cacheMs: 0 })
    await uncached.prove()
    await uncached.prove()
    assert.equal(uncached.requests.length, 2)
  })

  const REFUSED: readonly (readonly [string, object])[] = [
    ['another audience', active({ aud: 'mail' })],
    ['no audience', active({ aud: undefined })],
    ['another issuer', active({ iss: 'https://other.example.com' })],
    ['an end that has passed', active({ exp: soon() - 1200 })],
    ['an end that is none', active({ exp: 'tomorrow' })],
    ['a beginning that is to come', active({ nbf: soon() })],
    ['no subject', active({ sub: undefined })],
    ['a subject that is none', active({ sub: ['joe'] })],
    ['a key that it is bound to', active({ cnf: { jkt: 'x' } })],
  ]
  for (const [what, answer] of REFUSED) {
    it(`is refused with ${what}`, async () => {
      const outcome = await opaque(() => answer).prove()
      assert.equal(outcome.kind, 'refused')
      assert.match((outcome.kind === 'refused' ? outcome.challenge : '') ?? '', /error="invalid_token"/)
    })
  }

  const failed =
    (error: string): Respond =>
    () =>
      Response.json({ error, error_description: 'why' }, { status: 400 })

  it('is refused where the provider looks at no token of its kind, as `oidc-provider` says of signed ones', async () => {
    assert.equal((await opaque(() => failed('unsupported_token_type')).prove()).kind, 'refused')
  })

  it('is the failure of the gateway where the provider names another error, and operators read which', async () => {
    await assert.rejects(opaque(() => failed('invalid_request')).prove(), /\(invalid_request\)$/)
  })

  const NONE: readonly (readonly [string, Answer])[] = [
    ['a fault', 500],
    ['a refused client', 401],
    ['a redirect', () => new Response(null, { status: 302, headers: { location: ENDPOINT } })],
    ['no JSON', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['a list', []],
    ['`active` as a text', { active: 'true', sub: 'joe' }],
    ['too much', () => Response.json(active({ padding: 'x'.repeat(70_000) }))],
  ]
  for (const [what, answer] of NONE) {
    it(`is the failure of the gateway where the provider answers with ${what}`, async () => {
      await assert.rejects(opaque(() => answer).prove(), (error) => {
        assert.ok(error instanceof Error)
        assert.doesNotMatch(error.message, /hidden|token-1/)
        return true
      })
    })
  }

  it('may be any token of the provider where no audience is asked for', async () => {
    assert.equal((await opaque(() => active({ aud: 'mail' }), { audience: undefined }).prove()).kind, 'proven')
  })

  it('names its authenticator as the issuer where only the endpoint is known', async () => {
    const outcome = await opaque(() => active({ iss: undefined }), { issuer: undefined, url: ENDPOINT }).prove()
    assert.equal(outcome.kind === 'proven' && outcome.identity.issuer, 'opaque')
  })
})

describe('a live token', () => {
  it('is asked about again whatever is kept, and does not hold when it is not active', async () => {
    let answer: object = active()
    const { authenticator, prove, requests } = opaque(() => answer)
    const outcome = await prove()
    assert.ok(outcome.kind === 'proven')
    const { recheck } = authenticator
    answer = active({ scope: 'clerk' })
    assert.deepEqual((await recheck?.again(outcome.identity))?.roles, ['clerk'])
    const back = await prove()
    assert.ok(back.kind === 'proven')
    assert.deepEqual(back.identity.roles, ['clerk'], 'the token brings no roles of before')
    assert.equal(requests.length, 2)
    answer = { active: false }
    assert.equal(await recheck?.again(outcome.identity), undefined)
    assert.equal((await prove()).kind, 'refused')
    assert.ok(!(recheck?.keyOf(outcome.identity) ?? '').includes('token-1'))
  })

  it('is forgotten where the provider says of it what is not taken', async () => {
    let answer: object = active()
    const { authenticator, prove } = opaque(() => answer)
    const outcome = await prove()
    assert.ok(outcome.kind === 'proven')
    answer = active({ exp: 'soon' })
    assert.equal(await authenticator.recheck?.again(outcome.identity), undefined)
    assert.equal((await prove()).kind, 'refused')
  })

  it('is renewed by another one', async () => {
    const { authenticator, prove } = opaque(() => active())
    const outcome = await prove()
    assert.ok(outcome.kind === 'proven')
    const renewed = await authenticator.renew?.(outcome.identity, Buffer.from('token-2'), { service: '/amqp' })
    assert.equal(renewed?.kind === 'proven' && renewed.identity.accessToken?.reveal().toString(), 'token-2')
  })
})
