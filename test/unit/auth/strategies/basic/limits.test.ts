/** What bounds the cost of password guessing: counted attempts, the queue of hashes, memory of what was right. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it, mock } from 'node:test'
import { Attempts } from '../../../../../auth/strategies/basic/attempts.ts'
import { HashQueue, TooBusy } from '../../../../../auth/strategies/basic/hash-queue.ts'
import { Recent } from '../../../../../auth/strategies/basic/recent.ts'

mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1_800_000_000_000 })

const HERE = '203.0.113.7'
const retryAfter = (attempt: Awaited<ReturnType<Attempts['begin']>>) =>
  attempt.allowed ? 0 : attempt.retryAfterSeconds

async function guess(attempts: Attempts, count: number, user = 'joe', address = HERE): Promise<number> {
  let allowed = 0
  for (let turn = 0; turn < count; turn += 1) if ((await attempts.begin(user, address)).allowed) allowed += 1
  return allowed
}

describe('attempts', () => {
  let attempts = new Attempts()
  beforeEach(() => {
    attempts = new Attempts()
  })

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
      mock.timers.tick(seconds * 1000)
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
    mock.timers.tick(60_001)
    assert.equal(await guess(attempts, 9), 9)
    await attempts.succeeded('joe', HERE)
    assert.equal(await guess(attempts, 11), 10)
    await attempts.succeeded('joe', HERE)
    assert.equal(await guess(attempts, 11), 10)
  })
})

describe('the queue of hashes', () => {
  /** Jobs that end when told to. */
  function jobs() {
    const ends: (() => void)[] = []
    const started: string[] = []
    const job = (name: string) => async () => {
      started.push(name)
      await new Promise<void>((resolve) => ends.push(resolve))
      return name
    }
    return { ends, started, job }
  }

  /** Ends jobs one after another; the next starts in between. */
  async function finish(ends: (() => void)[], count: number) {
    for (let turn = 0; turn < count; turn += 1) {
      ends.shift()?.()
      await new Promise(setImmediate)
    }
  }

  it('runs so many at once and the others in turn, known people first', async () => {
    const queue = new HashQueue({ concurrencyCount: 2, waitingPerLaneCount: 32 })
    const { ends, started, job } = jobs()
    const all = [
      queue.run('stranger', job('a')),
      queue.run('stranger', job('b')),
      queue.run('stranger', job('c')),
      queue.run('known', job('d')),
    ]
    assert.deepEqual(started, ['a', 'b'])
    await finish(ends, 1)
    assert.deepEqual(started, ['a', 'b', 'd'])
    await finish(ends, 3)
    assert.deepEqual(started, ['a', 'b', 'd', 'c'])
    assert.deepEqual(await Promise.all(all), ['a', 'b', 'c', 'd'])
  })

  it('runs names that nobody guesses at before those that somebody does', async () => {
    const queue = new HashQueue({ concurrencyCount: 1, waitingPerLaneCount: 1 })
    const { ends, started, job } = jobs()
    const all = [queue.run('stranger', job('a')), queue.run('stranger', job('b'))]
    assert.deepEqual([queue.isFull('stranger'), queue.isFull('quiet'), queue.isFull('known')], [true, false, false])
    all.push(queue.run('quiet', job('c')), queue.run('known', job('d')))
    await finish(ends, 4)
    await Promise.all(all)
    assert.deepEqual(started, ['a', 'd', 'c', 'b'])
  })

  it('leaves every fourth place to those who come last: a flood of the others keeps nobody out', async () => {
    const queue = new HashQueue({ concurrencyCount: 1 })
    const { ends, started, job } = jobs()
    const all = [queue.run('quiet', job('a')), queue.run('stranger', job('stranger'))]
    for (const name of ['b', 'c', 'd', 'e', 'f']) all.push(queue.run('quiet', job(name)))
    await finish(ends, 7)
    await Promise.all(all)
    assert.deepEqual(started, ['a', 'b', 'c', 'd', 'stranger', 'e', 'f'])
  })

  it('turns away what does not fit, and keeps room for known people', async () => {
    const queue = new HashQueue({ concurrencyCount: 1, waitingPerLaneCount: 2 })
    const { ends, started, job } = jobs()
    const all = ['a', 'b', 'c'].map((name) => queue.run('stranger', job(name)))
    assert.equal(queue.isFull('stranger'), true)
    await assert.rejects(queue.run('stranger', job('x')), RangeError)
    assert.equal(queue.isFull('known'), false)
    all.push(queue.run('known', job('d')))
    await finish(ends, 4)
    await Promise.all(all)
    assert.deepEqual(started, ['a', 'd', 'b', 'c'])
    assert.equal(queue.isFull('stranger'), false)
  })

  it('turns away whom others overtake for too long, and goes on', async () => {
    const queue = new HashQueue({ concurrencyCount: 1, maxWaitMs: 20 })
    const { ends, started, job } = jobs()
    const first = queue.run('known', job('a'))
    const overtaken = assert.rejects(queue.run('stranger', job('b')), TooBusy)
    mock.timers.tick(20)
    await overtaken
    const next = queue.run('stranger', job('c'))
    await finish(ends, 2)
    assert.deepEqual([await first, await next, started], ['a', 'c', ['a', 'c']])
  })

  it('goes on after a job that fails', async () => {
    const queue = new HashQueue({ concurrencyCount: 1 })
    const failing = queue.run('stranger', async () => {
      throw new Error('broken')
    })
    const next = queue.run('stranger', async () => 'done')
    await assert.rejects(failing, /broken/)
    assert.equal(await next, 'done')
  })

  it('turns away what would wait too long', async () => {
    const clock = mock.method(performance, 'now', () => 0)
    const queue = new HashQueue({ concurrencyCount: 1, waitingPerLaneCount: 32, maxWaitMs: 100 })
    const { ends, job } = jobs()
    const slow = queue.run('stranger', job('slow'))
    clock.mock.mockImplementation(() => 8000)
    ends.shift()?.()
    await slow
    const running = [queue.run('stranger', job('a')), queue.run('stranger', job('b'))]
    assert.equal(queue.isFull('stranger'), true)
    await finish(ends, 2)
    await Promise.all(running)
    clock.mock.restore()
  })
})

describe('a memory of what was right', () => {
  it('forgets after its time', () => {
    let now = 0
    const recent = new Recent(1000, 10, () => now)
    recent.add('a')
    now = 999
    assert.equal(recent.has('a'), true)
    now = 1000
    assert.equal(recent.has('a'), false)
  })

  it('forgets the oldest first when there are too many', () => {
    const recent = new Recent(1000, 3, () => 0)
    for (const key of ['a', 'b', 'a', 'c', 'd']) recent.add(key)
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].filter((key) => recent.has(key)),
      ['a', 'c', 'd'],
    )
    recent.clear()
    assert.equal(recent.has('d'), false)
  })
})
