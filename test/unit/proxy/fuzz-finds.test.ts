/** What fuzzing once broke stays mended: every kept input, through its target. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fuzzConnections } from '../../fuzz/connections-target.ts'
import { corpus, crashesOf, spoiltInput } from '../../fuzz/corpus.ts'
import { leastProcessorMs } from '../../fuzz/slowness.ts'
import { TARGETS } from '../../fuzz/targets.ts'
import { Random } from '../../support/random.ts'

const IN_PARTS = new Set(['codec', 'from-broker'])

describe('fuzz targets', () => {
  it('D1 D2 connections are gone at their deadlines, wherever they stop', async () => {
    const outcomes = await fuzzConnections(new Random(20_261_122), 60)
    for (const [what, many] of Object.entries(outcomes)) assert.ok(many > 0, what)
  })

  it('that fail and are slow are timed again, and told once', async () => {
    let looks = 0
    const slow = async () => {
      looks++
      const until = performance.now() + 5
      while (performance.now() < until) Math.sqrt(looks)
      throw new Error('found')
    }
    assert.ok((await leastProcessorMs(slow)) > 0)
    assert.equal(looks, 3)
  })

  for (const [name, target] of Object.entries(TARGETS)) {
    it(`${name} bears what it was once broken by, and a thousand new inputs`, async () => {
      const random = new Random(20_261_122)
      const seeds = corpus()
      let inParts = 0
      for (const input of crashesOf(name)) assert.ok((await target(input, random)).frames > 0)

      for (let round = 0; round < 1000; round++) {
        const fed = await target(spoiltInput(seeds, random), random)
        assert.ok(fed.frames > 0)
        inParts += fed.inParts
      }
      assert.equal(inParts > 0, IN_PARTS.has(name))
    })
  }
})
