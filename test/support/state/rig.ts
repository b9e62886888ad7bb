/** What every implementation of the state is tried with: see test/unit/auth/state. */
import type { Identity } from '../../../auth/identity.ts'
import type { AuthState } from '../../../auth/state/state.ts'

/** A state that is empty, and its time. */
export interface StateRig {
  readonly state: AuthState
  /** Lets time pass for the state. */
  elapse(ms: number): Promise<void>
  /** How much more real time may have passed in it than it was let: what lives for less than this has ended perhaps. */
  readonly slackMs: number
  /** Whether it forgets what no authenticator of this process has a use for; where others share it, it does not. */
  readonly forgets: boolean
}

export type RigMaker = () => StateRig | Promise<StateRig>

export const JOE: Identity = {
  issuer: 'https://idp.example.com',
  subject: 'joe.smith',
  authenticator: 'sso',
  roles: ['trader'],
  claims: {},
  fromCookie: false,
  sessionKey: 'sid-1',
}
export const ANN: Identity = { ...JOE, subject: 'ann', sessionKey: 'sid-2' }
