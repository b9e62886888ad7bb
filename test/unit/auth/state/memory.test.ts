/** The state in memory passes what every implementation has to. */
import { describe, mock } from 'node:test'
import { MemoryState } from '../../../../auth/state/memory/state.ts'
import { describeAttempts } from '../../../support/state/attempts.ts'
import { describeLogins } from '../../../support/state/logins.ts'
import type { StateRig } from '../../../support/state/rig.ts'
import { describeTickets } from '../../../support/state/tickets.ts'

const NOW_MS = 1_800_000_000_000
mock.timers.enable({ apis: ['Date', 'setTimeout'], now: NOW_MS })

function rig(): StateRig {
  mock.timers.setTime(NOW_MS)
  return {
    state: new MemoryState({ monotonicMs: Date.now, nowMs: Date.now }),
    elapse: async (ms) => mock.timers.tick(ms),
    slackMs: 0,
    forgets: true,
  }
}

describe('state in memory', () => {
  describeTickets(rig)
  describeAttempts(rig)
  describeLogins(rig)
})
