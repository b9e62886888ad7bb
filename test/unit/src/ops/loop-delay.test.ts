import assert from 'node:assert/strict'
import { it } from 'node:test'
import { LoopDelay } from '../../../../src/ops/loop-delay.ts'
import { until } from '../../../support/until.ts'

const STALL_MS = 150

function stall(): void {
  const endMs = performance.now() + STALL_MS
  while (performance.now() < endMs);
}

async function longAfter(): Promise<void> {
  const sinceMs = performance.now()
  await until(() => performance.now() - sinceMs > 50, 'several looks')
}

for (const [when, pause] of [
  ['in the turn in which it was read', () => undefined],
  ['in a later one', () => new Promise(setImmediate)],
  ['long after, and ends in the turn of the next reading', longAfter],
] as const)
  it(`a delay of the event loop is seen that begins ${when}`, async () => {
    const delay = new LoopDelay()
    try {
      const read = delay.reader()
      const other = delay.reader()
      read()
      const sinceMs = performance.now()
      await pause()
      stall()
      let longestMs = 0
      const isSeen = (): boolean => {
        longestMs = Math.max(longestMs, read())
        return longestMs >= STALL_MS / 2
      }
      await until(isSeen, 'the delay')
      assert.ok(longestMs <= performance.now() - sinceMs, `${longestMs} ms`)
      assert.ok(other() >= longestMs, 'each reader has its own longest one')
    } finally {
      delay.close()
    }
  })
