/** What the figures of benchmarks are made with. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { quantile } from '../../support/quantile.ts'

describe('a quantile', () => {
  const hundred = Array.from({ length: 100 }, (_, at) => at + 1)

  it('is the measurement that the part of all others lies below', () => {
    assert.equal(quantile(hundred, 0), 1)
    assert.equal(quantile(hundred, 0.5), 51)
    assert.equal(quantile(hundred, 0.99), 100)
    assert.equal(quantile([1, 2, 3], 0.5), 2)
  })

  it('of 1 is the last one, of a single one that', () => {
    assert.equal(quantile(hundred, 1), 100)
    for (const part of [0, 0.5, 1]) assert.equal(quantile([7], part), 7)
  })

  it('of nothing is 0', () => {
    for (const part of [0, 0.5, 1]) assert.equal(quantile([], part), 0)
  })
})
