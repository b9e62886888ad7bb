import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lookMs } from '../../../../../proxy/session/legs/looks.ts'

describe('a session is looked at', () => {
  for (const [what, expected, ...intervals] of [
    ['every five seconds with the defaults', 5000, 25_000, 60, 60],
    ['no less often, however long its intervals', 5000, 3_600_000, 0, 0],
    ['more often for a ping that is due sooner', 2000, 10_000, 60, 60],
    ['more often for heartbeats of the client', 2000, 25_000, 20, 60],
    ['more often for heartbeats of the broker', 1000, 25_000, 0, 10],
    ['five times in the half of the shortest heartbeat', 100, 25_000, 1, 60],
    ['no more often than that', 100, 100, 0, 0],
  ] as const) {
    it(what, () => {
      const [pingMs, ...heartbeats] = intervals
      assert.equal(lookMs(pingMs, ...heartbeats), expected)
    })
  }
})
