/** Tokens as credentials: passed on, or got from a token endpoint that answers well, badly, late or not at all. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { PromotionRefused } from '../../../../../auth/errors.ts'
import type { Identity } from '../../../../../auth/identity.ts'
import { checkCredentials, compileCredential } from '../../../../../auth/promotion/credentials/credentials.ts'
import { type FetchedToken, TokenSource } from '../../../../../auth/promotion/credentials/token-source.ts'
import type { ClientCredentialsInput, SecretSources } from '../../../../../auth/promotion/input.ts'
import { Secret } from '../../../../../auth/secret.ts'

const joe: Identity = {
  issuer: 'https://idp.example.com',
  subject: 'joe.smith',
  authenticator: 'sso',
  roles: [],
  claims: { preferred_username: 'joe', nested: { name: 'j' }, number: 7, nul: 'a\0b' },
  fromCookie: false,
  accessToken: new Secret('CANARY-token-of-joe'),
}
const facts = (identity: Identity = joe) => ({ identity, address: '203.0.113.7', session: 's-1' })

async function refusal(promise: Promise<unknown>): Promise<PromotionRefused> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof PromotionRefused, String(error))
  assert.ok(!error.message.includes('CANARY'), error.message)
  return error
}

describe('a token passed on', () => {
  const sources: SecretSources = { readFile: async () => Buffer.alloc(0), env: () => undefined }
  const passOn = (input: object = {}) =>
    compileCredential({ kind: 'passOn', ...input }, sources, { name: 'own', broker: 'main' })

  it('is the password, under the name of the subject or of a claim', async () => {
    const credential = await passOn().build(facts())
    assert.equal(credential.response('PLAIN').toString(), '\0joe.smith\0CANARY-token-of-joe')
    assert.equal(credential.secret?.().toString(), 'CANARY-token-of-joe')
    assert.deepEqual([credential.isPassedOn, credential.renewal], [true, undefined])
    assert.equal((await passOn({ userClaim: 'preferred_username' }).build(facts())).username, 'joe')
    assert.equal((await passOn({ userClaim: 'nested.name' }).build(facts())).username, 'j')
    assert.equal((await passOn({ renew: false }).build(facts())).isPassedOn, false)
    assert.ok(!inspect(credential, { depth: 9, showHidden: true }).includes('CANARY'))
  })

  it('is known by a fingerprint that says nothing', async () => {
    const [one, same] = [await passOn().build(facts()), await passOn().build(facts())]
    const other = await passOn().build(facts({ ...joe, accessToken: new Secret('another') }))
    assert.equal(one.fingerprint(), same.fingerprint())
    assert.notEqual(one.fingerprint(), other.fingerprint())
    assert.ok(!one.fingerprint().includes('CANARY'))
  })

  for (const [what, identity, input, code, message] of [
    ['no token', { accessToken: undefined }, {}, 'secret-unavailable', /authenticator sso proves people without one/],
    ['an empty token', { accessToken: new Secret('') }, {}, 'secret-unavailable', /0 bytes/],
    ['a huge token', { accessToken: new Secret('x'.repeat(40_000)) }, {}, 'secret-unavailable', /40000 bytes/],
    ['a token with a NUL', { accessToken: new Secret('a\0b') }, {}, 'secret-unavailable', /NUL/],
    ['no such claim', {}, { userClaim: 'nope' }, 'bad-value', /"nope" is missing/],
    ['a claim that is a number', {}, { userClaim: 'number' }, 'bad-value', /a number/],
    ['a claim that is an object', {}, { userClaim: 'nested' }, 'bad-value', /an object/],
    ['a claim with a NUL', {}, { userClaim: 'nul' }, 'bad-value', /NUL/],
  ] as const) {
    it(`is refused with ${what}`, async () => {
      const { accessToken, ...rest } = { ...joe, ...identity }
      const person = accessToken === undefined ? rest : { ...rest, accessToken }
      const error = await refusal(passOn(input).build(facts(person)))
      assert.equal(error.code, code)
      assert.match(error.message, message)
    })
  }
})

type Answer = (url: string, init: RequestInit) => Promise<Response>

const json = (body: object, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })

const token = (lifeSeconds?: number, value = 'CANARY-token') =>
  json({ access_token: value, token_type: 'Bearer', ...(lifeSeconds === undefined ? {} : { expires_in: lifeSeconds }) })

function machine(answer: Answer, input: Partial<ClientCredentialsInput> = {}) {
  const asked: { url: string; init: RequestInit }[] = []
  const sources: SecretSources = {
    readFile: async () => Buffer.alloc(0),
    env: (name) => (name === 'SECRET' ? 'CANARY-secret' : undefined),
    fetch: async (url, init) => {
      asked.push({ url, init })
      return await answer(url, init)
    },
  }
  const credential = compileCredential(
    {
      kind: 'oauth2',
      username: 'machine',
      tokenUrl: 'https://idp.example.com/token',
      clientId: 'gate house',
      clientSecret: { kind: 'env', name: 'SECRET' },
      ...input,
    },
    sources,
    { name: 'machine', broker: 'main' },
  )
  return { credential, asked }
}

describe('a token of the gateway’s own', () => {
  it('is asked for once, by all who need it, and kept', async () => {
    const { credential, asked } = machine(async () => token(60))
    const built = await Promise.all([1, 2, 3].map(() => credential.build(facts())))
    await credential.build(facts())
    assert.equal(asked.length, 1)
    for (const one of built) assert.equal(one.response('PLAIN').toString(), '\0machine\0CANARY-token')
    const { renewal } = built[0] ?? {}
    assert.ok(renewal !== undefined)
    const leftMs = renewal.expiresAtMs - Date.now()
    assert.ok(leftMs > 58_000 && leftMs <= 60_000)
    assert.ok(renewal.dueAtMs > Date.now() + 44_000 && renewal.dueAtMs < renewal.expiresAtMs - 8_000)
  })

  it('is asked for with id and secret in the header or in the form, with scope and audience', async () => {
    const basic = machine(async () => token(60), { scope: 'a b', audience: 'rabbit' })
    await basic.credential.build(facts())
    const [first] = basic.asked
    const headers = new Headers(first?.init.headers)
    assert.equal(first?.url, 'https://idp.example.com/token')
    assert.equal(first?.init.redirect, 'manual')
    assert.equal(
      Buffer.from((headers.get('authorization') ?? '').slice(6), 'base64').toString(),
      'gate+house:CANARY%2Dsecret',
    )
    assert.deepEqual(Object.fromEntries(new URLSearchParams(String(first?.init.body))), {
      grant_type: 'client_credentials',
      scope: 'a b',
      audience: 'rabbit',
    })
    const unescaped = machine(async () => token(60), { authentication: 'basicUnescaped' })
    await unescaped.credential.build(facts())
    const raw = new Headers(unescaped.asked[0]?.init.headers).get('authorization') ?? ''
    assert.equal(Buffer.from(raw.slice(6), 'base64').toString(), 'gate house:CANARY-secret')
    const post = machine(async () => token(60), { authentication: 'post' })
    await post.credential.build(facts())
    const form = new URLSearchParams(String(post.asked[0]?.init.body))
    assert.deepEqual([form.get('client_id'), form.get('client_secret')], ['gate house', 'CANARY-secret'])
    assert.equal(new Headers(post.asked[0]?.init.headers).get('authorization'), null)
  })

  it('brings the next one for those who live on it, never the same again', async () => {
    let n = 0
    const { credential } = machine(async () => token(60, `token-${++n}`))
    const { renewal } = await credential.build(facts())
    const next = await renewal?.next()
    assert.equal(next?.secret?.().toString(), 'token-2')
    assert.equal((await renewal?.next())?.secret?.().toString(), 'token-2', 'those who ask later get the same new one')
    assert.equal((await credential.build(facts())).secret?.().toString(), 'token-2')
  })

  it('is not renewed where that was said, or where nobody knows its end', async () => {
    const off = machine(async () => token(60), { renew: false })
    assert.equal((await off.credential.build(facts())).renewal, undefined)
    const endless = machine(async () => token())
    assert.equal((await endless.credential.build(facts())).renewal, undefined)
  })

  it('ends when its own `exp` says so, where that is earlier', async () => {
    const exp = Math.floor(Date.now() / 1000) + 10
    const jwt = `e30.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.x`
    const { credential } = machine(async () => token(3600, jwt))
    assert.equal((await credential.build(facts())).renewal?.expiresAtMs, exp * 1000)
  })

  for (const [what, answer, message] of [
    ['says no', async () => json({ error: 'invalid_client' }, 401), /says invalid_client \(401\)/],
    ['says something unprintable', async () => json({ error: 'a\nb' }, 400), /an error without a name/],
    [
      'sends elsewhere',
      async () => new Response(null, { status: 302, headers: { location: 'https://evil.example' } }),
      /gives no token/,
    ],
    [
      'is no token endpoint',
      async () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      /gives no token/,
    ],
    ['gives another kind of token', async () => json({ access_token: 'CANARY', token_type: 'mac' }), /gives no token/],
    [
      'gives no end of bytes',
      async () => new Response('x'.repeat(70_000), { headers: { 'content-type': 'application/json' } }),
      /more than 65536 bytes/,
    ],
    ['gives a token that has expired', async () => token(0), /expired already/],
    ['gives a token with a line break', async () => token(60, 'CANARY\nx'), /control character/],
    [
      'is away',
      async () => Promise.reject(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })),
      /ECONNREFUSED/,
    ],
  ] as const) {
    it(`is not there when the endpoint ${what}, and the message shows nothing`, async () => {
      const { credential } = machine(answer)
      const error = await refusal(credential.build(facts()))
      assert.equal(error.code, 'secret-unavailable')
      assert.match(error.message, message)
    })
  }

  it('is wrong from the start without https, or without its secret', async () => {
    assert.throws(() => machine(async () => token(), { tokenUrl: 'http://idp.example.com/token' }), /expected https:/)
    machine(async () => token(), { tokenUrl: 'http://127.0.0.1:1/token' })
    const { credential, asked } = machine(async () => token(), { clientSecret: { kind: 'env', name: 'NOPE' } })
    const [problem] = await checkCredentials(new Map([['machine', credential]]))
    assert.deepEqual(problem?.path, ['machine', 'oauth2', 'clientSecret'])
    assert.match(problem?.message ?? '', /NOPE is not set/)
    assert.equal(asked.length, 0)
  })
})

describe('a source of tokens', () => {
  const clock = { nowMs: 1_000_000 }
  const source = (fetch: () => Promise<FetchedToken>) => new TokenSource(fetch, () => clock.nowMs)
  const good = (lifeMs: number): FetchedToken => ({ secret: new Secret('x'), expiresAtMs: clock.nowMs + lifeMs })

  it('asks again after most of a life, and goes on with the old one where that fails', async () => {
    let fails = false
    let count = 0
    const tokens = source(async () => {
      count++
      if (fails) throw new Error('away')
      return good(100_000)
    })
    const first = await tokens.current()
    clock.nowMs += 74_000
    assert.equal(await tokens.current(), first)
    fails = true
    clock.nowMs += 2_000
    assert.equal(await tokens.current(), first)
    assert.equal(count, 2)
    clock.nowMs += 25_000
    await assert.rejects(tokens.current(), /away/)
    fails = false
    clock.nowMs += 60_000
    assert.notEqual(await tokens.current(), first)
  })

  it('after a failure asks at growing intervals, whoever wants a token', async () => {
    let count = 0
    const tokens = source(async () => {
      count++
      throw new Error('away')
    })
    const askedAt: number[] = []
    for (let second = 0; second < 200; second++) {
      const before = count
      await assert.rejects(tokens.current(), /away/)
      if (count > before) askedAt.push(second)
      clock.nowMs += 1000
    }
    assert.ok(count <= 12, `${count} times`)
    const gaps = askedAt.slice(1).map((at, index) => at - (askedAt[index] ?? 0))
    assert.ok((gaps[0] ?? 0) <= 2 && (gaps.at(-1) ?? 0) >= 30, gaps.join(' '))
  })
})
