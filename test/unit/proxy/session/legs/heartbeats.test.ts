/** How long a peer may have to wait for a byte, at every interval, by the looks that a session asks for and their delays. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Heartbeats } from '../../../../../proxy/session/legs/heartbeats.ts'
import { latestLookMs, lookMs } from '../../../../../proxy/session/legs/looks.ts'

const PING_MS = 25_000

/** The longest silence between two bytes, with looks that are as late as they may be, and these writes in between. */
function longestSilenceMs(seconds: number, delays: readonly number[], writesMs: readonly number[]): number {
  const heartbeats = new Heartbeats()
  const every = lookMs(PING_MS, seconds)
  const waiting = [...writesMs].sort((a, b) => a - b)
  let nowMs = 1000
  let longest = 0
  // The last byte of the opening, just before the first look.
  let lastMs = nowMs
  const write = (atMs: number): void => {
    longest = Math.max(longest, atMs - lastMs)
    lastMs = atMs
  }
  for (const delay of delays) {
    const nextMs = latestLookMs(nowMs, every)
    if (heartbeats.isDue(seconds, nowMs, nextMs)) {
      write(nowMs)
      heartbeats.hasWritten = true
    }
    nowMs += every + (delay * every) / 2
    while (waiting[0] !== undefined && waiting[0] < nowMs) {
      const atMs = waiting.shift() as number
      if (atMs < lastMs) continue
      write(atMs)
      heartbeats.hasWritten = true
    }
  }
  return longest
}

const delay = fc.double({ min: -1, max: 1, noNaN: true })

describe('heartbeats', () => {
  it('a gap is at most half of the interval, whatever it is, however late the looks and whatever is written', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 65_535 })),
        fc.array(delay, { minLength: 30, maxLength: 100 }),
        fc.array(fc.double({ min: 1000, max: 100_000, noNaN: true }), { maxLength: 10 }),
        (seconds, delays, writesMs) => {
          assert.ok(longestSilenceMs(seconds, delays, writesMs) <= seconds * 500)
        },
      ),
    )
  })

  it('of the usual interval is sent each 25 s, and not at each look', () => {
    const heartbeats = new Heartbeats()
    let sent = 0
    for (let nowMs = 5000; nowMs <= 605_000; nowMs += 5000) {
      if (!heartbeats.isDue(60, nowMs, latestLookMs(nowMs, 5000))) continue
      sent++
      heartbeats.hasWritten = true
    }
    assert.equal(sent, 24)
  })

  it('none are sent where none were agreed', () => {
    const heartbeats = new Heartbeats()
    for (let nowMs = 1000; nowMs < 1_000_000; nowMs += 1000)
      assert.ok(!heartbeats.isDue(0, nowMs, latestLookMs(nowMs, 1000)))
  })
})
