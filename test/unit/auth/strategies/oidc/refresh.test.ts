/** Cookies of a login, and how it is renewed or ended. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { authenticate } from '../../../../../auth/authenticate.ts'
import type { Authenticator } from '../../../../../auth/authenticator.ts'
import { BoundedLine } from '../../../../../auth/strategies/oidc/bounded-line.ts'
import { sessionKeyOf } from '../../../../../auth/strategies/oidc/identity.ts'
import { authenticationRequest } from '../../../../support/authentication-request.ts'
import { json } from '../../../../support/fake-openid-provider.ts'
import {
  clock,
  gateway,
  identityOf,
  LOGIN_COOKIE,
  logIn,
  prove,
  provider,
  refresh,
  reset,
} from '../../../../support/oidc-gateway.ts'

before(() => provider.start())
beforeEach(reset)
after(() => provider.stop())

describe('a login cookie', () => {
  it('is absent, unknown, twice there, or of another form', async () => {
    const of = gateway()
    assert.deepEqual(await prove(of), { kind: 'absent' })
    await logIn(of)
    const good = of.browser.jar.get(LOGIN_COOKIE) ?? ''
    for (const value of ['', 'x', good.slice(1), `${good}x`, `"${good}"`, 'A'.repeat(43)]) {
      of.browser.jar.set(LOGIN_COOKIE, value)
      const outcome = await prove(of)
      assert.ok(outcome.kind === 'refused' && outcome.ambient, value)
    }
    const twice = authenticationRequest({ headers: [['Cookie', `${LOGIN_COOKIE}=${good}; ${LOGIN_COOKIE}=${good}`]] })
    assert.equal((await of.authenticator.authenticate(twice)).kind, 'refused')
  })

  it('is renewed when it has run out, once for any number of requests', async () => {
    const of = gateway()
    await logIn(of)
    clock.nowMs += 60_000

    const outcomes = await Promise.all(Array.from({ length: 20 }, () => prove(of)))

    for (const outcome of outcomes) assert.equal(identityOf(outcome).expiresAtMs, clock.nowMs + 60_000)
    assert.equal(provider.requests.filter(({ form }) => form.get('grant_type') === 'refresh_token').length, 1)
  })

  it('ends with its login’s longest life, however often it was renewed', async () => {
    const of = gateway({ loginTimeoutMs: 90_000 })
    await logIn(of)
    clock.nowMs += 60_000
    assert.equal(identityOf(await prove(of)).expiresAtMs, clock.nowMs + 30_000)
    clock.nowMs += 30_000
    assert.equal((await prove(of)).kind, 'refused')
  })

  it('is refused when there is nothing to renew it with', async () => {
    provider.response = { refresh_token: null }
    const of = gateway()
    await logIn(of)
    clock.nowMs += 60_000
    const outcome = await prove(of)
    assert.match(outcome.kind === 'refused' ? outcome.detail : '', /no refresh token/)
  })

  it('fails, rather than is refused, while the provider is away', async () => {
    const of = gateway()
    await logIn(of)
    provider.isDown = true
    identityOf(await prove(of))
    clock.nowMs += 60_000
    await assert.rejects(prove(of), /cannot be asked/)
    provider.isDown = false
    identityOf(await prove(of))
  })
})

describe('refreshing', () => {
  it('renews the login and tells its sessions', async () => {
    provider.claims = { sid: 's-1' }
    const of = gateway()
    await logIn(of)
    clock.nowMs += 30_000
    provider.claims = { sid: 's-1', groups: ['viewer'] }

    const answer = await refresh(of)

    assert.equal(answer.status, 200)
    assert.deepEqual(answer.body, { subject: 'joe', expiresAt: new Date(clock.nowMs + 60_000).toISOString() })
    assert.deepEqual(of.renewed, [`${sessionKeyOf(provider.issuer, 's-1')} joe`])
    assert.deepEqual(identityOf(await prove(of)).roles, ['viewer'])
  })

  it('uses the newest refresh token, and keeps the old one where none is given', async () => {
    const of = gateway()
    await logIn(of)
    const used: (string | null | undefined)[] = []
    for (const response of [{}, { refresh_token: null }, {}]) {
      provider.response = response
      clock.nowMs += 10_000
      await refresh(of)
      used.push(provider.requests.at(-1)?.form.get('refresh_token'))
    }
    assert.notEqual(used[0], used[1])
    assert.equal(used[1], used[2])
  })

  it('keeps who it was where the provider sends no ID token', async () => {
    provider.claims = { groups: ['trader'] }
    const of = gateway()
    await logIn(of)
    clock.nowMs += 10_000
    provider.response = { id_token: null }
    assert.equal((await refresh(of)).status, 200)
    assert.deepEqual(identityOf(await prove(of)).roles, ['trader'])
  })

  it('does not ask the provider twice in two seconds', async () => {
    const of = gateway()
    await logIn(of)
    assert.equal((await refresh(of)).status, 200)
    assert.equal(provider.requests.length, 1)
  })

  it('ends everything where the provider says no', async () => {
    for (const answer of [
      (response: Parameters<typeof json>[0]) => json(response, 400, { error: 'invalid_grant' }),
      undefined,
    ]) {
      const of = gateway()
      await logIn(of)
      clock.nowMs += 10_000
      if (answer === undefined) provider.claims = { sub: 'eve' }
      provider.answer = answer
      assert.equal((await refresh(of)).status, 401)
      assert.equal(of.ended.length, 1)
      assert.equal(of.ended[0]?.sessions.length, 1)
      assert.equal(of.browser.jar.size, 0)
      provider.answer = undefined
    }
  })

  it('changes nothing where the provider is away, or complains about the gateway', async () => {
    const of = gateway()
    await logIn(of)
    clock.nowMs += 10_000
    for (const answer of [
      (response: Parameters<typeof json>[0]) => json(response, 503, {}),
      (response: Parameters<typeof json>[0]) => json(response, 401, { error: 'invalid_client' }),
      (response: Parameters<typeof json>[0]) => void response.destroy(),
    ]) {
      provider.answer = answer
      assert.equal((await refresh(of)).status, 503)
      identityOf(await prove(of))
    }
    assert.deepEqual(of.ended, [])
  })

  it('is refused without a login, and with nothing to refresh with', async () => {
    const of = gateway()
    assert.equal((await refresh(of)).status, 401)
    provider.response = { refresh_token: null }
    await logIn(of)
    clock.nowMs += 10_000
    assert.equal((await refresh(of)).status, 401)
    identityOf(await prove(of))
  })

  it('does not bring back a login that was ended meanwhile', async () => {
    const of = gateway()
    await logIn(of)
    clock.nowMs += 10_000
    let reached = () => {}
    const asked = new Promise<void>((resolve) => {
      reached = resolve
    })
    let answer = () => {}
    provider.answer = (response) => {
      provider.answer = undefined
      answer = () => json(response, 200, { access_token: 'a', token_type: 'Bearer', expires_in: 60 })
      reached()
    }
    const refreshing = of.login.refreshFor(of.browser.request().http)
    await asked
    await of.login.logout(of.browser.request().http)

    answer()

    assert.equal((await refreshing).status, 401)
    assert.deepEqual(of.renewed, [])
    assert.equal((await prove(of)).kind, 'refused')
  })
})

describe('logging out', () => {
  it('ends the login and its sessions, and names where the provider logs out', async () => {
    const of = gateway()
    await logIn(of)
    const kept = of.browser.jar.get(LOGIN_COOKIE) ?? ''

    const answer = await of.login.logout(of.browser.request().http)
    of.browser.take(answer)

    assert.equal(answer.status, 200)
    assert.deepEqual(answer.body, { endSessionUrl: `${provider.issuer}/logout?client_id=gatehouse` })
    assert.equal(of.browser.jar.size, 0)
    assert.equal(of.ended.length, 1)
    of.browser.jar.set(LOGIN_COOKIE, kept)
    assert.equal((await prove(of)).kind, 'refused')
  })

  it('is heard by a login that waits for another proof', async () => {
    const of = gateway()
    await logIn(of)
    const cookie = of.browser.request()
    let reached = () => {}
    const asked = new Promise<void>((resolve) => {
      reached = resolve
    })
    let answer = () => {}
    const slow: Authenticator = {
      name: 'slow',
      type: 'slow',
      authenticate: () =>
        new Promise((resolve) => {
          answer = () => resolve({ kind: 'absent' })
          reached()
        }),
    }
    const admission = authenticate([of.authenticator, slow], { ...cookie, origin: 'https://app.example.com' })
    await asked
    await of.login.logout(cookie.http)

    answer()

    await assert.rejects(admission, /ended during the login/)
  })

  it('works while the provider is away, and without a login', async () => {
    const of = gateway()
    provider.isDown = true
    assert.deepEqual((await of.login.logout(of.browser.request().http)).body, {})
    assert.deepEqual(of.ended, [])
  })
})

describe('Slots', () => {
  it('let so many run, so many wait, in order, and refuse the rest', async () => {
    const slots = new BoundedLine(2, 2)
    const ends = new Map<number, () => void>()
    const run = (number: number) => slots.run(() => new Promise<void>((resolve) => ends.set(number, resolve)))
    const all = [1, 2, 3, 4].map(run)

    await assert.rejects(run(5), RangeError)

    for (const [number, running] of [
      [1, [1, 2]],
      [2, [1, 2, 3]],
      [3, [1, 2, 3, 4]],
      [4, [1, 2, 3, 4]],
    ] as const) {
      assert.deepEqual([...ends.keys()], running)
      ends.get(number)?.()
      await all[number - 1]
    }
  })

  it('give back the place of what fails', async () => {
    const slots = new BoundedLine(1, 0)
    await assert.rejects(
      slots.run(() => Promise.reject(new Error('broken'))),
      /broken/,
    )
    assert.equal(await slots.run(async () => 'fine'), 'fine')
  })
})
