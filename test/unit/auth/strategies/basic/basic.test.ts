/** HTTP Basic as an authenticator: who gets in, what a challenge says, what it costs, who loses a session. */
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { beforeEach, describe, it, mock } from 'node:test'
import type { Outcome } from '../../../../../auth/authenticator.ts'
import { InvalidConfiguration } from '../../../../../auth/errors.ts'
import { identityKey } from '../../../../../auth/identity.ts'
import { MemoryState } from '../../../../../auth/state/memory/state.ts'
import {
  type BasicAuthenticator,
  type BasicOptions,
  basicAuthenticator,
} from '../../../../../auth/strategies/basic/basic.ts'
import { HashQueue } from '../../../../../auth/strategies/basic/hash-queue.ts'
import { hashPassword } from '../../../../../auth/strategies/basic/password.ts'
import type { UsersInput } from '../../../../../auth/strategies/basic/users.ts'
import { authenticationRequest } from '../../../../support/authentication-request.ts'

const CHEAP = { ln: 10, r: 8, p: 1 }
const hash = async (password: string) => ({ password: await hashPassword(password, CHEAP) })
const users: UsersInput = {
  'joe.smith': { ...(await hash('welcome')), roles: ['trader'], claims: { dept: 'fx' } },
  colons: await hash(':pa:ss:'),
  'caf\u00e9': await hash('cr\u00e8me'),
}

const basic = (options: Partial<BasicOptions> = {}) =>
  basicAuthenticator({
    name: 'staff',
    realm: 'Staff',
    users,
    attempts: new MemoryState().attempts('staff'),
    ...options,
  })
const header = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const request = (user: string, password: string, address?: string) =>
  authenticationRequest({
    headers: [['Authorization', header(user, password)]],
    ...(address !== undefined && { address }),
  })

let staff: BasicAuthenticator
const login = async (user: string, password: string, address?: string): Promise<Outcome> =>
  await staff.authenticate(request(user, password, address))
beforeEach(() => {
  staff = basic()
})

const WRONG: Outcome = { kind: 'refused', detail: 'wrong name or password', carrier: 'authorization' }

describe('HTTP Basic', () => {
  it('proves who knows the password', async () => {
    assert.deepEqual(await login('joe.smith', 'welcome'), {
      kind: 'proven',
      carrier: 'authorization',
      identity: {
        issuer: 'staff',
        subject: 'joe.smith',
        authenticator: 'staff',
        roles: ['trader'],
        claims: { dept: 'fx' },
        fromCookie: false,
      },
    })
  })

  it('takes passwords with colons whole, wherever they stand', async () => {
    assert.equal((await login('colons', ':pa:ss:')).kind, 'proven')
    for (const cut of [':', ':pa', 'pa', ':pa:ss', ':pa:ss:x']) assert.deepEqual(await login('colons', cut), WRONG, cut)
  })

  it('takes both Unicode forms of a name and a password, and gives the composed one', async () => {
    const outcome = await login('cafe\u0301', 'cre\u0300me')
    assert.equal(outcome.kind === 'proven' && outcome.identity.subject, 'caf\u00e9')
  })

  it('says the same of an unknown user and a wrong password', async () => {
    for (const [user, password] of [
      ['joe.smith', 'Welcome'],
      ['nobody', 'welcome'],
      ['JOE.SMITH', 'welcome'],
      ['__proto__', 'welcome'],
      ['toString', 'x'],
      ['joe.smith ', 'welcome'],
    ] as const) {
      assert.deepEqual(await login(user, password), WRONG, `${user}:${password}`)
    }
  })

  it('computes one hash for an unknown user too', async () => {
    const queue = new HashQueue()
    const run = mock.method(queue, 'run')
    staff = basic({ queue })
    await login('joe.smith', 'wrong')
    await login('nobody', 'wrong')
    assert.equal(run.mock.callCount(), 2)
  })

  it('takes as long for an unknown user as for a known one', async () => {
    staff = basic({ users: { 'joe.smith': { password: await hashPassword('welcome', { ln: 14, r: 8, p: 1 }) } } })
    const took: Record<string, number[]> = { known: [], unknown: [] }
    for (let turn = 0; turn < 7; turn += 1) {
      for (const [kind, user] of [
        ['known', 'joe.smith'],
        ['unknown', `nobody${turn}`],
      ] as const) {
        const startedAtMs = performance.now()
        await login(user, `wrong${turn}`)
        took[kind]?.push(performance.now() - startedAtMs)
      }
    }
    const median = (kind: string) => took[kind]?.sort((a, b) => a - b)[3] ?? 0
    const ratio = median('unknown') / median('known')
    assert.ok(ratio > 0.5 && ratio < 2, `ratio of medians: ${ratio}`)
  })

  it('is absent without its header and refuses a malformed one', async () => {
    assert.deepEqual(await staff.authenticate(authenticationRequest()), { kind: 'absent' })
    const bearer = authenticationRequest({ headers: [['Authorization', 'Bearer abc']] })
    assert.deepEqual(await staff.authenticate(bearer), { kind: 'absent' })
    const bad = await staff.authenticate(authenticationRequest({ headers: [['Authorization', 'Basic !']] }))
    assert.equal(bad.kind === 'refused' && bad.malformed, true)
  })

  it('challenges with a realm, and scripts with a scheme that opens no dialog', () => {
    assert.equal(staff.challenge, 'Basic realm="Staff", charset="UTF-8"')
    assert.equal(staff.scriptChallenge, 'xBasic realm="Staff", charset="UTF-8"')
    assert.equal(basic({ realm: 'a "b" \\c' }).challenge, 'Basic realm="a \\"b\\" \\\\c", charset="UTF-8"')
    for (const realm of ['', 'a\r\nb', 'caf\u00e9', 'x'.repeat(129)]) {
      assert.throws(() => basic({ realm }), InvalidConfiguration, JSON.stringify(realm))
    }
  })

  it('does not start with users that are wrong', () => {
    assert.throws(
      () => basic({ users: { joe: { password: 'welcome' } } }),
      (error) => error instanceof InvalidConfiguration && error.problems[0]?.path.join('/') === 'users/joe/password',
    )
  })
})

