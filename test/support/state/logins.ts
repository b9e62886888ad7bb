/** Logins: found by their cookie, bounded, renewed by one at a time, ended; whoever keeps them. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { Secret } from '../../../auth/secret.ts'
import type { Login, LoginLimits, Logins, Refreshed } from '../../../auth/state/logins.ts'
import { JOE, type RigMaker, type StateRig } from './rig.ts'

const LIMITS: LoginLimits = { loginCount: 100, perPersonCount: 10 }
const NOW_MS = 1_800_000_000_000

export function describeLogins(rigOf: RigMaker): void {
  let rig: StateRig
  let logins: Logins

  const begun = (more: Partial<Login> = {}): Omit<Login, 'hash'> => ({
    identity: { ...JOE },
    idClaims: { sub: 'joe' },
    refreshToken: new Secret('first'),
    refreshedAtMs: NOW_MS,
    sub: 'joe',
    sid: undefined,
    endsAtMs: NOW_MS + 60_000,
    ...more,
  })
  const add = async (more: Partial<Login> = {}, limits: Partial<LoginLimits> = {}, before?: Login) => {
    const { id, evicted } = await logins.add(begun(more), { ...LIMITS, ...limits }, before)
    return { id, evicted, login: await found(id) }
  }
  const found = async (id: string): Promise<Login> => {
    const login = await logins.find(id)
    assert.ok(login)
    return login
  }
  const isThere = async ({ id }: { readonly id: string }) => (await logins.find(id)) !== undefined

  beforeEach(async () => {
    rig = await rigOf()
    logins = rig.state.logins('one')
  })

  describe('a login', () => {
    it('is found by 256 bits in base64url, and by nothing else', async () => {
      const { id, login } = await add()
      assert.match(id, /^[A-Za-z0-9_-]{43}$/)
      assert.deepEqual([login.identity, login.idClaims, login.sub], [JOE, { sub: 'joe' }, 'joe'])
      assert.equal(login.refreshToken?.reveal().toString(), 'first')
      for (const text of ['', 'x', login.hash, 'A'.repeat(43)]) assert.equal(await logins.find(text), undefined)
    })

    it('ends after its time, to the millisecond', async () => {
      const one = await add()
      await rig.elapse(59_999)
      assert.equal(await isThere(one), true)
      await rig.elapse(1)
      assert.equal(await isThere(one), false)
    })

    it('ends once, and what was proven with it at the same time', async () => {
      const one = await add()
      const first = one.login.identity
      await logins.renew(one.login, { identity: { ...JOE, roles: [] } })
      const second = (await found(one.id)).identity
      assert.deepEqual([logins.holds(first), logins.holds(second)], [true, true])
      const ending = logins.end(one.login)
      assert.deepEqual([logins.holds(first), logins.holds(second)], [false, false])
      assert.deepEqual([await ending, await logins.end(one.login)], [true, false])
      assert.equal(await isThere(one), false)
    })

    it('is renewed by what is given, and not when it has ended', async () => {
      const { id, login } = await add()
      assert.equal(await logins.renew(login, { refreshToken: new Secret('second'), refreshedAtMs: NOW_MS + 1 }), true)
      const renewed = await found(id)
      assert.equal(renewed.refreshToken?.reveal().toString(), 'second')
      assert.equal(renewed.refreshedAtMs, NOW_MS + 1)
      assert.deepEqual(renewed.identity, JOE)
      await logins.end(login)
      assert.equal(await logins.renew(login, { refreshedAtMs: NOW_MS + 2 }), false)
      assert.equal(await logins.find(id), undefined)
    })

    it('takes the place of one before, and what was proven with that ends with it', async () => {
      const one = await add()
      const two = await add({}, {}, one.login)
      assert.deepEqual([await isThere(one), await isThere(two), two.evicted.length], [false, true, 0])
      assert.equal(logins.holds(one.login.identity), true)
      await logins.end(two.login)
      assert.equal(logins.holds(one.login.identity), false)
    })
  })

  describe('a refresh', () => {
    it('is done by one, and its outcome is for all who come meanwhile', async () => {
      const { login } = await add()
      let begin = () => {}
      const begun = new Promise<void>((resolve) => {
        begin = resolve
      })
      let finish = (_: Refreshed) => {}
      let count = 0
      const work = () => {
        count += 1
        return new Promise<Refreshed>((resolve) => {
          finish = resolve
          begin()
        })
      }
      const all = [1, 2, 3].map(() => logins.refreshAlone(login, work))
      await begun
      finish('unavailable')
      assert.deepEqual(await Promise.all(all), ['unavailable', 'unavailable', 'unavailable'])
      assert.equal(count, 1)
      assert.equal(await logins.refreshAlone(login, async () => 'impossible'), 'impossible')
    })

    it('has the newest refresh token, and is none for whoever comes too late', async () => {
      const { login } = await add()
      await logins.renew(login, { refreshToken: new Secret('second') })
      const seen = await logins.refreshAlone(login, async (current) => {
        assert.equal(current.refreshToken?.reveal().toString(), 'second')
        await logins.renew(current, { refreshedAtMs: NOW_MS + 1 })
        return 'renewed'
      })
      assert.equal(seen, 'renewed')
      const never = async () => assert.fail('asked twice')
      assert.equal(await logins.refreshAlone(login, never), 'renewed')
      await logins.end(login)
      assert.equal(await logins.refreshAlone(login, never), 'ended')
    })

    it('that fails hinders no later one', async () => {
      const { login } = await add()
      const failing = async () => {
        throw new Error('broken')
      }
      await assert.rejects(logins.refreshAlone(login, failing), /broken/)
      assert.equal(await logins.refreshAlone(login, async () => 'ended'), 'ended')
    })
  })

  describe('logins', () => {
    it('of a session at the provider end together, and those of a person whose session nobody knows', async () => {
      const [one, two, unknown, other] = [
        await add({ sid: 's-1' }),
        await add({ sid: 's-2' }),
        await add(),
        await add({ sub: 'ann', sid: 's-1' }),
      ]
      const ended = await logins.endOf({ sub: 'joe', sid: 's-1' })
      assert.deepEqual(ended.map(({ hash }) => hash).sort(), [one.login.hash, unknown.login.hash].sort())
      assert.equal(logins.holds(one.login.identity), false)
      assert.deepEqual([await isThere(two), await isThere(other)], [true, true])
      assert.equal((await logins.endOf({ sub: 'joe' })).length, 1)
      assert.equal((await logins.endOf({ sid: 's-1' })).length, 1)
    })

    it('are so many of one person and of all, the oldest ends', async () => {
      const one = await add({}, { perPersonCount: 2 })
      await add({}, { perPersonCount: 2 })
      const third = await add({}, { perPersonCount: 2 })
      assert.deepEqual(
        third.evicted.map(({ hash }) => hash),
        [one.login.hash],
      )
      assert.equal(logins.holds(one.login.identity), false)
      const other = await add({ sub: 'ann' }, { loginCount: 1 })
      assert.equal(other.evicted.length, 2, 'as soon as fewer are allowed')
      assert.deepEqual([await isThere(third), await isThere(other)], [false, true])
    })

    it('that have ended by themselves take no room', async () => {
      const long = await add({ endsAtMs: NOW_MS + 60_000 })
      await add({ endsAtMs: NOW_MS + 10_000 })
      await rig.elapse(10_000)
      const third = await add({}, { loginCount: 2 })
      assert.deepEqual(third.evicted, [])
      assert.equal(await isThere(long), true)
    })

    it('are those of their scope, and forgotten with it', async () => {
      const { id } = await add()
      assert.equal(await rig.state.logins('other').find(id), undefined)
      assert.ok(await rig.state.logins('one').find(id))
      rig.state.keepOnly(new Set(['other']))
      assert.equal((await rig.state.logins('one').find(id)) === undefined, rig.forgets)
    })
  })

  describe('a login under way', () => {
    const pending = {
      state: 's',
      nonce: 'n',
      verifier: 'v',
      returnTo: 'https://app.example.com/',
      begunBy: 'with=login',
      endsAtMs: 1,
    }

    it('is read for an hour, and in its scope', async () => {
      const sealed = await rig.state.pendingLogins('one').seal(pending)
      assert.deepEqual(await rig.state.pendingLogins('one').open(sealed), pending)
      assert.equal(await rig.state.pendingLogins('other').open(sealed), undefined)
      assert.ok(!sealed.includes(Buffer.from('app.example').toString('base64url')))
      await rig.elapse(3_601_000)
      assert.equal(await rig.state.pendingLogins('one').open(sealed), undefined)
    })

    it('is not read where somebody has changed it', async () => {
      const sealed = await rig.state.pendingLogins('one').seal(pending)
      const at = sealed.length - 40
      const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
      for (const text of [changed, '', 'x', 'a.b.c.d.e']) {
        assert.equal(await rig.state.pendingLogins('one').open(text), undefined)
      }
    })
  })
}
