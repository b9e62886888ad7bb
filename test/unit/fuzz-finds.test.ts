/** What fuzzing once broke stays mended: every kept input, through its target. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { corpus, crashesOf } from '../fuzz/corpus.ts'
import { Random, spoilt } from '../fuzz/random.ts'
import { TARGETS } from '../fuzz/targets.ts'

describe('fuzz targets', () => {
  for (const [name, target] of Object.entries(TARGETS)) {
    it(`${name} bears what it was once broken by, and a few thousand new inputs`, () => {
      const random = new Random(20_261_122)
      const seeds = corpus()
      for (const input of crashesOf(name)) assert.ok(target(input, random) > 0)

      for (let round = 0; round < 3000; round++) assert.ok(target(spoilt(random.pick(seeds), random), random) > 0)
    })
  }
})
