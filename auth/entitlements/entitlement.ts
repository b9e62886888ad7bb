/** What an entitlement service grants to one identity, and how long: its answer, checked and compiled. */
import type { GrantList, GrantTemplate } from '../policy/grants.ts'
import type { GrantInput } from '../policy/input.ts'

export interface Entitlement {
  /** Only `for:` of permissions sees them. */
  readonly roles: readonly string[]
  readonly permissions: Readonly<Record<GrantList, readonly GrantInput[]>>
  /** The same compiled, to be added to what is written. The same for everybody: there are no variables in an answer. */
  readonly grants: readonly GrantTemplate[]
  /** When it ends, in ms since the epoch. */
  readonly untilMs: number | undefined
  /** Equal texts: the same roles and grants. */
  readonly signature: string
}

/** Before a service has answered: nothing. */
export const NO_ENTITLEMENT: Entitlement = {
  roles: [],
  permissions: { configure: [], write: [], read: [] },
  grants: [],
  untilMs: undefined,
  signature: '',
}
