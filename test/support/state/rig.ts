/** What every implementation of the state is tried with: see test/unit/auth/state. */
import type { Identity } from '../../../auth/identity.ts'
import type { AuthState } from '../../../auth/state/state.ts'

/** A state that is empty, and its time. */
export interface StateRig {
  readonly state: AuthState
  /** Lets time pass for the state. */
  elapse(ms: number): void
}

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
