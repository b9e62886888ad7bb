/** Admission: which of several credentials counts, and everything that keeps the door shut. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authenticate, challengesOf } from '../../../auth/authenticate.ts'
import type { Authenticator, Outcome, Requirement } from '../../../auth/authenticator.ts'
import { type AuthenticationCode, AuthenticationRefused } from '../../../auth/errors.ts'
import { type Identity, identityKeys, sessionKeys } from '../../../auth/identity.ts'
import { renew } from '../../../auth/renew.ts'
import { Secret } from '../../../auth/secret.ts'
import { authenticationRequest, type RequestParts } from '../../support/authentication-request.ts'

const person = (authenticator: string, extra: Partial<Identity> = {}): Identity => ({
  issuer: `issuer of ${authenticator}`,
  subject: 'joe.smith',
  authenticator,
  roles: [],
  claims: {},
  fromCookie: false,
  ...extra,
})

function fake(name: string, outcome: Outcome | Error | 'never', extra: Partial<Authenticator> = {}): Authenticator {
  return {
    name,
    type: 'fake',
    ...extra,
    authenticate: async () => {
      if (outcome === 'never') return await new Promise<Outcome>(() => undefined)
      if (outcome instanceof Error) throw outcome
      return outcome
    },
  }
}

const proven = (name: string, extra: Partial<Identity> = {}, carrier?: string) =>
  fake(name, { kind: 'proven', identity: person(name, extra), ...(carrier !== undefined && { carrier }) })
const absent = (name: string) => fake(name, { kind: 'absent' })
const refused = (name: string, extra: Partial<Extract<Outcome, { kind: 'refused' }>> = {}) =>
  fake(name, { kind: 'refused', detail: `${name} says no`, ...extra })

const admit = async (requirement: Requirement, parts: RequestParts = {}) =>
  await authenticate(requirement, authenticationRequest(parts), { deadlineMs: 50 })

async function refusal(requirement: Requirement, parts: RequestParts = {}): Promise<AuthenticationRefused> {
  try {
    await admit(requirement, parts)
  } catch (error) {
    assert.ok(error instanceof AuthenticationRefused, String(error))
    return error
  }
  throw new Error('was admitted')
}

describe('any of several authenticators', () => {
  it('admits when one proves and the others see nothing', async () => {
    const admission = await admit([absent('a'), proven('b'), absent('c')])
    assert.deepEqual(admission, { identity: person('b'), authenticators: ['b'], responseHeaders: {} })
  })

  it('takes the first listed of those that agree', async () => {
    assert.deepEqual((await admit([absent('a'), proven('b'), proven('c')])).authenticators, ['b'])
  })

  it('takes two with one subject and different issuers, refuses different subjects', async () => {
    assert.ok(await admit([proven('a'), proven('b')]))
    assert.match((await refusal([proven('a'), proven('b', { subject: 'ann' })])).message, /different subjects/)
    assert.equal((await refusal([proven('a', { fromCookie: true }), proven('b', { subject: 'ann' })])).code, 'rejected')
    assert.equal((await refusal([proven('a'), proven('b', { subject: 'Joe.smith' })])).code, 'rejected')
  })

  it('asks each authenticator once, wherever it is listed', async () => {
    let asked = 0
    const once = fake('a', { kind: 'absent' })
    const counting: Authenticator = {
      ...once,
      authenticate: async () => {
        asked += 1
        return { kind: 'proven', identity: person('a') }
      },
    }
    await admit([{ all: [counting, absent('b')] }, counting, counting])
    assert.equal(asked, 1)
  })

  const cases: readonly [string, Requirement, AuthenticationCode, RegExp][] = [
    ['nothing is there', [absent('a'), absent('b')], 'missing', /no credential/],
    ['there are no authenticators', [], 'missing', /no credential/],
    ['one says no', [refused('a'), absent('b')], 'rejected', /a says no/],
    ['one says no, however good another is', [proven('a'), refused('b')], 'rejected', /b says no/],
    ['one is malformed', [refused('a', { malformed: true })], 'malformed', /a says no/],
    [
      'one is malformed and another wrong',
      [refused('a', { malformed: true }), refused('b')],
      'rejected',
      /a says no; b says no/,
    ],
    ['only a bad cookie is there', [refused('a', { ambient: true }), absent('b')], 'rejected', /a says no/],
    ['one was tried too often', [refused('a', { retryAfterSeconds: 7 }), refused('b')], 'throttled', /a says no/],
    ['one throws', [fake('a', new Error('database gone')), absent('b')], 'rejected', /a failed: database gone/],
    ['one throws, however good another is', [proven('b'), fake('a', new Error('boom'))], 'rejected', /a failed: boom/],
    ['one does not answer', [fake('a', 'never'), proven('b')], 'rejected', /a took longer than 50 ms/],
    ['the proof has ended', [proven('a', { expiresAtMs: Date.now() - 1 })], 'rejected', /expired/],
    ['a cookie comes without an Origin', [proven('a', { fromCookie: true })], 'rejected', /Origin/],
  ]
  for (const [what, requirement, code, message] of cases) {
    it(`refuses when ${what}`, async () => {
      const error = await refusal(requirement)
      assert.equal(error.code, code)
      assert.match(error.message, message)
    })
  }

  it('says what the gateway broke over, and how long to wait', async () => {
    const boom = new Error('boom')
    assert.equal((await refusal([fake('a', boom)])).cause, boom)
    assert.equal((await refusal([refused('a')])).cause, undefined)
    assert.equal(
      (await refusal([refused('a', { retryAfterSeconds: 3 }), refused('b', { retryAfterSeconds: 9 })]))
        .retryAfterSeconds,
      9,
    )
    const atOnce: Authenticator = {
      ...fake('a', 'never'),
      authenticate: () => {
        throw boom
      },
    }
    assert.equal((await refusal([atOnce])).cause, boom)
  })

  it('passes over a bad cookie when another credential is good', async () => {
    assert.deepEqual((await admit([refused('a', { ambient: true }), proven('b')])).authenticators, ['b'])
  })

  it('passes over what another authenticator proved out of the same place', async () => {
    assert.deepEqual(
      (await admit([refused('a', { carrier: 'authorization' }), proven('b', {}, 'authorization')])).authenticators,
      ['b'],
    )
    assert.equal(
      (await refusal([refused('a', { carrier: 'authorization' }), proven('b', {}, 'cookie:at')])).code,
      'rejected',
    )
    assert.equal((await refusal([refused('a'), proven('b')])).code, 'rejected')
    const broken = fake('a', new Error('boom'))
    assert.equal((await refusal([broken, proven('b', {}, 'authorization')])).code, 'rejected')
  })

  it('takes a cookie with an Origin, and without one where that was allowed', async () => {
    const requirement = [proven('a', { fromCookie: true })]
    assert.ok(await admit(requirement, { origin: 'https://app.example.com' }))
    assert.ok(await authenticate(requirement, authenticationRequest(), { cookieNeedsOrigin: false }))
  })

  it('hands back the winner’s headers', async () => {
    const negotiate = fake('a', {
      kind: 'proven',
      identity: person('a'),
      responseHeaders: { 'www-authenticate': 'Negotiate abc' },
    })
    assert.deepEqual((await admit([negotiate])).responseHeaders, { 'www-authenticate': 'Negotiate abc' })
  })
})

describe('several authenticators together', () => {
  const soon = Date.now() + 60_000
  const token = new Secret('token')
  const badge = proven('badge', { roles: ['a', 'b'], claims: { cn: 'joe', shared: 'badge' }, expiresAtMs: soon + 1 })
  const sso = proven('sso', {
    roles: ['b', 'c'],
    claims: { shared: 'sso', dept: 'fx' },
    expiresAtMs: soon,
    accessToken: token,
    sessionKey: 'sid',
    fromCookie: false,
  })

  it('give one identity: the first names it, roles and claims are united, the first end counts', async () => {
    const { identity, authenticators } = await admit([{ all: [badge, sso] }])
    assert.deepEqual(authenticators, ['badge', 'sso'])
    assert.equal(identity.issuer, 'issuer of badge')
    assert.equal(identity.authenticator, 'badge')
    assert.deepEqual(identity.roles, ['a', 'b', 'c'])
    assert.deepEqual({ ...identity.claims }, { cn: 'joe', shared: 'badge', dept: 'fx' })
    assert.equal(identity.expiresAtMs, soon)
    assert.equal(identity.accessToken, token)
    assert.deepEqual(sessionKeys(identity), ['sid'])
    assert.deepEqual(identityKeys(identity), ['["issuer of badge","joe.smith"]', '["issuer of sso","joe.smith"]'])
  })

  it('must all be there, and name one subject', async () => {
    assert.match((await refusal([{ all: [badge, absent('sso')] }])).message, /not every credential/)
    assert.equal((await refusal([{ all: [badge, proven('sso', { subject: 'ann' })] }])).code, 'rejected')
    assert.equal(
      (await refusal([{ all: [badge, refused('sso', { ambient: true })] }])).message,
      'not every credential that has to come together was there',
    )
    assert.equal((await refusal([{ all: [] }])).code, 'missing')
  })

  it('need an Origin when any of them came from a cookie', async () => {
    assert.match((await refusal([{ all: [badge, proven('sso', { fromCookie: true })] }])).message, /Origin/)
  })

  it('do not count when a later entry is the satisfied one', async () => {
    const { identity } = await admit([{ all: [badge, absent('sso')] }, badge])
    assert.equal(identity.parts, undefined)
    assert.deepEqual(identity.roles, ['a', 'b'])
  })

  it('keep a claim with an awkward name a claim', async () => {
    const awkward = proven('x', { claims: JSON.parse('{"__proto__": {"admin": true}}') as Record<string, unknown> })
    const { identity } = await admit([{ all: [badge, awkward] }])
    assert.equal(Object.getPrototypeOf(identity.claims), Object.prototype)
    assert.deepEqual(Object.keys(identity.claims).sort(), ['__proto__', 'cn', 'shared'])
  })
})

describe('challenges', () => {
  const staff = fake('staff', { kind: 'absent' }, { challenge: 'Basic realm="a"', scriptChallenge: 'xBasic realm="a"' })
  const sso = fake('sso', { kind: 'absent' }, { challenge: 'Bearer' })
  const requirement = [
    staff,
    sso,
    { all: [staff, absent('tickets')] },
    fake('other', { kind: 'absent' }, { challenge: 'Bearer' }),
  ]

  it('are those of all authenticators, once each', async () => {
    assert.deepEqual((await refusal(requirement)).challenges, ['Basic realm="a"', 'Bearer'])
  })

  for (const [mode, expected] of [
    ['cors', 'xBasic realm="a"'],
    ['same-origin', 'xBasic realm="a"'],
    ['navigate', 'Basic realm="a"'],
    ['websocket', 'Basic realm="a"'],
  ] as const) {
    it(`open a dialog or none for Sec-Fetch-Mode ${mode}`, () => {
      const { http } = authenticationRequest({ headers: [['Sec-Fetch-Mode', mode]] })
      assert.deepEqual(challengesOf(requirement, { http }), [expected, 'Bearer'])
    })
  }
})

describe('renewal', () => {
  const secret = Buffer.from('fresh')
  const where = { service: '/amqp' }
  const later = Date.now() + 120_000
  const renewing = (name: string, outcome: Outcome | Error): Authenticator =>
    fake(
      name,
      { kind: 'absent' },
      {
        renew: async () => {
          if (outcome instanceof Error) throw outcome
          return outcome
        },
      },
    )
  const renewed = (extra: Partial<Identity> = {}): Outcome => ({
    kind: 'proven',
    identity: person('sso', { expiresAtMs: later, ...extra }),
  })
  const refusalOf = async (requirement: Requirement, identity = person('sso')) => {
    const error = await renew(requirement, identity, secret, where, { deadlineMs: 50 }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof AuthenticationRefused, String(error))
    return error
  }

  it('is done by the authenticator that proved the identity, also for a ticket’s', async () => {
    const identity = await renew(
      [absent('tickets'), renewing('sso', renewed({ roles: ['new'] }))],
      person('sso'),
      secret,
      where,
    )
    assert.equal(identity.expiresAtMs, later)
    assert.deepEqual(identity.roles, ['new'])
  })

  it('renews the part that can be, of an identity that several vouched for', async () => {
    const badge = person('badge', { expiresAtMs: later + 1 })
    const both = person('badge', { parts: [badge, person('sso', { expiresAtMs: 1 })], expiresAtMs: 1 })
    const identity = await renew(
      [{ all: [fake('badge', { kind: 'absent' }), renewing('sso', renewed())] }],
      both,
      secret,
      where,
    )
    assert.equal(identity.issuer, 'issuer of badge')
    assert.equal(identity.expiresAtMs, later)
    assert.deepEqual(
      identity.parts?.map(({ authenticator }) => authenticator),
      ['badge', 'sso'],
    )
  })

  const cases: readonly [string, Requirement, RegExp][] = [
    ['nobody can', [fake('sso', { kind: 'absent' })], /cannot renew/],
    ['its authenticator is not the service’s any more', [renewing('other', renewed())], /cannot renew/],
    ['it is refused', [renewing('sso', { kind: 'refused', detail: 'expired' })], /expired/],
    ['it is nothing', [renewing('sso', { kind: 'absent' })], /none/],
    ['it is another subject’s', [renewing('sso', renewed({ subject: 'ann' }))], /somebody else/],
    ['it is another issuer’s', [renewing('sso', renewed({ issuer: 'https://evil.example.com' }))], /somebody else/],
    ['it has ended', [renewing('sso', renewed({ expiresAtMs: Date.now() - 1 }))], /expired/],
    ['the authenticator fails', [renewing('sso', new Error('boom'))], /failed: boom/],
  ]
  for (const [what, requirement, message] of cases) {
    it(`is refused when ${what}`, async () => assert.match((await refusalOf(requirement)).message, message))
  }

  it('does not wait for ever', async () => {
    const never = fake('sso', { kind: 'absent' }, { renew: async () => await new Promise<Outcome>(() => undefined) })
    assert.match((await refusalOf([never])).message, /longer than 50 ms/)
  })
})