describe('the cost of HTTP Basic', () => {
  it('is one computation for many checks of one credential at once, and none for a minute after', async () => {
    const queue = new HashQueue()
    const run = mock.method(queue, 'run')
    staff = basic({ queue })
    const all = await Promise.all(Array.from({ length: 50 }, () => login('joe.smith', 'welcome')))
    assert.ok(all.every(({ kind }) => kind === 'proven'))
    await login('joe.smith', 'welcome')
    assert.equal(run.mock.callCount(), 1)
    await login('joe.smith', 'welcome', '203.0.113.8')
    assert.equal(run.mock.callCount(), 2, 'another network is not told whether a password is remembered')
    await login('joe.smith', 'Welcome')
    assert.equal(run.mock.callCount(), 3)
  })

  it('is one computation for a wrong credential that is tried many times at once', async () => {
    const queue = new HashQueue()
    const run = mock.method(queue, 'run')
    staff = basic({ queue })
    await Promise.all(Array.from({ length: 50 }, () => login('joe.smith', 'wrong')))
    assert.equal(run.mock.callCount(), 1)
  })

  it('G18 is nothing when the queue is full, and the client hears when to come back', async () => {
    const queue = new HashQueue({ concurrencyCount: 1, waitingPerLaneCount: 1 })
    staff = basic({ queue })
    const all = await Promise.all(Array.from({ length: 8 }, (_, index) => login(`user${index}`, 'x')))
    const full = all.filter((outcome) => outcome.kind === 'refused' && outcome.retryAfterSeconds === 2)
    assert.equal(full.length, 6)
  })

  it('G18 is nothing for whom others overtake for too long', async () => {
    const queue = new HashQueue({ concurrencyCount: 1, maxWaitMs: 1 })
    staff = basic({ queue })
    const gate = new EventEmitter()
    const endless = queue.run('known', async () => void (await once(gate, 'open')))
    // More often than anybody may guess: what was not tried is no guess.
    for (let time = 0; time < 12; time++) {
      const outcome = await login('joe.smith', 'welcome')
      assert.equal(outcome.kind === 'refused' && outcome.retryAfterSeconds, 2)
    }
    gate.emit('open')
    await endless
    assert.equal((await login('joe.smith', 'welcome')).kind, 'proven')
  })

  it('G18 lets those in first about whom nobody is guessing, and those who are known here before them', async () => {
    const queue = new HashQueue()
    const run = mock.method(queue, 'run')
    staff = basic({ queue })
    const lanes = async (...tries: [user: string, password: string, address: string][]) => {
      run.mock.resetCalls()
      for (const [user, password, address] of tries) await login(user, password, address)
      return run.mock.calls.map(({ arguments: [lane] }) => lane)
    }

    assert.deepEqual(await lanes(['joe.smith', 'welcome', '203.0.113.1'], ['joe.smith', 'x', '203.0.113.1']), [
      'quiet',
      'known',
    ])
    assert.deepEqual(
      await lanes(
        ['joe.smith', 'welcome', '203.0.113.2'],
        ['nobody', 'x', '203.0.113.2'],
        ['nobody', 'y', '203.0.113.3'],
        ['colons', ':pa:ss:', '203.0.113.2'],
      ),
      ['stranger', 'quiet', 'stranger', 'quiet'],
    )
  })

  it('G18 throttles a user from one network after ten guesses, right or wrong, known or not', async () => {
    for (const user of ['joe.smith', 'nobody']) {
      for (let turn = 0; turn < 10; turn += 1) assert.deepEqual(await login(user, `wrong${turn}`), WRONG)
      const outcome = await login(user, 'welcome')
      assert.equal(outcome.kind === 'refused' && outcome.retryAfterSeconds, 1)
      assert.equal((await login(user, 'welcome', '198.51.100.1')).kind, user === 'nobody' ? 'refused' : 'proven')
    }
  })

  it('lets ten of many different guesses at once be computed', async () => {
    const queue = new HashQueue()
    const run = mock.method(queue, 'run')
    staff = basic({ queue })
    const all = await Promise.all(Array.from({ length: 60 }, (_, index) => login('joe.smith', `wrong${index}`)))
    assert.equal(run.mock.callCount(), 10)
    assert.equal(
      all.filter((outcome) => outcome.kind === 'refused' && outcome.retryAfterSeconds !== undefined).length,
      50,
    )
  })

  it('forgets wrong guesses after the right one', async () => {
    for (let turn = 0; turn < 9; turn += 1) await login('joe.smith', `wrong${turn}`)
    assert.equal((await login('joe.smith', 'welcome')).kind, 'proven')
    for (let turn = 0; turn < 9; turn += 1) assert.deepEqual(await login('joe.smith', `wrong${turn}`), WRONG)
  })
})

