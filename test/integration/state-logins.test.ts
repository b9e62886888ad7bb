/** Logins of several gateways with one store: begun here, finished there, renewed once in the world, ended everywhere. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { StateUnavailable } from '../../auth/errors.ts'
import {
  begin,
  finish,
  type Gateway,
  gateway,
  identityOf,
  logIn,
  prove,
  provider,
  refresh,
  reset,
} from '../support/oidc-gateway.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { startWithStandby } from '../support/redis-group.ts'
import { type Replica, replicaOf } from '../support/state/shared-rig.ts'
import { until } from '../support/until.ts'

const SCOPE = 'login'

describe('logins in a store', () => {
  let redis: Redis
  let replicas: readonly Replica[] = []
  /** Gateways whose browser is the same. */
  let gateways: readonly Gateway[] = []

  before(async () => {
    redis = await startRedis()
    await provider.start()
    replicas = await Promise.all([1, 2, 3].map(() => replicaOf(redis, { timeoutMs: 2_000 })))
  })
  after(async () => {
    for (const { store } of replicas) store.close()
    provider.stop()
    await redis.stop()
  })
  beforeEach(async () => {
    reset()
    await redis.command('FLUSHALL')
    const made = replicas.map(({ state }) =>
      gateway({ logins: state.logins(SCOPE), pendingLogins: state.pendingLogins(SCOPE) }),
    )
    const { browser } = made[0] ?? gateway()
    gateways = made.map((one) => ({ ...one, browser }))
  })
  const three = (): readonly [Gateway, Gateway, Gateway] => {
    const [one, two, other] = gateways
    assert.ok(one && two && other)
    return [one, two, other]
  }

  it('begin at one, come back to another, and count at all', async () => {
    const [one, two, other] = three()
    const answer = await finish(two, provider.authorize(await begin(one)))
    assert.equal(answer?.status, 303)
    for (const each of [one, two, other]) assert.equal(identityOf(await prove(each)).subject, 'joe')
    const before = [one, two, other].map((each) => each.ended.length)
    const logout = await other.login.logout(one.browser.request().http)
    assert.equal(logout.status, 200)
    assert.equal(other.ended.length, (before[2] ?? 0) + 1)
    for (const each of [one, two, other]) assert.equal((await prove(each)).kind, 'refused')
  })

  it('are renewed by one question to the provider, whoever asks for it', async () => {
    const [one, two, other] = three()
    await logIn(one)
    provider.requests.length = 0
    const http = one.browser.request().http
    const logins = await Promise.all([one, two, other].map(({ login }) => login.find(http)))
    const outcomes = await Promise.all(
      [one, two, other].flatMap(({ login }, index) => {
        const found = logins[index]
        assert.ok(found)
        return [login.refresh(found), login.refresh(found), login.refresh(found)]
      }),
    )
    assert.deepEqual([...new Set(outcomes)], ['renewed'])
    assert.equal(provider.requests.length, 1)
  })

  it('are renewed with the newest refresh token, at whichever gateway', async () => {
    const [one, two, other] = three()
    await logIn(one)
    for (const [index, each] of [two, other, one, two].entries()) {
      provider.response = { refresh_token: `refresh-${index}` }
      provider.requests.length = 0
      const found = await each.login.find(each.browser.request().http)
      assert.ok(found)
      assert.equal(await each.login.refresh(found), 'renewed')
      const [asked] = provider.requests
      if (index > 0) assert.equal(asked?.form.get('refresh_token'), `refresh-${index - 1}`)
    }
  })

  it('are written by nobody who was overtaken', async () => {
    const [one, two] = three()
    await logIn(one)
    const [slow, fast] = [replicas[0]?.state.logins(SCOPE), replicas[1]?.state.logins(SCOPE)]
    const [http] = [one.browser.request().http]
    const [a, b] = [await one.login.find(http), await two.login.find(http)]
    assert.ok(slow && fast && a && b)
    await assert.rejects(
      slow.refreshAlone(a, async (current) => {
        // Its lock ends before it does, as that of a process that was stopped.
        const locks = (await replicas[0]?.store.run('probe', 'KEYS', '*:k:*')) as string[]
        assert.equal(locks.length, 1)
        await replicas[0]?.store.run('probe', 'DEL', ...locks)
        await fast.refreshAlone(b, async (next) => {
          assert.ok(await fast.renew(next, { refreshedAtMs: next.refreshedAtMs + 1 }))
          return 'renewed'
        })
        await slow.renew(current, { refreshedAtMs: current.refreshedAtMs + 2 })
        return 'renewed'
      }),
      StateUnavailable,
    )
    assert.equal((await two.login.find(http))?.refreshedAtMs, b.refreshedAtMs + 1)
  })

  it('cannot be looked up while the store is away, and nobody loses a cookie over it', async () => {
    const [one] = three()
    await logIn(one)
    await redis.pause()
    const cookies = [...one.browser.jar]
    try {
      const outcome = await prove(one)
      assert.equal(outcome.kind, 'refused')
      assert.ok(outcome.kind === 'refused' && outcome.ambient === true && outcome.cause instanceof StateUnavailable)
      await assert.rejects(refresh(one), StateUnavailable)
      await assert.rejects(one.login.logout(one.browser.request().http), StateUnavailable)
      // Beginning one needs no store.
      assert.equal((await one.login.begin('/app')).status, 303)
    } finally {
      await redis.resume()
    }
    assert.deepEqual([...one.browser.jar], cookies)
    await until(() => replicas.every(({ store }) => store.isUp), 'the store')
    assert.equal(identityOf(await prove(one)).subject, 'joe')
  })

  it('go on where another server takes over', async (t) => {
    const [primary, standby] = await startWithStandby(t)
    const [before, after] = await Promise.all([replicaOf(primary), replicaOf(standby)])
    t.after(() => [before, after].map(({ store }) => store.close()))
    const gatewayOf = ({ state }: Replica) =>
      gateway({ logins: state.logins(SCOPE), pendingLogins: state.pendingLogins(SCOPE) })
    const one = gatewayOf(before)
    await logIn(one)
    await until(async () => (await standby.command('DBSIZE')) === (await primary.command('DBSIZE')), 'the replication')
    await standby.command('REPLICAOF', 'NO', 'ONE')
    await until(() => after.store.isUp, 'the new primary')
    const two = { ...gatewayOf(after), browser: one.browser }
    assert.equal(identityOf(await prove(two)).subject, 'joe')
    assert.equal((await refresh(two))?.status, 200)
  })

  it('G105 are none that somebody wrote into the store, moved there or brought back', async () => {
    const [one, two] = three()
    const store = replicas[0]?.store
    assert.ok(store)
    await logIn(one)
    const [key = ''] = (await store.run('probe', 'KEYS', '*:l:*')) as string[]
    const fields = (await store.run('probe', 'HGETALL', key)) as unknown
    const kept = Array.isArray(fields)
      ? fields.map(String)
      : Object.entries(fields as object)
          .flat()
          .map(String)
    for (const bytes of ['', 'x', '{"identity":{"subject":"admin"}}']) {
      await store.run('probe', 'HSET', key, 'v', bytes)
      assert.equal((await prove(two)).kind, 'refused')
    }
    await store.run('probe', 'HSET', key, ...kept)
    assert.equal((await prove(two)).kind, 'proven')
    await two.login.logout(two.browser.request().http)
    await store.run('probe', 'HSET', key, ...kept)
    assert.equal((await prove(two)).kind, 'refused', 'the gateway knows that it has ended')
    const all = JSON.stringify([key, ...kept])
    for (const secret of ['joe', 'refresh', provider.issuer, ...one.browser.jar.values()])
      assert.ok(!all.includes(secret), secret)
  })
})
