/**
 * A reload, a block, a kick, a drain or the end meets an upgrade or a renewal: at one of its steps, and with `npm run
 * test:moments` at every third one, also where the gateway asks a store. What was decided before an `await` holds behind it
 * only if it is asked again.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { DoorOptions } from '../support/door.ts'
import { CHANGES, meet, WAYS } from '../support/moments.ts'
import { Random } from '../support/random.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { STATE_KEY } from '../support/state/shared-rig.ts'

/** Between two moments that are tried; absent: one moment of each kind. */
const EVERY = process.env['MOMENTS_EVERY']
const SEED = Number(process.env['MOMENTS_SEED'] ?? Date.now() % 0x1_0000_0000)
/** Of a way in, and of a change: each takes fewer. */
const [STEP_COUNT, STEP_COUNT_WITH_STORE] = [300, 600]

const random = new Random(SEED)

/** Half of them while the person is on the way in, half while the change is. */
function steps(count: number): readonly number[] {
  if (EVERY === undefined) return [random.below(2 * count) - count]
  const [every, first] = [Number(EVERY), random.below(Number(EVERY))]
  return Array.from({ length: Math.floor((2 * count) / every) }, (_, index) => first + index * every - count)
}

/** @param store gives an empty one, where there is one */
function tryAll(count: number, store?: () => Promise<DoorOptions['state']>): void {
  for (const change of Object.keys(CHANGES)) {
    for (const way of WAYS) {
      it(`${change}: by ${way}`, async () => {
        for (const step of steps(count)) {
          try {
            assert.ok((await meet({ change, way, step }, await store?.())) > 0)
          } catch (error) {
            throw new Error(`at step ${step}`, { cause: error })
          }
        }
      })
    }
  }
}

describe(`a way in that is met by (seed ${SEED})`, () => tryAll(STEP_COUNT))

if (EVERY !== undefined) {
  describe('a way in with a store that is met by', () => {
    let redis: Redis
    before(async () => {
      redis = await startRedis()
    })
    after(() => redis.stop())

    tryAll(STEP_COUNT_WITH_STORE, async () => {
      await redis.command('FLUSHALL')
      return { urls: [redis.url], key: STATE_KEY }
    })
  })
}
