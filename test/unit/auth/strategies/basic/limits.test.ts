/** What bounds the cost of password guessing: the queue of hashes, memory of what was right. Counted attempts are state. */
import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { HashQueue, TooBusy } from '../../../../../auth/strategies/basic/hash-queue.ts'
import { Recent } from '../../../../../auth/strategies/basic/recent.ts'

mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1_800_000_000_000 })

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
