/** Work for thousands of sessions, in between which the messages of all of them go on. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** What one turn may take: whoever has nothing to do with the work waits for it. */
const TURN_MS = 3

/** Does it for each: as many in one turn of the event loop as fit into 3 ms, the first of them in the next turn. */
export async function inTurns<T>(items: readonly T[], work: (item: T) => void): Promise<void> {
  let sinceMs = Number.NEGATIVE_INFINITY
  for (const item of items) {
    if (performance.now() - sinceMs >= TURN_MS) {
      await nextTurn()
      sinceMs = performance.now()
    }
    work(item)
  }
}
