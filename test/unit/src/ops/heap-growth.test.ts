import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { HeapGrowth } from '../../../../src/ops/heap-growth.ts'
import { SOURCE_OPTIONS } from '../../../support/source-options.ts'

const MIB = 1024 * 1024

describe('the garbage collector', () => {
  const LITTLE = ['--heap-growing-percent=0', '--incremental-marking-soft-trigger=50']
  const MUCH = ['--heap-growing-percent=300', '--incremental-marking-soft-trigger=0']
  const MANY = ['--heap-growing-percent=30', '--incremental-marking-soft-trigger=50']

  /** What is told after so long, a quarter of a second by itself, in which so much has passed and so many have come. */
  function growing(): (work: { mib?: number; upgrades?: number }, ms?: number) => string[] {
    const told: string[] = []
    const work = { relayedBytes: 0, upgradeCount: 0 }
    let nowMs = 1000
    const growth = new HeapGrowth(work, (flag) => told.push(flag))
    return ({ mib = 0, upgrades = 0 }, ms = 250) => {
      work.relayedBytes += mib * MIB
      work.upgradeCount += upgrades
      nowMs += ms
      growth.look(nowMs)
      return told.splice(0)
    }
  }

  it('is told to let the heap grow while much passes, for two seconds after, and to start early while little does', () => {
    const after = growing()
    assert.deepEqual(after({}), LITTLE)
    assert.deepEqual(after({ mib: 3 }), [])
    assert.deepEqual(after({ mib: 4 }), MUCH)
    assert.deepEqual(after({ mib: 500 }), [])
    // Until two seconds have passed.
    for (let looks = 1; looks < 8; looks++) assert.deepEqual(after({}), [])
    assert.deepEqual(after({}), LITTLE)
    // A look that comes late has a longer time to tell of.
    assert.deepEqual(after({ mib: 15 }, 1000), [])
    assert.deepEqual(after({ mib: 16 }, 1000), MUCH)
  })

  it('is told to start earlier while many come, unless much passes', () => {
    const after = growing()
    assert.deepEqual(after({ upgrades: 24 }), LITTLE)
    assert.deepEqual(after({ upgrades: 25 }), MANY)
    assert.deepEqual(after({ upgrades: 99 }, 1000), [])
    assert.deepEqual(after({ mib: 4, upgrades: 1000 }), MUCH)
    assert.deepEqual(after({ upgrades: 1000 }, 1999), [])
    assert.deepEqual(after({}, 1), MANY)
    assert.deepEqual(after({}, 1999), LITTLE)
  })

  it('understands it all', () => {
    // What V8 does not know it says on standard error, and nowhere else.
    const program = `
      import { HeapGrowth } from ${JSON.stringify(new URL('../../../../src/ops/heap-growth.ts', import.meta.url).href)}
      const work = { relayedBytes: 0, upgradeCount: 0 }
      const growth = new HeapGrowth(work)
      growth.look(1000)
      work.upgradeCount = 1e9
      growth.look(2000)
      work.relayedBytes = 1e9
      growth.look(3000)`
    const { status, stderr } = spawnSync(process.execPath, [
      ...SOURCE_OPTIONS,
      '--input-type=module',
      '--eval',
      program,
    ])
    assert.deepEqual([status, stderr.toString()], [0, ''])
  })
})
