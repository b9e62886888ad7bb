/** What a broker has said no to rests, for longer each time; one session tries for all, and one success ends it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BROKER_FAILURES } from '../../../../src/brokers/broker-failures.ts'
import { HoldOffs, type Rest, type Trial } from '../../../../src/brokers/hold-offs.ts'

const clock = { nowMs: 0 }
const make = () => {
  clock.nowMs = 0
  return new HoldOffs(() => clock.nowMs)
}
const credential = (name: string) => ({ fingerprint: () => name })
const joe = { credential: credential('joe'), vhost: '/' }

function trial(tried: ReturnType<HoldOffs['try']>): Trial {
  assert.ok(typeof tried !== 'string', `held off: ${String(tried)}`)
  return tried
}

function rest(of: ReturnType<Trial['failed']>): Rest {
  assert.ok(of !== undefined && of !== 'known', String(of))
  return of
}

describe('a credential that a broker does not take', () => {
  it('rests for a second, then twice as long each time, up to a minute, a little less by chance', () => {
    const holdOffs = make()
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      const { forMs } = rest(trial(holdOffs.try(joe)).failed('login-refused'))
      assert.ok(forMs <= seconds * 1000 && forMs >= seconds * 800, `${forMs} ms of ${seconds} s`)
      assert.equal(holdOffs.try(joe), 'login-refused')
      clock.nowMs += forMs - 1
      assert.equal(holdOffs.try(joe), 'login-refused')
      clock.nowMs += 1
    }
  })

  it('is tried by one session for all when its rest is over, and the others are counted', () => {
    const holdOffs = make()
    const { forMs } = rest(trial(holdOffs.try(joe)).failed('login-refused'))
    holdOffs.try(joe)
    clock.nowMs += forMs
    const prober = trial(holdOffs.try(joe))
    for (let n = 0; n < 5; n++) assert.equal(holdOffs.try(joe), 'login-refused')
    assert.equal(rest(prober.failed('login-refused')).count, 6)
  })

  it('is free at once after one success', () => {
    const holdOffs = make()
    const { forMs } = rest(trial(holdOffs.try(joe)).failed('login-refused'))
    clock.nowMs += forMs
    trial(holdOffs.try(joe)).opened()
    trial(holdOffs.try(joe))
    assert.ok(rest(trial(holdOffs.try(joe)).failed('login-refused')).forMs <= 1000)
  })

  it('is found out by many at once and grows once', () => {
    const holdOffs = make()
    const many = [1, 2, 3].map(() => trial(holdOffs.try(joe)))
    clock.nowMs += 10
    const [first, ...others] = many
    const { forMs } = rest(first?.failed('login-refused'))
    for (const other of others) assert.equal(other.failed('login-refused'), 'known')
    clock.nowMs += forMs
    const next = rest(trial(holdOffs.try(joe)).failed('login-refused'))
    assert.equal(next.count, 2)
    assert.ok(next.forMs <= 2000)
  })

  it('is tried by the next one when the one who tried went away', () => {
    const holdOffs = make()
    const { forMs } = rest(trial(holdOffs.try(joe)).failed('login-refused'))
    clock.nowMs += forMs
    trial(holdOffs.try(joe)).over()
    trial(holdOffs.try(joe))
  })

  it('holds off nobody else: another secret, another user, for vhosts another vhost', () => {
    const holdOffs = make()
    trial(holdOffs.try(joe)).failed('login-refused')
    trial(holdOffs.try({ credential: credential('ann'), vhost: '/' })).failed('vhost-refused')
    trial(holdOffs.try({ credential: credential('ann'), vhost: '/other' }))
    assert.equal(holdOffs.try({ credential: credential('ann'), vhost: '/' }), 'vhost-refused')
    assert.equal(
      trial(holdOffs.try({ credential: credential('bob'), vhost: undefined })).failed('vhost-refused'),
      undefined,
    )
    trial(holdOffs.try({ credential: credential('bob'), vhost: undefined }))
  })

  it('is another thing where messages carry a user-id of others', () => {
    const forOthers = { ...joe, forOthers: true }
    const holdOffs = make()
    trial(holdOffs.try(forOthers)).failed('login-refused')
    assert.equal(holdOffs.try(forOthers), 'login-refused')
    trial(holdOffs.try(joe)).opened()
    assert.equal(holdOffs.try(forOthers), 'login-refused')
  })

  it('holds off all where TLS fails, and nobody where the broker is away', () => {
    const holdOffs = make()
    assert.equal(trial(holdOffs.try(joe)).failed('unreachable'), undefined)
    assert.equal(trial(holdOffs.try(joe)).failed('timeout'), undefined)
    trial(holdOffs.try(joe)).failed('tls')
    assert.equal(holdOffs.try({ credential: credential('ann'), vhost: '/' }), 'tls')
    holdOffs.clear()
    trial(holdOffs.try({ credential: credential('ann'), vhost: '/' }))
  })

  it('at a limit never rests for long', () => {
    const holdOffs = make()
    for (let n = 0; n < 8; n++) {
      const { forMs } = rest(trial(holdOffs.try(joe)).failed('user-limit'))
      assert.ok(forMs <= 10_000)
      clock.nowMs += forMs
    }
  })

  it('is remembered in bounded memory', () => {
    const holdOffs = make()
    for (let n = 0; n < 10_001; n++)
      trial(holdOffs.try({ credential: credential(`u${n}`), vhost: '/' })).failed('login-refused')
    trial(holdOffs.try({ credential: credential('u0'), vhost: '/' }))
    assert.equal(holdOffs.try({ credential: credential('u1'), vhost: '/' }), 'login-refused')
  })
})

describe('every failure of a broker', () => {
  it('has a remedy that fits into a line of the log', () => {
    for (const [failure, { remedy }] of Object.entries(BROKER_FAILURES)) {
      assert.ok(remedy.length >= 20 && remedy.length <= 256, `${failure}: ${remedy.length}`)
    }
  })
})
