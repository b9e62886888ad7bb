/** What fuzzing once broke stays mended: every kept input, through its target. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fuzzConnections } from '../../fuzz/connections-target.ts'
import { corpus, crashesOf, spoiltInput } from '../../fuzz/corpus.ts'
import { TARGETS } from '../../fuzz/targets.ts'
import { Random } from '../../support/random.ts'

const IN_PARTS = new Set(['codec', 'from-broker'])

describe('fuzz targets', () => {
  it('D1 D2 connections are gone at their deadlines, wherever they stop', async () => {
    const outcomes = await fuzzConnections(new Random(20_261_122), 60)
    for (const [what, many] of Object.entries(outcomes)) assert.ok(many > 0, what)
  })

  for (const [name, target] of Object.entries(TARGETS)) {
    it(`${name} bears what it was once broken by, and a thousand new inputs`, () => {
      const random = new Random(20_261_122)
      const seeds = corpus()
      let inParts = 0
      for (const input of crashesOf(name)) assert.ok(target(input, random).frames > 0)

      for (let round = 0; round < 1000; round++) {
        const fed = target(spoiltInput(seeds, random), random)
        assert.ok(fed.frames > 0)
        inParts += fed.inParts
      }
      assert.equal(inParts > 0, IN_PARTS.has(name))
    })
  }
})
