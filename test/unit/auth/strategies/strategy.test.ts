/** Passport on one request without response: every way in which a strategy can end becomes a value or a rejection. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import type { Strategy, StrategyCreatedStatic } from 'passport'
import type { Outcome } from '../../../../auth/authenticator.ts'
import { cookieValues, headerValues, queryValues } from '../../../../auth/strategies/carriers.ts'
import { authenticatorOf, strategyRun, viewOf } from '../../../../auth/strategies/strategy.ts'
import { authenticationRequest } from '../../../support/authentication-request.ts'

type Verify = (token: string, done: (error: unknown, user?: unknown) => void) => void
const { Strategy: BearerStrategy } = createRequire(import.meta.url)('passport-http-bearer') as {
  readonly Strategy: new (verify: Verify) => Strategy
}
const { http } = authenticationRequest({ headers: [['Authorization', 'Bearer good']] })

function run(act: (strategy: StrategyCreatedStatic) => unknown) {
  const strategy: Strategy = {
    name: 'test',
    authenticate(this: StrategyCreatedStatic) {
      return act(this)
    },
  }
  return strategyRun(strategy)(viewOf(http))
}

describe('a strategy', () => {
  it('succeeds with a user', async () => {
    const user = { id: 'joe' }
    const verdict = await run((strategy) => strategy.success(user, { scope: 'all' }))
    assert.deepEqual(verdict, { kind: 'success', user, info: { scope: 'all' } })
  })

  it('fails with a challenge and a status', async () => {
    assert.deepEqual(await run((strategy) => strategy.fail('Bearer', 400)), {
      kind: 'fail',
      challenge: 'Bearer',
      status: 400,
    })
    assert.deepEqual(await run((strategy) => strategy.fail(400)), { kind: 'fail', challenge: undefined, status: 400 })
  })

  it('passes, or wants the browser elsewhere', async () => {
    assert.deepEqual(await run((strategy) => strategy.pass()), { kind: 'pass' })
    assert.deepEqual(await run((strategy) => strategy.redirect('https://idp.example.com')), { kind: 'redirect' })
    const later = run((strategy) => void setImmediate(() => strategy.redirect('https://idp.example.com')))
    assert.deepEqual(await later, { kind: 'redirect' })
  })

  it('rejects when it throws, rejects, or says error', async () => {
    const boom = new Error('boom')
    const thrown = () => {
      throw boom
    }
    await assert.rejects(run(thrown), boom)
    await assert.rejects(
      run(async () => thrown()),
      boom,
    )
    await assert.rejects(
      run((strategy) => strategy.error(boom)),
      boom,
    )
    await assert.rejects(
      run((strategy) => strategy.error('a text')),
      /without an error/,
    )
  })

  it('counts its first word only', async () => {
    const verdict = await run((strategy) => {
      strategy.fail('no')
      strategy.success({ id: 'joe' })
    })
    assert.equal(verdict.kind, 'fail')
  })

  it('leaves nothing on the request', async () => {
    const before = Object.getOwnPropertyNames(http)
    await run((strategy) => strategy.success({ id: 'joe' }))
    assert.deepEqual(Object.getOwnPropertyNames(http), before)
  })

  it('may be anybody’s: passport-http-bearer', async () => {
    const bearer = strategyRun(
      new BearerStrategy((token, done) => done(null, token === 'good' ? { id: 'joe' } : false)),
    )
    assert.equal((await bearer(viewOf(http))).kind, 'success')
    const bad = await bearer(authenticationRequest({ headers: [['Authorization', 'Bearer bad']] }).http)
    assert.deepEqual(bad, { kind: 'fail', challenge: 'Bearer realm="Users", error="invalid_token"', status: undefined })
  })
})

describe('an authenticator of our own', () => {
  const identity = { issuer: 'x', subject: 'joe', authenticator: 'x', roles: [], claims: {}, fromCookie: false }
  const outcomes: readonly Outcome[] = [
    { kind: 'absent' },
    { kind: 'proven', identity, carrier: 'header' },
    { kind: 'refused', detail: 'no good', ambient: true, retryAfterSeconds: 3 },
  ]
  for (const outcome of outcomes) {
    it(`gives ${outcome.kind} through Passport as it was`, async () => {
      const authenticator = authenticatorOf({ name: 'x', type: 'test' }, async () => outcome)
      assert.deepEqual(await authenticator.authenticate(authenticationRequest()), outcome)
    })
  }

  it('keeps requests at one time apart', async () => {
    const authenticator = authenticatorOf({ name: 'x', type: 'test' }, async (request) => {
      await new Promise(setImmediate)
      return { kind: 'refused', detail: request.address }
    })
    const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
    const all = await Promise.all(
      addresses.map((address) => authenticator.authenticate(authenticationRequest({ address }))),
    )
    assert.deepEqual(
      all.map((outcome) => outcome.kind === 'refused' && outcome.detail),
      addresses,
    )
  })
})

describe('carriers', () => {
  it('give every header of a name, in any case', () => {
    const request = authenticationRequest({
      headers: [
        ['X-A', '1'],
        ['x-a', '2'],
        ['X-B', '3'],
      ],
    })
    assert.deepEqual(headerValues(request.http, 'x-a'), ['1', '2'])
  })

  it('give every cookie of a name, exactly', () => {
    const request = authenticationRequest({
      headers: [
        ['Cookie', 'at=1; xat=2; at =3;at=a=b; AT=4; novalue; "at"=5; \u00a0at=6; \vat=7; at\u0085=8'],
        ['Cookie', 'at='],
      ],
    })
    assert.deepEqual(cookieValues(request.http, 'at'), ['1', '3', 'a=b', ''])
  })

  it('give every parameter of a name, however it is written', () => {
    const values = (url: string) => queryValues(authenticationRequest({ url }).http, 'ticket')
    assert.deepEqual(values('/amqp'), [])
    assert.deepEqual(values('/amqp?ticket=a&%74icket=b&Ticket=c&x=ticket=d'), ['a', 'b'])
    assert.deepEqual(values('/amqp?a?ticket=b'), [])
    assert.deepEqual(values('http://[broken/amqp?ticket=%zz'), ['%zz'])
  })
})
