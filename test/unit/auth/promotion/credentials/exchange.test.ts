/** A token made of the user's own: what is asked for, how often, and when there is none. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { InvalidConfiguration, PromotionRefused } from '../../../../../auth/errors.ts'
import type { Identity } from '../../../../../auth/identity.ts'
import { compileCredential } from '../../../../../auth/promotion/credentials/credentials.ts'
import type { ExchangeCredentialInput } from '../../../../../auth/promotion/input.ts'
import { Secret } from '../../../../../auth/secret.ts'

const ISSUER = 'https://idp.example.com'
const ENDPOINT = `${ISSUER}/token`

const joe: Identity = {
  issuer: ISSUER,
  subject: 'joe.smith',
  authenticator: 'sso',
  roles: [],
  claims: { preferred_username: 'joe' },
  fromCookie: false,
  accessToken: new Secret('CANARY-token-of-joe'),
}
const facts = (identity: Identity = joe) => ({ identity, address: '203.0.113.7', session: 's-1' })

function exchange(answer: (count: number) => Response | object, input: Partial<ExchangeCredentialInput> = {}) {
  const requests: { url: string; form: URLSearchParams }[] = []
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    if (url.endsWith('/.well-known/openid-configuration'))
      return Response.json({ issuer: ISSUER, token_endpoint: ENDPOINT })
    requests.push({ url, form: new URLSearchParams(String(init.body)) })
    const said = answer(requests.length)
    return said instanceof Response ? said : Response.json(said)
  }
  const credential = compileCredential(
    {
      kind: 'exchange',
      issuer: ISSUER,
      clientId: 'gatehouse',
      clientSecret: { kind: 'text', text: 'CANARY-secret' },
      audience: 'rabbitmq',
      scope: 'rabbitmq.read:*/*',
      ...input,
    },
    { readFile: async () => Buffer.alloc(0), env: () => undefined, fetch },
    { name: 'narrowed', broker: 'main' },
  )
  return { credential, requests }
}

const token = (name: string, seconds = 600) => ({
  access_token: name,
  issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  token_type: 'Bearer',
  expires_in: seconds,
})

/** A JWT, whatever `expires_in` says beside it. */
function expired(): string {
  const payload = Buffer.from(JSON.stringify({ exp: Math.floor(Date.now() / 1000) - 60 })).toString('base64url')
  return `e30.${payload}.c2ln`
}

async function refusal(promise: Promise<unknown>): Promise<PromotionRefused> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof PromotionRefused, String(error))
  assert.ok(!error.message.includes('CANARY'), error.message)
  return error
}

describe('an exchanged token', () => {
  it('is asked for as RFC 8693 has it, and is the password', async () => {
    const { credential, requests } = exchange(() => token('CANARY-narrow'))
    const made = await credential.build(facts())
    assert.equal(made.response('PLAIN').toString(), '\0joe.smith\0CANARY-narrow')
    assert.equal(made.isPassedOn, true)
    const [request] = requests
    assert.equal(request?.url, ENDPOINT)
    assert.deepEqual(Object.fromEntries(request?.form ?? []), {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'CANARY-token-of-joe',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      scope: 'rabbitmq.read:*/*',
      audience: 'rabbitmq',
    })
    assert.ok(!inspect(made, { depth: 9, showHidden: true }).includes('CANARY'))
  })

  it('is shared by sessions of one token, and not by those of another', async () => {
    const { credential, requests } = exchange((count) => token(`narrow-${count}`))
    const [one, same] = await Promise.all([credential.build(facts()), credential.build(facts())])
    assert.equal(one?.fingerprint(), same?.fingerprint())
    await credential.build(facts({ ...joe, accessToken: new Secret('CANARY-another') }))
    assert.equal(requests.length, 2)
  })

  it('is followed by another one before its end', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const { credential, requests } = exchange((count) => token(`narrow-${count}`, 100))
    const { renewal } = await credential.build(facts())
    assert.ok(renewal !== undefined)
    const leftMs = renewal.dueAtMs - Date.now()
    assert.ok(leftMs > 70_000 && leftMs < 80_000, String(leftMs))
    t.mock.timers.tick(leftMs)
    const next = await renewal.next()
    assert.equal(next.secret?.().toString(), 'narrow-2')
    assert.equal(requests.length, 2)
  })

  it('is followed by one that sessions of one token share, too', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const { credential, requests } = exchange((count) => token(`narrow-${count}`, 100))
    const [one, same] = await Promise.all([credential.build(facts()), credential.build(facts())])
    t.mock.timers.tick(75_000)
    const next = await Promise.all([one.renewal?.next(), same.renewal?.next()])
    assert.deepEqual(
      next.map((made) => made?.secret?.().toString()),
      ['narrow-2', 'narrow-2'],
    )
    assert.equal(requests.length, 2)
  })

  it('is not followed where that is not wanted', async () => {
    const { credential } = exchange(() => token('narrow'), { renew: false })
    const made = await credential.build(facts())
    assert.deepEqual([made.renewal, made.isPassedOn], [undefined, false])
  })

  it('has the user of a claim', async () => {
    const { credential } = exchange(() => token('narrow'), { userClaim: 'preferred_username' })
    assert.equal((await credential.build(facts())).username, 'joe')
    const without = await refusal(credential.build(facts({ ...joe, claims: {} })))
    assert.equal(without.code, 'bad-value')
  })

  it('is refused to people without a token of their own', async () => {
    const { accessToken: _token, ...tokenless } = joe
    const { credential, requests } = exchange(() => token('narrow'))
    assert.match((await refusal(credential.build(facts(tokenless)))).message, /no access token to exchange/)
    assert.equal(requests.length, 0)
  })

  for (const [what, answer, why] of [
    ['says no', Response.json({ error: 'invalid_grant' }, { status: 400 }), /says invalid_grant \(400\)/],
    ['fails', new Response('', { status: 500 }), /gives no token: .*\(500\)$/],
    ['answers with a token that has expired', token('narrow', 0), /gives no token: it has expired already/],
    ['answers with a token that expired long ago', token(expired()), /gives no token: it has expired already/],
    ['answers with a token that has a line break', { ...token('a\nb') }, /control character/],
  ] as const) {
    it(`is not to be had where the endpoint ${what}`, async () => {
      const { credential } = exchange(() => (answer instanceof Response ? answer.clone() : answer))
      const error = await refusal(credential.build(facts()))
      assert.equal(error.code, 'secret-unavailable')
      assert.match(error.message, why)
    })
  }

  it('needs an issuer or an endpoint, over TLS', () => {
    assert.throws(() => exchange(() => token('x'), { issuer: undefined }), InvalidConfiguration)
    assert.throws(() => exchange(() => token('x'), { tokenUrl: 'http://idp.example.com/token' }), InvalidConfiguration)
  })
})
