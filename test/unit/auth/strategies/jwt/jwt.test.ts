/** What a good token says, and where it may be. The bad ones are in jwt-forged, jwt-misfit and jwt-malformed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Outcome } from '../../../../../auth/authenticator.ts'
import { ASYMMETRIC_ALGORITHMS } from '../../../../../auth/strategies/jwt/jwks-key.ts'
import { type JwtOptions, jwtAuthenticator } from '../../../../../auth/strategies/jwt/jwt.ts'
import { authenticationRequest, type RequestParts } from '../../../../support/authentication-request.ts'
import { encode, forgeKey, publicJwk, signHmac, signToken } from '../../../../support/token-forge.ts'

const NOW_MS = 1_800_000_000_000
const NOW = NOW_MS / 1000
const ISSUER = 'https://idp.example.com'
const keys = ASYMMETRIC_ALGORITHMS.map((alg) => forgeKey(alg))
const [rs256] = keys
assert.ok(rs256)
const claims = { iss: ISSUER, aud: 'amqp', sub: 'joe.smith', exp: NOW + 60, iat: NOW }
const good = (extra: object = {}, key = rs256) =>
  signToken({ alg: key.alg, kid: key.kid }, { ...claims, ...extra }, key)

function authenticator(options: Partial<JwtOptions> = {}, document: unknown = { keys: keys.map(publicJwk) }) {
  return jwtAuthenticator(
    {
      name: 'sso',
      issuer: ISSUER,
      audience: ['amqp'],
      jwksFile: 'keys.json',
      algorithms: ASYMMETRIC_ALGORITHMS,
      subject: 'sub',
      from: ['bearer', 'subprotocol'],
      ...options,
    },
    {
      readFile: async () => Buffer.from(JSON.stringify(document)),
      observe: () => undefined,
      nowMs: () => NOW_MS,
    },
  )
}

const bearer = (token: string) => ['Authorization', `Bearer ${token}`] as const
const subprotocol = (token: string) =>
  ['Sec-WebSocket-Protocol', `amqp, base64url.bearer.authorization.k8s.io.${encode(token)}`] as const
const cookie = (token: string, name = 'at') => ['Cookie', `theme=dark; ${name}=${token}`] as const

async function prove(token: string, options: Partial<JwtOptions> = {}): Promise<Outcome> {
  return authenticator(options).authenticate(authenticationRequest({ headers: [bearer(token)] }))
}

function identityOf(outcome: Outcome) {
  assert.equal(outcome.kind, 'proven', JSON.stringify(outcome))
  return outcome.identity
}

function detailOf(outcome: Outcome): string {
  assert.equal(outcome.kind, 'refused', JSON.stringify(outcome))
  return outcome.detail
}

describe('jwtAuthenticator', () => {
  for (const key of keys) {
    it(`accepts ${key.alg}`, async () => {
      assert.equal(identityOf(await prove(good({}, key))).subject, 'joe.smith')
    })
  }

  it('says who it is, until when, and with which token', async () => {
    const token = good({ realm_access: { roles: ['trader', 'ops', 'trader'] }, sid: 's1', dept: 'fx' })

    const identity = identityOf(await prove(token, { roles: { path: 'realm_access.roles' } }))

    assert.equal(identity.issuer, ISSUER)
    assert.equal(identity.authenticator, 'sso')
    assert.deepEqual(identity.roles, ['trader', 'ops'])
    assert.equal(identity.claims['dept'], 'fx')
    assert.equal(identity.expiresAtMs, (NOW + 60) * 1000)
    assert.equal(identity.fromCookie, false)
    assert.equal(identity.sessionKey, JSON.stringify([ISSUER, 's1']))
    assert.equal(identity.accessToken?.reveal().toString(), token)
    assert.equal(JSON.stringify(identity).includes(token), false)
    assert.throws(() => Object.assign(identity.claims, { dept: 'ops' }))
  })

  it('takes a fraction of a second, and a token good for 60 days', async () => {
    assert.equal(identityOf(await prove(good({ exp: NOW + 1.25 }))).expiresAtMs, NOW_MS + 1250)
    assert.equal(identityOf(await prove(good({ exp: NOW + 60 * 86400 }))).expiresAtMs, NOW_MS + 60 * 86_400_000)
  })

  it('allows a skew of 30 s for nbf and iat, and none for exp', async () => {
    identityOf(await prove(good({ nbf: NOW + 30, iat: NOW + 30 })))
    assert.match(detailOf(await prove(good({ nbf: NOW + 31 }))), /nbf/)
    assert.match(detailOf(await prove(good({ iat: NOW + 31 }))), /iat/)
    assert.match(detailOf(await prove(good({ exp: NOW }))), /expired/)
    identityOf(await prove(good({ exp: NOW + 0.001 })))
  })

  it('ends a token without exp at its age, and one with both at the earlier end', async () => {
    const options = { maxAgeMs: 10_000 }
    assert.equal(identityOf(await prove(good({ exp: undefined }), options)).expiresAtMs, NOW_MS + 10_000)
    assert.equal(identityOf(await prove(good({ exp: NOW + 5 }), options)).expiresAtMs, NOW_MS + 5000)
    assert.equal(identityOf(await prove(good({ exp: NOW + 50 }), options)).expiresAtMs, NOW_MS + 10_000)
    assert.match(detailOf(await prove(good({ iat: NOW - 10 }), options)), /expired/)
    assert.match(detailOf(await prove(good({ iat: undefined }), options)), /maxAge/)
  })

  it('accepts one of several audiences, on either side', async () => {
    identityOf(await prove(good({ aud: ['other', 'amqp'] })))
    identityOf(await prove(good({ aud: 'second' }), { audience: ['first', 'second'] }))
  })

  it('finds the audience in the claim that is named instead of aud', async () => {
    const cognito = { aud: undefined, client_id: 'amqp', token_use: 'access' }
    const options = { audienceClaim: 'client_id' }
    identityOf(await prove(good(cognito), options))
    assert.match(detailOf(await prove(good(cognito))), /the audience is absent/)
    assert.match(detailOf(await prove(good({ ...cognito, client_id: 'other' }), options)), /client_id.* is "other"/)
    assert.match(detailOf(await prove(good({ aud: 'amqp' }), options)), /\(client_id\) is absent/)
    assert.match(detailOf(await prove(good({ ...cognito, client_id: { amqp: 1 } }), options)), /not strings/)
  })

  it('reads roles from a scope, separated by spaces, and from a claim whose name has dots', async () => {
    assert.deepEqual(identityOf(await prove(good({ scope: 'read  write' }), { roles: { path: 'scope' } })).roles, [
      'read',
      'write',
    ])
    const namespaced = { 'https://example.com/roles': ['trader'] }
    assert.deepEqual(
      identityOf(await prove(good(namespaced), { roles: { path: 'https://example.com/roles' } })).roles,
      ['trader'],
    )
    assert.deepEqual(identityOf(await prove(good(), { roles: { path: 'realm_access.roles' } })).roles, [])
  })

  it('takes the subject from the claim that is named', async () => {
    assert.equal(identityOf(await prove(good({ upn: 'joe@x' }), { subject: 'upn' })).subject, 'joe@x')
    assert.match(detailOf(await prove(good(), { subject: 'upn' })), /upn is absent/)
  })

  it('takes ID tokens only where told so, and at+jwt alone where told so', async () => {
    const idToken = good({ at_hash: 'x' })
    assert.match(detailOf(await prove(idToken)), /ID token/)
    identityOf(await prove(idToken, { tokenType: 'id-token' }))
    const typed = signToken({ alg: 'RS256', kid: 'RS256', typ: 'application/AT+jwt' }, claims, rs256)
    identityOf(await prove(typed, { tokenType: 'at+jwt' }))
    assert.match(detailOf(await prove(good(), { tokenType: 'at+jwt' })), /type/)
  })

  it('never uses a key, or the address of one, that a token names', async () => {
    const headers = {
      jku: 'https://evil.example',
      x5u: 'https://evil.example',
      jwk: publicJwk(forgeKey('RS256', 'evil')),
    }
    identityOf(await prove(signToken({ alg: 'RS256', kid: 'RS256', ...headers }, claims, rs256)))
  })

  it('finds the key of a token that names none', async () => {
    identityOf(await prove(signToken({ alg: 'RS256' }, claims, rs256)))
  })

  it('accepts HMAC only by name, alone, from a file, with a key long enough', async () => {
    const secret = Buffer.alloc(32, 7)
    const token = signHmac({ alg: 'HS256', kid: 'h' }, claims, secret)
    const set = { keys: [{ kty: 'oct', kid: 'h', k: secret.toString('base64url') }] }
    const one = authenticator({ algorithms: ['HS256'] }, set)
    identityOf(await one.authenticate(authenticationRequest({ headers: [bearer(token)] })))
    assert.throws(() => authenticator({ algorithms: ['HS256', 'RS256'] }), /HS256 only without others/)
    const short = authenticator({ algorithms: ['HS256'] }, { keys: [{ kty: 'oct', k: 'c2hvcnQ' }] })
    await assert.rejects(
      short.authenticate(authenticationRequest({ headers: [bearer(token)] })),
      /no key that is usable/,
    )
  })

  it('fails, rather than refuses, where keys cannot be had; and never for another issuer', async () => {
    const down = authenticator({}, { keys: [] })
    const ask = (token: string) => down.authenticate(authenticationRequest({ headers: [bearer(token)] }))
    await assert.rejects(ask(good()), /temporary failure/)
    assert.match(detailOf(await ask(good({ iss: 'https://other.example' }))), /issuer/)
  })

  it('wants exactly one place for keys, and https for it', () => {
    assert.throws(() => authenticator({ jwksUri: `${ISSUER}/jwks` }), /either jwksUri or jwksFile/)
    const uri = (jwksUri: string) => {
      const policy = {
        issuer: ISSUER,
        audience: ['amqp'],
        subject: 'sub',
        algorithms: ['RS256'],
        from: ['bearer'],
      } as const
      return jwtAuthenticator(
        { name: 'sso', ...policy, jwksUri },
        { readFile: async () => Buffer.alloc(0), observe: () => undefined },
      )
    }
    assert.throws(() => uri('http://idp.example.com/jwks'), /https/)
    assert.throws(() => uri('http://10.0.0.1/jwks'), /https/)
    assert.throws(() => uri('file:///etc/passwd'), /https/)
    assert.throws(() => uri('https://user:pass@idp.example.com/'), /without user/)
    uri('http://127.0.0.1:1/jwks')
    uri('http://[::1]:1/jwks')
  })
})

describe('carriers of tokens', () => {
  const all = { from: ['cookie:at', 'bearer', 'subprotocol'] } as const
  const run = async (headers: RequestParts['headers'], options: Partial<JwtOptions> = all) =>
    authenticator(options).authenticate(authenticationRequest({ headers: headers ?? [] }))

  it('names the carrier, and marks what came from a cookie', async () => {
    for (const [header, carrier, fromCookie] of [
      [bearer(good()), 'authorization', false],
      [subprotocol(good()), 'subprotocol', false],
      [cookie(good()), 'cookie:at', true],
    ] as const) {
      const outcome = await run([header])
      assert.equal(identityOf(outcome).fromCookie, fromCookie)
      assert.equal(outcome.kind === 'proven' && outcome.carrier, carrier)
    }
  })

  it('looks nowhere else', async () => {
    const elsewhere = await authenticator(all).authenticate(
      authenticationRequest({ url: `/amqp?access_token=${good()}`, headers: [['X-Token', good()]] }),
    )
    assert.deepEqual(elsewhere, { kind: 'absent' })
    assert.deepEqual(await run([cookie(good(), 'other')]), { kind: 'absent' })
    assert.deepEqual(await run([subprotocol(good()), cookie(good())], { from: ['bearer'] }), { kind: 'absent' })
    assert.deepEqual(await run([['Authorization', 'Basic am9lOnB3']]), { kind: 'absent' })
    assert.deepEqual(await run([['Authorization', 'Bearerish x']]), { kind: 'absent' })
    assert.deepEqual(await run([['Sec-WebSocket-Protocol', 'amqp']]), { kind: 'absent' })
    assert.deepEqual(await run([['Cookie', 'at=']]), { kind: 'absent' })
  })

  it('prefers what the page sent itself to a cookie, whatever the order', async () => {
    const outcome = await run([cookie(good()), bearer(good())])
    assert.equal(identityOf(outcome).fromCookie, false)
  })

  it('forgets a stale cookie beside a good token, and not a bad token beside a good cookie', async () => {
    identityOf(await run([cookie(good({ exp: NOW - 1 })), bearer(good())]))
    assert.match(detailOf(await run([cookie(good()), bearer(good({ exp: NOW - 1 }))])), /expired/)
    const stale = await run([cookie(good({ exp: NOW - 1 }))])
    assert.ok(stale.kind === 'refused' && stale.ambient)
  })

  it('refuses two subjects in one request', async () => {
    assert.match(detailOf(await run([bearer(good()), subprotocol(good({ sub: 'eve' }))])), /two subjects/)
    identityOf(await run([bearer(good()), subprotocol(good({ dept: 'fx' }))]))
  })

  for (const [what, headers] of [
    ['two Authorization headers', [bearer(good()), bearer(good())]],
    ['Authorization: Bearer without a token', [['Authorization', 'Bearer']]],
    ['Authorization: Bearer with two', [['Authorization', `Bearer ${good()} ${good()}`]]],
    ['Authorization: Bearer, and a list', [['Authorization', `Bearer ${good()}, Basic x`]]],
    ['two cookies of one name', [['Cookie', `at=${good()}; at=${good()}`]]],
    ['two subprotocol tokens', [subprotocol(good()), subprotocol(good())]],
    ['a subprotocol token with padding', [['Sec-WebSocket-Protocol', 'base64url.bearer.authorization.k8s.io.YQ==']]],
    ['an empty subprotocol token', [['Sec-WebSocket-Protocol', 'base64url.bearer.authorization.k8s.io.']]],
    [
      'a subprotocol token of control bytes',
      [['Sec-WebSocket-Protocol', 'base64url.bearer.authorization.k8s.io.AAAA']],
    ],
    ['a huge subprotocol token', [subprotocol('a'.repeat(20_000))]],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const outcome = await run(headers)
      assert.equal(outcome.kind, 'refused')
      assert.ok(outcome.kind === 'refused' && outcome.malformed)
    })
  }

  it('shows nobody the token it refuses', async () => {
    const token = good({ exp: NOW - 1 })
    const detail = detailOf(await run([bearer(token)]))
    for (const part of token.split('.')) assert.equal(detail.includes(part), false)
  })
})

describe('a token bound to a key', () => {
  it('is refused where the connection does not prove that key', async () => {
    const thumbprint = encode(Buffer.alloc(32, 1))
    assert.match(detailOf(await prove(good({ cnf: { 'x5t#S256': thumbprint } }))), /certificate/)
    assert.match(detailOf(await prove(good({ cnf: { jkt: thumbprint } }))), /cannot be checked/)
    assert.match(detailOf(await prove(good({ cnf: 'x' }))), /cannot be checked/)
  })
})

describe('renew', () => {
  const renew = async (token: string, options: Partial<JwtOptions> = {}) => {
    const sso = authenticator(options)
    const first = identityOf(await sso.authenticate(authenticationRequest({ headers: [bearer(good())] })))
    assert.ok(sso.renew)
    return sso.renew(first, Buffer.from(token), { service: '/amqp' })
  }

  it('proves the same person anew, from scratch', async () => {
    const renewed = identityOf(await renew(good({ exp: NOW + 600, roles: ['viewer'] }), { roles: { path: 'roles' } }))
    assert.equal(renewed.expiresAtMs, NOW_MS + 600_000)
    assert.deepEqual(renewed.roles, ['viewer'])
  })

  it('refuses somebody else, an expired token, another issuer, a bound one, and garbage', async () => {
    assert.match(detailOf(await renew(good({ sub: 'eve' }))), /another issuer or subject/)
    assert.match(detailOf(await renew(good({ exp: NOW - 1 }))), /expired/)
    assert.match(detailOf(await renew(good({ iss: 'https://evil.example' }))), /issuer/)
    assert.match(detailOf(await renew(good({ cnf: { 'x5t#S256': 'x' } }))), /another key/)
    assert.match(detailOf(await renew('garbage')), /base64url|parts/)
    assert.match(detailOf(await renew('')), /base64url|parts/)
  })
})
