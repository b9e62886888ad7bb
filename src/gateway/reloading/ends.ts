/** The ends of sessions that a new configuration has no room for. */
import type { DrainTerms } from '../../sessions/drain.ts'
import { configurationChanged } from '../../sessions/end-requests.ts'
import type { Occupant } from '../../sessions/place.ts'
import type { Sessions } from '../../sessions/registry.ts'

export interface EndedByReload {
  readonly session: Occupant
  readonly mayReturn: boolean
}

/** A thousand in a second: an end takes about half of that, and whoever stays has messages that wait. */
const EACH_MS = 1

/** Who cannot come back is ended first: nothing is gained by waiting. The others go evenly, as in a drain. */
export function endByReload(
  chosen: readonly EndedByReload[],
  sessions: Sessions,
  { over, quiet }: Pick<DrainTerms, 'over' | 'quiet'>,
): void {
  for (const mayReturn of [false, true]) {
    const ends = chosen.filter((one) => one.mayReturn === mayReturn).map(({ session }) => session)
    const pace = mayReturn ? { overMs: over, quietMs: quiet } : { overMs: ends.length * EACH_MS }
    sessions.endEvenly(ends, configurationChanged(mayReturn), pace)
  }
}