describe('users that change', () => {
  const key = (subject: string) => identityKey({ issuer: 'staff', subject })

  it('are reported by key when they are gone or others', () => {
    const { 'joe.smith': joe, ...rest } = users
    assert.deepEqual(staff.replaceUsers(rest), [key('joe.smith')])
    assert.ok(joe)
    assert.deepEqual(staff.replaceUsers({ ...rest, 'joe.smith': joe }), [])
    assert.deepEqual(staff.replaceUsers({ ...rest, 'joe.smith': { ...joe, roles: [] } }), [key('joe.smith')])
  })

  it('are gone at once, remembered or not', async () => {
    assert.equal((await login('joe.smith', 'welcome')).kind, 'proven')
    staff.replaceUsers({ 'joe.smith': await hash('other') })
    assert.deepEqual(await login('joe.smith', 'welcome'), WRONG)
    staff.replaceUsers({})
    assert.deepEqual(await login('joe.smith', 'other'), WRONG)
  })

  it('do not get in when they change while their password is checked', async () => {
    const queue = new HashQueue()
    staff = basic({ queue })
    mock.method(queue, 'run', async (_lane: string, work: () => Promise<unknown>) => {
      const result = await work()
      staff.replaceUsers({})
      return result
    })
    assert.deepEqual(await login('joe.smith', 'welcome'), WRONG)
  })

  it('G113 do not get in when another authenticator has come while their password is checked, which knows them no more', async () => {
    const queue = new HashQueue()
    staff = basic({ queue })
    let lost: readonly string[] | undefined
    mock.method(queue, 'run', async (_lane: string, work: () => Promise<unknown>) => {
      const result = await work()
      const { 'joe.smith': _gone, ...others } = users
      lost = basic({ realm: 'Others', users: others }).lostSince?.(staff)
      return result
    })
    assert.deepEqual(await login('joe.smith', 'welcome'), WRONG)
    assert.deepEqual(lost, [key('joe.smith')])
    assert.equal((await login('colons', ':pa:ss:')).kind, 'proven')
  })

  it('get in when the file is read again while their password is checked, and they are as they were', async () => {
    const queue = new HashQueue()
    staff = basic({ queue })
    mock.method(queue, 'run', async (_lane: string, work: () => Promise<unknown>) => {
      const result = await work()
      staff.replaceUsers({ ...users, another: await hash('other') })
      return result
    })
    assert.equal((await login('joe.smith', 'welcome')).kind, 'proven')
  })

  it('G113 hold until they are gone or others, for whoever is being let in and for streams of the admin listener', async () => {
    const outcome = await login('joe.smith', 'welcome')
    assert.ok(outcome.kind === 'proven')
    const holds = () => staff.stillHolds?.(outcome.identity)
    staff.replaceUsers({ ...users })
    assert.equal(holds(), true)
    staff.replaceUsers({
      ...users,
      'joe.smith': { ...(await hash('another')), roles: ['trader'], claims: { dept: 'fx' } },
    })
    assert.equal(holds(), false)
    staff.replaceUsers({})
    assert.equal(holds(), false)
  })

  it('stay as they were when the new ones are wrong', async () => {
    assert.throws(() => staff.replaceUsers({ joe: { password: 'plain' } }), InvalidConfiguration)
    assert.equal((await login('joe.smith', 'welcome')).kind, 'proven')
  })

  it('are read again by reload', async () => {
    staff = basic({ loadUsers: async () => ({}) })
    assert.deepEqual([...((await staff.readAgain?.())?.() ?? [])].sort(), Object.keys(users).map(key).sort())
    assert.deepEqual((await basic().readAgain?.())?.(), [])
    const failing = basic({
      loadUsers: async () => {
        throw new Error('no such file')
      },
    })
    await assert.rejects(async () => await failing.readAgain?.(), /no such file/)
  })

  it('G113 stay as they were read last, whoever uses an earlier reading later', async () => {
    let present: UsersInput = users
    staff = basic({ loadUsers: async () => present })
    const earlier = await staff.readAgain?.()
    present = {}
    const later = await staff.readAgain?.()
    assert.equal(later?.().length, Object.keys(users).length)
    assert.deepEqual(earlier?.(), [])
    assert.equal(staff.users.size, 0)
  })
})
