/**
 * Closings that cross, on a model of both peers with a network on both legs that holds frames back: whatever the order of
 * things, nobody breaks the protocol, both legs are done with the channel in the end, and its number can be used again.
 *
 * `CROSSING_DEEDS=6` looks at every interleaving of up to six deeds, which takes hours; without, at those of two, and at
 * some of more. `CROSSING_WALKS` says how many.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exploreAll, exploreOne, tell } from '../support/crossing/explore.ts'
import { CLIENT_STYLES } from '../support/crossing/model-client.ts'
import { Random } from '../support/random.ts'

const DEEDS = Number(process.env['CROSSING_DEEDS'] ?? 2)
const WALKS = Number(process.env['CROSSING_WALKS'] ?? 1000)
const SEED = 13

describe('closings that cross', () => {
  for (const style of CLIENT_STYLES) {
    it(`C23 cost nobody the connection, in every interleaving of a few deeds, where the client ${style}`, () => {
      const { states, finds } = exploreAll(style, DEEDS)

      assert.deepEqual(finds.map(tell), [])
      assert.ok(states > 100)
    })

    it(`C23 cost nobody the connection, by chance, where the client ${style}`, () => {
      const random = new Random(SEED)
      for (let walk = 0; walk < WALKS; walk++) {
        const find = exploreOne(style, 6 + random.below(4), random)
        assert.equal(find && tell(find), undefined)
      }
    })
  }
})
