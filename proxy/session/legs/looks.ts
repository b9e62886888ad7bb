/**
 * How often a session is looked at, for what has become due: pings, heartbeats, silence. Often enough for the shortest of
 * its intervals and no more, since thousands of idle sessions do not fit into a processor's caches: each look fetches
 * one from memory.
 */

/** Looks within the shortest interval: silence is noticed so much of it late at most. */
const LOOKS = 5
/** Until it is known what intervals there are. */
export const FIRST_LOOK_MS = 1000
/** Half of the shortest heartbeat there is, and so many looks. */
const SHORTEST_LOOK_MS = 500 / LOOKS
export const LONGEST_LOOK_MS = 5000

/** The time between two looks. @param heartbeatSeconds as agreed on each leg; 0: none */
export function lookMs(pingMs: number, ...heartbeatSeconds: number[]): number {
  const halves = heartbeatSeconds.filter((seconds) => seconds > 0).map((seconds) => (seconds * 1000) / 2)
  return Math.min(LONGEST_LOOK_MS, Math.max(SHORTEST_LOOK_MS, Math.min(pingMs, ...halves) / LOOKS))
}

/** When the next look will be at the latest: its owner may come by half as late again. */
export function latestLookMs(nowMs: number, everyMs: number): number {
  return nowMs + everyMs * 1.5
}
