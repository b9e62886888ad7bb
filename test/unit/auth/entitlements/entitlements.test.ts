/** Asking: by URL and by module, in time, once for all who ask at once, and with nothing of it in messages. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type EntitlementOutcome, Entitlements, entitlementKey } from '../../../../auth/entitlements/entitlements.ts'
import type { EntitlementQuestion, EntitlementsInput } from '../../../../auth/entitlements/input.ts'
import { EntitlementRefused, EntitlementUnavailable, InvalidConfiguration } from '../../../../auth/errors.ts'
import type { SecretSources } from '../../../../auth/promotion/input.ts'
import { facts } from '../../../support/policy.ts'

const question: EntitlementQuestion = {
  identity: facts().identity,
  service: '/amqp',
  address: '203.0.113.7',
  user: 'webuser',
  vhost: '/',
  session: 's1',
}

function entitlements(input: Partial<EntitlementsInput>, sources: Partial<SecretSources> = {}) {
  const outcomes: EntitlementOutcome[] = []
  const made = new Entitlements(
    { timeout: 200, refresh: 1000, staleFor: 1000, ...input },
    { readFile: async () => Buffer.alloc(0), env: () => undefined, ...sources },
    (outcome) => outcomes.push(outcome),
  )
  return { made, outcomes }
}

const byModule = (decide: unknown) => entitlements({ module: '/m.mjs' }, { load: async () => ({ default: decide }) })
const unavailable = (pattern: RegExp) => (error: unknown) =>
  error instanceof EntitlementUnavailable && pattern.test(error.message)

describe('entitlements by a module', () => {
  it('get the question as frozen data without the token, and the options', async () => {
    let seen: unknown[] = []
    const decide = (input: { roles: string[] }, context: unknown) => {
      seen = [input, context]
      assert.throws(() => input.roles.push('admin'), TypeError)
      return { allow: true, roles: ['desk'] }
    }
    const { made, outcomes } = entitlements(
      { module: '/m.mjs', options: { table: 't' } },
      { load: async () => ({ default: decide }) },
    )
    assert.deepEqual((await made.ask(question)).roles, ['desk'])
    const { issuer, subject, roles, claims } = question.identity
    const { identity: _identity, ...rest } = question
    assert.deepEqual(seen[0], { subject, issuer, roles, claims, ...rest })
    assert.deepEqual((seen[1] as { options: unknown }).options, { table: 't' })
    assert.deepEqual(outcomes, ['allowed'])
  })

  it('share a question among all who ask at once, whatever their sessions, and ask again afterwards', async () => {
    let asked = 0
    const { made } = byModule(async () => {
      asked += 1
      return { allow: true }
    })
    await Promise.all(['a', 'b', 'c'].map((session) => made.ask({ ...question, session })))
    assert.equal(asked, 1)
    await made.ask({ ...question, address: '203.0.113.8' })
    await made.ask(question)
    assert.equal(asked, 3)
  })

  it('are refused where the answer is no', async () => {
    const { made, outcomes } = byModule(() => ({ allow: false, reason: 'closed' }))
    await assert.rejects(
      made.ask(question),
      (error) => error instanceof EntitlementRefused && error.forClient === 'closed',
    )
    assert.deepEqual(outcomes, ['refused'])
  })

  it('B50 are unavailable where the module is late, throws, or answers with what is none; late ones are told', async () => {
    let isAborted = false
    const late = byModule(
      (_input: object, { signal }: { signal: AbortSignal }) =>
        new Promise(() => signal.addEventListener('abort', () => (isAborted = true))),
    )
    await assert.rejects(late.made.ask(question), unavailable(/longer than 200 ms/))
    assert.ok(isAborted)
    const throws = byModule(() => {
      throw new Error('no table')
    })
    await assert.rejects(throws.made.ask(question), unavailable(/no table/))
    await assert.rejects(byModule(() => undefined).made.ask(question), unavailable(/it is nothing/))
    await assert.rejects(byModule(() => 1n).made.ask(question), EntitlementUnavailable)
    const huge = byModule(() => ({ allow: true, roles: [], padding: 'x'.repeat(70_000) }))
    await assert.rejects(huge.made.ask(question), unavailable(/more than 65536 bytes/))
    assert.deepEqual(huge.outcomes, ['unavailable'])
  })

  it('read a getter once: what it says later does not count', async () => {
    let reads = 0
    const answer = {
      get allow() {
        reads += 1
        return reads > 1
      },
    }
    await assert.rejects(byModule(() => answer).made.ask(question), EntitlementRefused)
  })

  it('check that the module can be loaded', async () => {
    const { made } = entitlements({ module: '/m.mjs' }, { load: async () => ({ decide: 1 }) })
    assert.match((await made.check())[0]?.message ?? '', /no function as its default export/)
    assert.deepEqual(await byModule(() => undefined).made.check(), [])
  })
})

describe('entitlements by a URL', () => {
  const URL_OF_OPA = 'https://opa.example.com/v1/data/gatehouse/admit'

  function answering(answer: () => Response | Promise<Response>, input: Partial<EntitlementsInput> = {}) {
    const requests: { url: string; init: RequestInit }[] = []
    const asked = entitlements(
      { url: URL_OF_OPA, ...input },
      {
        fetch: async (url, init) => {
          requests.push({ url, init })
          return await answer()
        },
      },
    )
    return { ...asked, requests }
  }

  it('are asked as Open Policy Agent is', async () => {
    const { made, requests } = answering(() => Response.json({ result: { allow: true, roles: ['desk'] } }), {
      secret: { kind: 'text', text: 'abc.def' },
    })
    assert.deepEqual((await made.ask(question)).roles, ['desk'])
    const [request] = requests
    assert.equal(request?.url, URL_OF_OPA)
    assert.equal(request?.init.method, 'POST')
    assert.equal(new Headers(request?.init.headers).get('authorization'), 'Bearer abc.def')
    const { input } = JSON.parse(String(request?.init.body)) as { input: Record<string, unknown> }
    assert.deepEqual(Object.keys(input).sort(), [
      'address',
      'claims',
      'issuer',
      'roles',
      'service',
      'session',
      'subject',
      'user',
      'vhost',
    ])
  })

  const BAD: readonly (readonly [string, () => Response | Promise<Response>, RegExp])[] = [
    ['another status', () => new Response('{"allow":true}', { status: 500 }), /status 500/],
    [
      'a redirect',
      () => new Response(null, { status: 302, headers: { location: 'https://evil.example' } }),
      /status 302/,
    ],
    ['no JSON', () => new Response('<html>'), /not JSON/],
    ['two decisions in one', () => new Response('{"allow":false,"allow":true}'), /the key "allow" twice/],
    [
      'a connection that was refused, and say so',
      () => Promise.reject(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:8181') })),
      /fetch failed: connect ECONNREFUSED/,
    ],
    ['too much', () => new Response(`{"allow":true,"x":"${'x'.repeat(70_000)}"}`), /more than 65536 bytes/],
    ['an undefined decision', () => Response.json({}), /`allow`/],
  ]
  for (const [what, answer, why] of BAD) {
    it(`are unavailable for ${what}`, async () => {
      await assert.rejects(answering(answer).made.ask(question), unavailable(why))
    })
  }

  it('never show the secret', async () => {
    const { made } = answering(() => Response.json({ allow: true }), { secret: { kind: 'text', text: 'line\nbreak' } })
    await assert.rejects(made.ask(question), (error) => !String(error).includes('break'))
  })

  it('are not asked without TLS beyond this machine', () => {
    assert.throws(() => entitlements({ url: 'http://opa.example.com/x' }), InvalidConfiguration)
    entitlements({ url: 'http://127.0.0.1:8181/x' })
    assert.throws(() => entitlements({}), InvalidConfiguration)
  })
})

describe('the key of a question', () => {
  it('differs with all but the session', () => {
    const { identity } = question
    const others: Partial<EntitlementQuestion>[] = [
      { service: '/other' },
      { address: '203.0.113.8' },
      { user: 'other' },
      { vhost: undefined },
      { identity: { ...identity, roles: [] } },
      { identity: { ...identity, claims: { a: 1 } } },
      { identity: { ...identity, subject: 'x' } },
    ]
    const keys = new Set(
      [question, { ...question, session: 's2' }, ...others.map((other) => ({ ...question, ...other }))].map(
        entitlementKey,
      ),
    )
    assert.equal(keys.size, others.length + 1)
  })
})
