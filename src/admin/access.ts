/** Who may manage the gateway, compiled from one configuration: a reload puts another one in its place. */
import { type Authenticator, compileMatch, type Identity, type Requirement } from '../../auth/index.ts'
import type { Config } from '../config/schema/schema.ts'
import { OriginRule } from '../services/origin.ts'
import { requirementFrom } from '../wiring/authenticators.ts'
import { ROLES, type Role } from './roles.ts'

export interface Access {
  readonly requirement: Requirement
  /** Of pages that may write, beside the listener's own. */
  readonly origins: OriginRule
  /** The highest role somebody has; undefined where there is none. @param address of the client */
  roleOf(identity: Identity, address: string): Role | undefined
}

/** Undefined where nobody may: then there is no management API. @throws {InvalidConfiguration} */
export function compileAccess(
  { admin }: Pick<Config, 'admin'>,
  authenticators: ReadonlyMap<string, Authenticator>,
): Access | undefined {
  if (admin?.authenticate === undefined) return undefined
  const matches = ROLES.toReversed().flatMap((role) => {
    const conditions = admin.roles?.[role]
    return conditions === undefined ? [] : [{ role, match: compileMatch(conditions) }]
  })
  return {
    requirement: requirementFrom(admin.authenticate, authenticators),
    origins: new OriginRule(admin.origins),
    roleOf: (identity, address) => matches.find(({ match }) => match.matches({ identity, address }))?.role,
  }
}
