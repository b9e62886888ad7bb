/** What the limit filters have in common: the limits there are, and what each filter works with. */

import type { Audit } from '../../audit.ts'
import type { FromClient } from '../../codec/spec.ts'
import type { FilterRefusal, SessionView } from '../filter.ts'
import type { Usage } from './usage.ts'

/** Shares of one identity. Absent: no limit. */
export interface IdentityLimits {
  readonly channels?: number | undefined
  readonly consumers?: number | undefined
  /** Queues declared that the broker still has. */
  readonly queues?: number | undefined
  /** Exchanges declared and not deleted. */
  readonly exchanges?: number | undefined
  /** Unacknowledged deliveries for each consumer. */
  readonly unacked?: number | undefined
  readonly publishesPerSecond?: number | undefined
  readonly publishBytesPerSecond?: number | undefined
}

/** What the filters share of one session. */
export interface LimitContext {
  readonly session: SessionView
  readonly usage: Usage
  readonly audit: Audit
  /** A clock that never steps, in ms. */
  readonly now: () => number
  /** Refuses one more of what is limited. */
  refuse(method: FromClient, channel: number, limit: keyof IdentityLimits): FilterRefusal
  /** The session adds nothing more to the usage. */
  leave(): void
}
