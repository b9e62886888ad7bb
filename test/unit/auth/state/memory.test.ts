/** The state in memory passes what every implementation has to. */
import { describe } from 'node:test'
import { MemoryState } from '../../../../auth/state/memory/state.ts'
import type { StateRig } from '../../../support/state/rig.ts'
import { describeTickets } from '../../../support/state/tickets.ts'

function rig(): StateRig {
  let nowMs = 5
  return {
    state: new MemoryState({ monotonicMs: () => nowMs }),
    elapse(ms) {
      nowMs += ms
    },
  }
}

describe('state in memory', () => {
  describeTickets(rig)
})
