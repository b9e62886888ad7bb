/** Credentials that a module of the operator's own decides on: what it sees, what it may answer, how long that is kept. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PromotionRefused } from '../../../../../auth/errors.ts'
import type { Identity } from '../../../../../auth/identity.ts'
import { KeptAnswers } from '../../../../../auth/kept-answers.ts'
import { checkCredentials, compileCredential } from '../../../../../auth/promotion/credentials/credentials.ts'
import type { ModuleContext } from '../../../../../auth/promotion/credentials/module-credential.ts'
import type { SecretSources } from '../../../../../auth/promotion/input.ts'
import { Secret } from '../../../../../auth/secret.ts'
import { until } from '../../../../support/until.ts'

const joe: Identity = {
  issuer: 'https://idp.example.com',
  subject: 'joe.smith',
  authenticator: 'sso',
  roles: ['trader'],
  claims: { dept: { name: 'ops' }, iat: 1 },
  fromCookie: false,
  accessToken: new Secret('CANARY-token-of-joe'),
}
const facts = (extra: Partial<Identity> = {}, address = '203.0.113.7') => ({
  identity: { ...joe, ...extra },
  address,
  session: 's-1',
})

type Module = (identity: Identity, context: ModuleContext) => unknown

function credentialOf(module: unknown, { timeout = 1000, cache = 0, options = {} } = {}) {
  let loadCount = 0
  const sources: SecretSources = {
    readFile: async () => Buffer.alloc(0),
    env: () => undefined,
    load: async () => {
      loadCount++
      if (module instanceof Error) throw module
      return module
    },
  }
  const credential = compileCredential({ kind: 'module', module: '/etc/own.mjs', timeout, cache, options }, sources, {
    name: 'own',
    broker: 'main',
  })
  return { credential, loadCount: () => loadCount }
}

const answering = (ask: Module, options = {}) => credentialOf({ default: ask }, options)

async function refusal(promise: Promise<unknown>): Promise<PromotionRefused> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof PromotionRefused, String(error))
  assert.ok(!error.message.includes('CANARY'), error.message)
  return error
}

/** What a module may do and ours may not: reject with something that is no Error. */
const rejected: (reason: unknown) => Promise<never> = Promise.reject.bind(Promise)

describe('a module', () => {
  it('sees the identity, the broker, its options, the address and the token, and decides', async () => {
    const seen: unknown[] = []
    const { credential } = answering(
      async (identity, { broker, options, address, signal, accessToken }) => {
        seen.push(identity, broker, options, address, accessToken(), signal.aborted)
        assert.throws(() => Object.assign(identity.claims['dept'] as object, { name: 'x' }), TypeError)
        return { username: `${identity.subject}-at-${broker}`, password: 'CANARY-made' }
      },
      { options: { prefix: 'p' } },
    )
    const built = await credential.build(facts())
    const { issuer, subject, authenticator, roles, claims } = joe
    assert.deepEqual(seen, [
      { issuer, subject, authenticator, roles, claims },
      'main',
      { prefix: 'p' },
      '203.0.113.7',
      'CANARY-token-of-joe',
      false,
    ])
    assert.equal(built.response('PLAIN').toString(), '\0joe.smith-at-main\0CANARY-made')
    assert.equal(credential.username(facts()), undefined)
    assert.deepEqual(joe.claims['dept'], { name: 'ops' })
  })

  it('may answer at once, in bytes, and with an end that it is asked about again', async () => {
    let n = 0
    const expiresAt = new Date(Date.now() + 60_000)
    const { credential } = answering(() => ({ username: 'u', password: Buffer.from(`secret-${++n}`), expiresAt }))
    const built = await credential.build(facts())
    assert.equal(built.secret?.().toString(), 'secret-1')
    assert.equal(built.renewal?.expiresAtMs, expiresAt.getTime())
    assert.equal(built.isPassedOn, true)
    assert.ok((built.renewal?.dueAtMs ?? 0) < expiresAt.getTime() - 10_000)
    assert.equal((await built.renewal?.next())?.secret?.().toString(), 'secret-2')
  })

  for (const [what, ask, code, message] of [
    ['knows nobody', () => undefined, 'bad-value', /has no credential for this identity/],
    ['knows nobody, as null', () => null, 'bad-value', /has no credential for this identity/],
    ['answers with a text', () => 'CANARY', 'secret-unavailable', /no object/],
    ['answers without a user', () => ({ password: 'CANARY' }), 'secret-unavailable', /`username`/],
    ['answers with an empty user', () => ({ username: '', password: 'CANARY' }), 'bad-value', /empty text/],
    ['answers with a NUL', () => ({ username: 'a\0b', password: 'CANARY' }), 'bad-value', /NUL/],
    ['answers with guest', () => ({ username: 'guest', password: 'CANARY' }), 'bad-value', /own machine/],
    ['answers without a password', () => ({ username: 'u' }), 'secret-unavailable', /`password`/],
    ['answers with an empty password', () => ({ username: 'u', password: '' }), 'secret-unavailable', /0 bytes/],
    [
      'answers with a huge password',
      () => ({ username: 'u', password: 'x'.repeat(40_000) }),
      'secret-unavailable',
      /40000/,
    ],
    ['answers with a line break', () => ({ username: 'u', password: 'CANARY\n' }), 'secret-unavailable', /line break/],
    [
      'answers with a past end',
      () => ({ username: 'u', password: 'CANARY', expiresAt: 1 }),
      'secret-unavailable',
      /expiresAt/,
    ],
    [
      'answers with no time',
      () => ({ username: 'u', password: 'CANARY', expiresAt: 'soon' }),
      'secret-unavailable',
      /expiresAt/,
    ],
    [
      'throws',
      () => {
        throw new Error('the vault is sealed')
      },
      'secret-unavailable',
      /failed: the vault is sealed/,
    ],
    ['throws nonsense', () => rejected(7), 'secret-unavailable', /failed: unknown failure/],
  ] as const) {
    it(`that ${what} promotes nobody`, async () => {
      const error = await refusal(answering(ask).credential.build(facts()))
      assert.equal(error.code, code)
      assert.match(error.message, message)
      assert.match(error.message, /\/etc\/own\.mjs|the secret/)
    })
  }

  it('has a deadline, and hears of it', async () => {
    let aborted = false
    const { credential } = answering(
      async (_identity, { signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true
        })
        await new Promise(() => undefined)
      },
      { timeout: 30 },
    )
    const error = await refusal(credential.build(facts()))
    assert.equal(error.code, 'secret-unavailable')
    assert.match(error.message, /longer than 30 ms/)
    await until(() => aborted)
  })

  it('is loaded once, and again after it could not be', async () => {
    const { credential, loadCount } = answering(() => ({ username: 'u', password: 'p' }))
    await credential.check()
    await credential.build(facts())
    assert.equal(loadCount(), 1)
    for (const [module, message] of [
      [new Error('no such file'), /cannot be loaded: no such file/],
      [{ other: () => undefined }, /no function as its default export/],
    ] as const) {
      const { credential: broken, loadCount: tries } = credentialOf(module)
      const [problem] = await checkCredentials(new Map([['own', broken]]))
      assert.deepEqual(problem?.path, ['own', 'module'])
      assert.match(problem?.message ?? '', message)
      await refusal(broken.build(facts()))
      assert.equal(tries(), 2)
    }
  })
})

