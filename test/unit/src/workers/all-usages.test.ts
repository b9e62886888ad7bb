/** Shares of an identity over all workers: each gets to know what the others have. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Usages } from '../../../../proxy/index.ts'
import { AllUsages } from '../../../../src/workers/primary/all-usages.ts'

const SERVICE = '/amqp'
const JOE = 'joe'

/** Workers that exchange what has changed, as often as they are asked to. */
function scene(count: number) {
  const all = new AllUsages<Usages>()
  const workers = Array.from({ length: count }, () => new Usages())
  const tell = (told: ReturnType<typeof all.said>): void => {
    for (const [worker, changes] of told)
      for (const { identity, used } of changes) if (used !== null) worker.usedElsewhere(identity, used)
  }
  const exchange = (nowMs: number): void => {
    for (const worker of workers) {
      const changes = [...worker.changes(nowMs)].map(([identity, used]) => ({ service: SERVICE, identity, used }))
      tell(all.said(worker, changes))
    }
  }
  return { all, workers, exchange, leave: (worker: Usages) => tell(all.left(worker)) }
}

describe('usages of several workers', () => {
  it('are known at each as far as they are those of others', () => {
    const { workers, exchange, leave } = scene(3)
    const [one, two, three] = workers.map((worker) => worker.enter(JOE, 0))
    assert.ok(one && two && three)
    one.channels = 3
    two.channels = 4
    two.consumers = 1
    three.publishesPerSecond.take(1, 10, 500)
    exchange(1_000)
    assert.deepEqual([one.elsewhere.channels, two.elsewhere.channels, three.elsewhere.channels], [4, 3, 7])
    assert.deepEqual([one.elsewhere.consumers, one.elsewhere.publishers, three.elsewhere.publishers], [1, 1, 0])

    // What one gives back others may take, also where they have nothing themselves.
    one.channels = 0
    two.channels = 0
    exchange(4_000)
    assert.deepEqual([one.elsewhere.channels, two.elsewhere.channels, three.elsewhere.channels], [0, 0, 0])
    assert.equal(one.elsewhere.publishers, 0)

    two.channels = 5
    exchange(5_000)
    assert.equal(one.elsewhere.channels, 5)
    const [, second] = workers
    assert.ok(second)
    leave(second)
    assert.equal(one.elsewhere.channels, 0)
  })

  it('are told to other gateways together, and hold with what those have', () => {
    const { all, workers, exchange } = scene(2)
    const [one, two] = workers.map((worker) => worker.enter(JOE, 0))
    assert.ok(one && two)
    assert.deepEqual(all.changes(), [])
    one.channels = 3
    two.channels = 4
    exchange(1_000)
    const [change, ...more] = all.changes()
    assert.deepEqual([change?.identity, change?.used?.channels, more, all.changes()], [JOE, 7, [], []])

    const used = { channels: 10, consumers: 0, queues: 2, exchanges: 0, publishers: 1 }
    for (const [worker, changes] of all.saidOutside([{ service: SERVICE, identity: JOE, used }]))
      for (const told of changes) if (told.used !== null) worker.usedElsewhere(told.identity, told.used)
    assert.deepEqual([one.elsewhere.channels, two.elsewhere.channels, two.elsewhere.publishers], [14, 13, 1])
    assert.equal(one.queues.elsewhereCount, 2)
    const nothing = { channels: 0, consumers: 0, queues: 0, exchanges: 0, publishers: 0 }
    for (const [worker, changes] of all.saidOutside([{ service: SERVICE, identity: JOE, used: nothing }]))
      for (const told of changes) if (told.used !== null) worker.usedElsewhere(told.identity, told.used)
    assert.equal(two.elsewhere.channels, 3)
  })

  it('are told once, and again when they have been forgotten', () => {
    const usages = new Usages()
    const usage = usages.enter(JOE, 0)
    usage.channels = 1
    assert.equal([...usages.changes(0)].length, 1)
    assert.equal([...usages.changes(0)].length, 0)
    usage.channels = 0
    usages.leave(usage, 0)
    assert.deepEqual(
      [...usages.changes(0)].map(([, used]) => used?.channels),
      [0],
    )
    usages.enter('ann', 120_000)
    assert.deepEqual([...usages.changes(120_000)], [[JOE, null]])
  })
})
