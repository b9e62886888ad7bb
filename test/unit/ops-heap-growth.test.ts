import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { HeapGrowth } from '../../src/ops/heap-growth.ts'

const MIB = 1024 * 1024

describe('the garbage collector', () => {
  it('is told to let the heap grow while much passes, for two seconds after, and to start early while little does', () => {
    const told: string[] = []
    let bytes = 0
    let nowMs = 1000
    const growth = new HeapGrowth(
      () => bytes,
      (flag) => told.push(flag),
    )
    /** What it is told after so long, a quarter of a second by itself, in which so much has passed. */
    const after = (mib: number, ms = 250): string[] => {
      bytes += mib * MIB
      nowMs += ms
      growth.look(nowMs)
      return told.splice(0)
    }
    const little = ['--heap-growing-percent=0', '--incremental-marking-soft-trigger=50']
    const much = ['--heap-growing-percent=300', '--incremental-marking-soft-trigger=0']
    assert.deepEqual(after(0), little)
    assert.deepEqual(after(3), [])
    assert.deepEqual(after(4), much)
    assert.deepEqual(after(500), [])
    // Until two seconds have passed.
    for (let looks = 1; looks < 8; looks++) assert.deepEqual(after(0), [])
    assert.deepEqual(after(0), little)
    // A look that comes late has a longer time to tell of.
    assert.deepEqual(after(15, 1000), [])
    assert.deepEqual(after(16, 1000), much)
  })

  it('understands it all', () => {
    // What V8 does not know it says on standard error, and nowhere else.
    const program = `
      import { HeapGrowth } from ${JSON.stringify(new URL('../../src/ops/heap-growth.ts', import.meta.url).href)}
      let bytes = 0
      const growth = new HeapGrowth(() => bytes)
      growth.look()
      bytes = 1e9
      growth.look()`
    const { status, stderr } = spawnSync(process.execPath, [
      '--import',
      'tsx',
      '--input-type=module',
      '--eval',
      program,
    ])
    assert.deepEqual([status, stderr.toString()], [0, ''])
  })
})
