import assert from 'node:assert/strict'
import { beforeEach, describe, it, mock } from 'node:test'
import { type Clock, Lifetime, type LifetimeEnd } from '../../../../src/sessions/lifetime.ts'

const DAY_MS = 86_400_000

describe('Lifetime', () => {
  let wallMs = 1_800_000_000_000
  let monotonicMs = 5_000
  let ends: LifetimeEnd[] = []
  const clock: Clock = { wallMs: () => wallMs, monotonicMs: () => monotonicMs }

  /** Lets time pass for both clocks and for timers, second by second, with a tick after each. */
  function pass(lifetime: Lifetime, ms: number): void {
    for (let left = ms; left > 0 && ends.length === 0; left -= 1_000) {
      const stepMs = Math.min(left, 1_000)
      wallMs += stepMs
      monotonicMs += stepMs
      mock.timers.tick(stepMs)
      lifetime.tick()
    }
  }

  beforeEach(() => {
    mock.timers.reset()
    mock.timers.enable({ apis: ['setTimeout'] })
    ends = []
  })

  function lifetime(timeoutMs: number, expiresAtMs?: number): Lifetime {
    return new Lifetime(timeoutMs, expiresAtMs, (why) => ends.push(why), clock)
  }

  it('F1 ends at the expiry to the millisecond', () => {
    const watched = lifetime(DAY_MS, wallMs + 3_457)

    watched.tick()
    pass(watched, 2_000)
    wallMs += 1_456
    monotonicMs += 1_456
    mock.timers.tick(1_456)
    assert.deepEqual(ends, [])

    wallMs += 1
    monotonicMs += 1
    mock.timers.tick(1)
    assert.deepEqual(ends, ['credential-expired'])
  })

  it('F2 ends at the session timeout where that is first', () => {
    const watched = lifetime(3_000, wallMs + DAY_MS)
    pass(watched, 4_000)
    assert.deepEqual(ends, ['session-timeout'])
  })

  it('F1 does not end at once what is valid for 60 days', () => {
    const watched = lifetime(3650 * DAY_MS, wallMs + 60 * DAY_MS)
    watched.tick()
    pass(watched, 10_000)
    assert.deepEqual(ends, [])
  })

  for (const [what, expiresAtMs] of [
    ['has expired already', 1],
    ['is no number', Number.NaN],
    ['is negative', -1e300],
  ] as const) {
    it(`ends at once what ${what}`, () => {
      lifetime(DAY_MS, expiresAtMs).tick()
      assert.deepEqual(ends, ['credential-expired'])
    })
  }

  it('takes fractions of a millisecond', () => {
    const watched = lifetime(DAY_MS, wallMs + 0.5)
    watched.tick()
    wallMs += 1
    monotonicMs += 1
    mock.timers.tick(1)
    assert.deepEqual(ends, ['credential-expired'])
  })

  it('F3 is not lengthened by a clock that is set back', () => {
    const watched = lifetime(DAY_MS, wallMs + 5_000)
    wallMs -= DAY_MS
    pass(watched, 6_000)
    assert.deepEqual(ends, ['credential-expired'])
  })

  it('F3 follows a clock that is set forward', () => {
    const watched = lifetime(DAY_MS, wallMs + 3_600_000)
    wallMs += 3_700_000
    watched.tick()
    assert.deepEqual(ends, ['credential-expired'])
  })

  it('goes on with a fresh proof, but not beyond the session timeout', () => {
    const watched = lifetime(8_000, wallMs + 1_500)
    watched.tick()
    watched.renew(wallMs + DAY_MS)
    pass(watched, 5_000)
    assert.deepEqual(ends, [])
    pass(watched, 5_000)
    assert.deepEqual(ends, ['session-timeout'])
  })

  it('is silent after it was stopped', () => {
    const watched = lifetime(DAY_MS, wallMs + 1_000)
    watched.tick()
    watched.stop()
    mock.timers.tick(2_000)
    assert.deepEqual(ends, [])
  })
})
