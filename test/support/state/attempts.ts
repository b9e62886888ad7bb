/** Guesses of passwords: counted before they are made, slowed down, forgotten; whoever counts them. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { AttemptAllowance, Attempts } from '../../../auth/state/attempts.ts'
import type { RigMaker, StateRig } from './rig.ts'

const HERE = '203.0.113.7'
const retryAfter = (attempt: AttemptAllowance) => (attempt.allowed ? 0 : attempt.retryAfterSeconds)

async function guess(attempts: Attempts, count: number, user = 'joe', address = HERE): Promise<number> {
  let allowed = 0
  for (let turn = 0; turn < count; turn += 1) if ((await attempts.begin(user, address)).allowed) allowed += 1
  return allowed
}

export function describeAttempts(rigOf: RigMaker): void {
  let rig: StateRig
  let attempts: Attempts

  beforeEach(async () => {
    rig = await rigOf()
    attempts = rig.state.attempts('one')
  })

  describe('attempts', () => {
    it('let ten guesses through and no eleventh', async () => {
      assert.equal(await guess(attempts, 10), 10)
      assert.deepEqual(await attempts.begin('joe', HERE), { allowed: false, retryAfterSeconds: 1 })
      assert.deepEqual(await attempts.peek('joe', HERE), { allowed: false, retryAfterSeconds: 1 })
    })

    it('let ten of a hundred at once through', async () => {
      const all = await Promise.all(Array.from({ length: 100 }, () => attempts.begin('joe', HERE)))
      assert.equal(all.filter(({ allowed }) => allowed).length, 10)
    })

    it('make each further guess wait longer, up to a bound', async () => {
      await guess(attempts, 10)
      const delays: number[] = []
      for (let turn = 0; turn < 11; turn += 1) {
        const seconds = retryAfter(await attempts.begin('joe', HERE))
        delays.push(seconds)
        await rig.elapse(seconds * 1000)
        assert.equal((await attempts.begin('joe', HERE)).allowed, true)
      }
      assert.deepEqual(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
    })

    it('do not count those that have to wait', async () => {
      await guess(attempts, 10)
      assert.equal(await guess(attempts, 50), 0)
      assert.equal(retryAfter(await attempts.peek('joe', HERE)), 1)
    })

    it('count nothing when only asked', async () => {
      for (let turn = 0; turn < 50; turn += 1) assert.equal((await attempts.peek('joe', HERE)).allowed, true)
      assert.equal(await guess(attempts, 10), 10)
    })

    it('concern one user from one network', async () => {
      await guess(attempts, 11)
      assert.equal((await attempts.begin('joe', '203.0.113.8')).allowed, true)
      assert.equal((await attempts.begin('ann', HERE)).allowed, true)
      await guess(attempts, 11, 'joe', '2001:db8:1:2::1')
      assert.equal((await attempts.begin('joe', '2001:db8:1:2:ffff::9')).allowed, false)
      assert.equal((await attempts.begin('joe', '2001:db8:1:3::1')).allowed, true)
      assert.equal((await attempts.begin('joe', '::ffff:203.0.113.7')).allowed, false)
    })

    it('are forgotten after the window, and after a success', async () => {
      await guess(attempts, 9)
      await rig.elapse(60_001)
      assert.equal(await guess(attempts, 9), 9)
      await attempts.succeeded('joe', HERE)
      assert.equal(await guess(attempts, 11), 10)
      await attempts.succeeded('joe', HERE)
      assert.equal(await guess(attempts, 11), 10)
    })

    it('count as none where no guess was made after all', async () => {
      await guess(attempts, 9)
      await attempts.withdrawn('joe', HERE)
      assert.equal(await guess(attempts, 11), 2)
    })

    it('are those of their scope, and forgotten with it', async () => {
      await guess(attempts, 10)
      assert.equal((await rig.state.attempts('other').peek('joe', HERE)).allowed, true)
      assert.equal((await rig.state.attempts('one').peek('joe', HERE)).allowed, false)
      rig.state.keepOnly(new Set(['other']))
      assert.equal((await rig.state.attempts('one').peek('joe', HERE)).allowed, rig.forgets)
    })
  })
}
