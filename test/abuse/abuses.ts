/** Every abuse, by name: the one table that `npm run bench:abuse` and docs/performance.md go by. */
import type { Abuse } from './abuse.ts'
import { DOOR_ABUSES } from './door-abuses.ts'
import { ordinaryLoad, SESSION_ABUSES } from './session-abuses.ts'

/** No abuse: a gateway that has worked is as large as its work made it, and growth is told from there. */
export const ORDINARY = 'ordinary load'

export const ABUSES: Readonly<Record<string, Abuse>> = {
  nothing: {
    does: 'nobody does anything: what the measuring itself costs',
    run: () => Promise.resolve(),
  },
  [ORDINARY]: {
    does: 'four clients that come, publish 1 KiB messages at full speed for a while, and go: what precedes every abuse',
    run: ordinaryLoad,
  },
  ...SESSION_ABUSES,
  ...DOOR_ABUSES,
}
