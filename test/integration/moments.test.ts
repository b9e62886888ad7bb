/**
 * A reload, a block, a kick, a drain or the end meets an upgrade or a renewal: at one of its steps, and with `npm run
 * test:moments` at every other one. What was decided before an `await` holds behind it only if it is asked again.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CHANGES, meet, WAYS } from '../support/moments.ts'
import { Random } from '../support/random.ts'

/** Between two moments that are tried; absent: one moment of each kind. */
const EVERY = process.env['MOMENTS_EVERY']
const SEED = Number(process.env['MOMENTS_SEED'] ?? Date.now() % 0x1_0000_0000)
/** Of an upgrade, and of a change: each takes fewer. */
const STEP_COUNT = 300

const random = new Random(SEED)

/** Half of them while the person is on the way in, half while the change is. */
function steps(): readonly number[] {
  if (EVERY === undefined) return [random.below(2 * STEP_COUNT) - STEP_COUNT]
  const [every, first] = [Number(EVERY), random.below(Number(EVERY))]
  return Array.from({ length: Math.floor((2 * STEP_COUNT) / every) }, (_, index) => first + index * every - STEP_COUNT)
}

describe(`a way in that is met by (seed ${SEED})`, () => {
  for (const change of Object.keys(CHANGES)) {
    for (const way of WAYS) {
      it(`${change}: by ${way}`, async () => {
        for (const step of steps()) {
          try {
            assert.ok((await meet({ change, way, step })) > 0)
          } catch (error) {
            throw new Error(`at step ${step}`, { cause: error })
          }
        }
      })
    }
  }
})
