/** How many sessions are ended together: the same words in the configuration, in the management API and in code. */
import { z } from 'zod'
import { DURATION_TEXT, duration } from './units.ts'

const over = duration('0s', '1h').describe('Time over which sessions are ended, evenly.')
const quiet = duration('0s', '10m').describe('Time that each of them has to come to a quiet point.')
const lameDuck = duration('0s', '1h').describe(
  'Time for which sessions are still taken, while `/health/ready` says 503 already.',
)

/** The default of `quiet`. */
const QUIET_MS = 2_000

/** One duration for everything. */
const short = duration('0s', '1h').transform((ms) => ({ over: ms, quiet: Math.min(QUIET_MS, ms), lameDuck: 0 }))

const long = z.strictObject({
  over: over.prefault('10s'),
  quiet: quiet.prefault('2s'),
  lameDuck: lameDuck.prefault('0s'),
})

export const drain = z.union([short, long], { error: `expected ${DURATION_TEXT}` })

/** What is asked of a gateway that runs: the configuration says what is left out. */
export const drainOrder = z.strictObject({
  over: over.optional(),
  quiet: quiet.optional(),
  lameDuck: lameDuck.optional(),
})

/** In ms. */
export type DrainOrder = z.output<typeof drainOrder>
