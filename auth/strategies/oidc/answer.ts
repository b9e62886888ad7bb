/** What a login has for a browser, as values: the routes are in src/http. */
import type { Identity } from '../../identity.ts'

/** For a browser, as values. `detail` is for operators. */
export interface LoginAnswer {
  readonly status: number
  readonly location?: string
  readonly cookies?: readonly string[]
  readonly body?: Readonly<Record<string, unknown>>
  readonly detail?: string
  /** Whose login was begun, renewed or ended. */
  readonly identity?: Identity
  /** Where a person waits for it who wanted to log in, and cannot. */
  readonly failure?: LoginFailure
}

/** Says no more than anybody may read. */
export interface LoginFailure {
  readonly reason: LoginFailureReason
  /** How to begin again, as a query; absent: nobody knows how this one was begun. */
  readonly begunBy?: string | undefined
  /** A page of the operator's that says so instead; it names the reason. */
  readonly errorUrl?: string | undefined
}

/**
 * `cancelled`: the person or the provider said no. `expired`: back too late, or into another tab's login. `refused`: what
 * the provider sent is not acceptable. `unknown`: this browser began no login. `malformed`: the link that should begin one.
 */
export type LoginFailureReason = 'cancelled' | 'expired' | 'refused' | 'unavailable' | 'unknown' | 'malformed'
