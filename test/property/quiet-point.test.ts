/**
 * The way to a quiet point, on a model of both peers with a network that holds frames back: whatever the order of things,
 * a session that says it is quiet costs nobody a message, what reaches the broker is the beginning of what the client has
 * sent, and a client and a broker that do their part get there.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { QuietRig, type QuietStep } from '../support/quiet-rig.ts'

const RUNS = Number(process.env['QUIET_RUNS'] ?? 2_000)

const channel = fc.constantFrom(1, 2)
const publish = fc.record({ do: fc.constant('publish' as const), channel, isWhole: fc.boolean() })
const goOn = fc.record({ do: fc.constant('go on' as const), channel })
const settle = fc.record({ do: fc.constant('settle' as const), channel, at: fc.nat(5), multiple: fc.boolean() })
const confirm = fc.record({ do: fc.constant('confirm' as const), channel, at: fc.nat(5), multiple: fc.boolean() })
const hop = fc.record({ do: fc.constant('hop' as const), pipe: fc.nat(3), times: fc.integer({ min: 1, max: 8 }) })
const others: fc.Arbitrary<QuietStep> = fc.oneof(
  fc.record({ do: fc.constant('consume' as const), channel, noAck: fc.boolean() }),
  fc.record({ do: fc.constant('get' as const), channel }),
  fc.record({ do: fc.constant('commit' as const), channel }),
  fc.record({ do: fc.constant('deliver' as const), channel }),
)

/** @param confirms how often the broker confirms: where it is slow, publishes are held back */
function acts(confirms: number): fc.Arbitrary<QuietStep> {
  return fc.oneof(
    { weight: 6, arbitrary: publish },
    { weight: 8, arbitrary: goOn },
    { weight: 4, arbitrary: settle },
    { weight: confirms, arbitrary: confirm },
    { weight: 5, arbitrary: others },
    { weight: 12, arbitrary: hop },
  )
}

const mode = fc.constantFrom('plain' as const, 'confirms' as const, 'transactions' as const)

describe('the way to a quiet point', () => {
  it('costs nobody a message and comes to its end, in any interleaving', () => {
    const seen = { quiet: 0, held: 0 }
    fc.assert(
      fc.property(
        fc.tuple(mode, mode),
        fc.array(acts(4), { maxLength: 60 }),
        fc.array(acts(1), { maxLength: 60 }),
        (modes, before, after) => {
          const rig = new QuietRig(modes)
          for (const step of before) rig.do(step)
          rig.bringToQuiet()
          for (const step of after) rig.do(step)
          rig.doTheirPart()
          seen.quiet++
          if (rig.isHolding) seen.held++
        },
      ),
      { numRuns: RUNS, seed: 15 },
    )
    assert.ok(seen.held > RUNS / 200, `publishes were held back in ${seen.held} of ${seen.quiet} runs`)
  })
})
