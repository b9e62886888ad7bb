/** What looks at all sessions in turn: their deadlines, what they hang on, and what they hold together. */
import { getHeapStatistics } from 'node:v8'
import type { Authenticator } from '../../auth/index.ts'
import type { Log } from '../ops/log.ts'
import type { Pressure } from '../ops/pressure.ts'
import type { Traffic } from '../ops/traffic.ts'
import type { EntitledSessions } from '../sessions/entitled-sessions.ts'
import { Overload } from '../sessions/overload.ts'
import { Rechecks } from '../sessions/rechecks.ts'
import type { Sessions } from '../sessions/registry.ts'
import { Ticker } from '../sessions/ticker.ts'

/** Part of the heap that what waits in all sessions may fill together. */
const BUFFER_RATIO = 0.25

export interface TickerParts {
  readonly log: Log
  readonly sessions: Sessions
  readonly entitled: EntitledSessions
  readonly traffic: Traffic
  readonly pressure: Pressure
  /** Those of the configuration in force. */
  authenticators(): ReadonlyMap<string, Authenticator>
  /** Called with each look. */
  tick(): void
}

export function makeTicker({ log, sessions, entitled, traffic, pressure, authenticators, tick }: TickerParts): Ticker {
  const boundBytes = getHeapStatistics().heap_size_limit * BUFFER_RATIO
  const heldBytes = (): number => sessions.bufferedBytes() + traffic.heldBytes
  const overload = new Overload({ sessions, heldBytes, pressure, log, boundBytes })
  traffic.guard(boundBytes, () => overload.shed())
  return new Ticker([sessions, entitled, new Rechecks(sessions, authenticators, log), overload, { tick }])
}
