/** Chance that tests, fuzz and soak can have again. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Random } from '../../support/random.ts'

describe('chance with a seed', () => {
  it('is the same again', () => {
    const [one, other] = [new Random(7), new Random(7)]
    assert.deepEqual(one.bytes(100), other.bytes(100))
    const copy = one.copy()
    assert.deepEqual(one.bytes(100), copy.bytes(100))
    assert.notDeepEqual(one.bytes(100), new Random(8).bytes(100))
  })

  it('stays within its bounds and uses all of them', () => {
    const random = new Random(7)
    const seen = new Set(Array.from({ length: 200 }, () => random.below(5)))
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      [0, 1, 2, 3, 4],
    )
    assert.ok(['a', 'b'].includes(random.pick(['a', 'b'])))
    assert.ok(random.chance(1))
  })
})