describe('what a module answered', () => {
  const counting = (cache: number) => {
    let count = 0
    const { credential } = answering(() => ({ username: 'u', password: `p${++count}` }), { cache })
    const askFor = async (who: ReturnType<typeof facts>) => (await credential.build(who)).secret?.().toString()
    return { askFor, ask: async (...who: Parameters<typeof facts>) => await askFor(facts(...who)) }
  }

  it('is kept for that very identity, and for nobody else', async () => {
    const { ask } = counting(60_000)
    assert.equal(await ask(), 'p1')
    assert.equal(await ask({ issuer: 'https://other.example.com' }), 'p2')
    assert.equal(await ask({ subject: 'ann' }), 'p3')
    assert.equal(await ask({ roles: ['trader', 'senior'] }), 'p4')
    assert.equal(await ask({ claims: { dept: { name: 'fx' } } }), 'p5')
    assert.equal(await ask({ authenticator: 'staff' }), 'p6')
    assert.equal(await ask({}, '203.0.113.8'), 'p7')
    assert.equal(await ask(), 'p1')
  })

  it('G62 is never given to another proof of the same person', async () => {
    const { ask, askFor } = counting(60_000)
    const seen = new Set([await ask()])
    const fleeting = ['iat', 'exp', 'nbf', 'jti', 'auth_time', 'at_hash', 'nonce', 'sid', 'acr']
    for (const claim of fleeting) seen.add(await ask({ claims: { ...joe.claims, [claim]: 7 } }))
    seen.add(await ask({ accessToken: new Secret('CANARY-another-token') }))
    seen.add(await ask({ accessToken: new Secret('') }))
    const { accessToken: _none, ...tokenless } = joe
    seen.add(await askFor({ ...facts(), identity: tokenless }))
    assert.equal(seen.size, fleeting.length + 4)
    assert.equal(await ask(), 'p1')
  })

  it('G62 tells apart what JSON would not', async () => {
    const { ask } = counting(60_000)
    const values = [
      new Map([['a', 1]]),
      new Map([['a', 2]]),
      new Set(['a']),
      new Date(0),
      new Date(0).toISOString(),
      Number.NaN,
      null,
      undefined,
      1n,
      1,
      '1',
      -0,
      0,
    ]
    const answers = await Promise.all(values.map((value) => ask({ claims: { value } })))
    assert.equal(new Set(answers).size, values.length)
    assert.equal(await ask({ claims: { value: new Map([['a', 2]]) } }), 'p2')
  })

  it('is not kept where that was said, but shared by those who ask at once', async () => {
    const { ask } = counting(0)
    assert.equal(await ask(), 'p1')
    assert.equal(await ask(), 'p2')
    assert.deepEqual(await Promise.all([ask(), ask(), ask()]), ['p3', 'p3', 'p3'])
  })

  it('is kept no longer than it is true, and so many at most', async () => {
    const clock = { nowMs: 0 }
    let count = 0
    const kept = new KeptAnswers<number>(2, 1000, () => clock.nowMs)
    const get = (key: string, expiresAtMs?: number) => kept.get(key, async () => ({ value: ++count, expiresAtMs }))
    assert.equal(await get('a', 400), 1)
    clock.nowMs = 199
    assert.equal(await get('a'), 1)
    clock.nowMs = 201
    assert.equal(await get('a'), 2)
    assert.equal(await get('b'), 3)
    assert.equal(await get('c'), 4)
    assert.equal(await get('b'), 3)
    assert.equal(await get('a'), 5, 'the oldest went')
    clock.nowMs = 2000
    assert.equal(await get('a'), 6)
  })

  it('is not kept when it was a failure', async () => {
    const kept = new KeptAnswers<number>(2, 1000)
    await assert.rejects(
      kept.get('a', () => Promise.reject(new Error('no'))),
      /no/,
    )
    assert.equal(await kept.get('a', async () => ({ value: 1, expiresAtMs: undefined })), 1)
  })
})
