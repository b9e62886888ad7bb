/** Who may manage the gateway, compiled from one configuration: a reload puts another one in its place. */
import {
  authenticatorsOf,
  compileMatch,
  type Identity,
  type OidcAuthenticator,
  oidcAuthenticatorsOf,
  type Requirement,
} from '../../auth/index.ts'
import type { Config } from '../config/schema/schema.ts'
import { OriginRule } from '../services/origin.ts'
import { forAdmin, type Made, requirementFrom } from '../wiring/authenticators.ts'
import { ROLES, type Role } from './roles.ts'

export interface Access {
  readonly requirement: Requirement
  /** Of pages that may write, beside the listener's own. */
  readonly origins: OriginRule
  /** Those of its authenticators that have a login. */
  readonly logins: readonly OidcAuthenticator[]
  /** What a proxy in front puts before the listener's paths where browsers see them. */
  readonly prefix: string
  /** The highest role somebody has; undefined where there is none. @param address of the client */
  roleOf(identity: Identity, address: string): Role | undefined
  /** Whether what proved somebody has not ended since, as by a logout. */
  stillHolds(identity: Identity): boolean
}

/** Undefined where nobody may: then there is no management API. @throws {InvalidConfiguration} */
export function compileAccess({ admin }: Pick<Config, 'admin'>, made: Made): Access | undefined {
  if (admin?.authenticate === undefined) return undefined
  const matches = ROLES.toReversed().flatMap((role) => {
    const conditions = admin.roles?.[role]
    return conditions === undefined ? [] : [{ role, match: compileMatch(conditions) }]
  })
  const requirement = requirementFrom(admin.authenticate, forAdmin(made))
  const authenticators = authenticatorsOf(requirement)
  const publicUrl = admin.publicUrl === undefined ? undefined : new URL(admin.publicUrl)
  const holds = (one: Identity): boolean =>
    authenticators.every(({ name, stillHolds }) => name !== one.authenticator || stillHolds?.(one) !== false)
  return {
    requirement,
    origins: new OriginRule([...admin.origins, ...(publicUrl === undefined ? [] : [publicUrl.origin])]),
    logins: oidcAuthenticatorsOf(authenticators),
    prefix: publicUrl?.pathname.replace(/\/+$/, '') ?? '',
    roleOf: (identity, address) => matches.find(({ match }) => match.matches({ identity, address }))?.role,
    stillHolds: (identity) => (identity.parts ?? [identity]).every(holds),
  }
}
