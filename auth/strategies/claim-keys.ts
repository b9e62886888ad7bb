/** The keys by which operators say where in claims subject and roles are, as several types have them. */

import { z } from 'zod'
import type { Mistake } from '../errors.ts'
import { claimPlace, separator } from '../schema/index.ts'
import type { RolesSource } from './claimed-roles.ts'

export const claimKeys = {
  subject: claimPlace.prefault('sub').describe('Claim with the subject.'),
  roles: claimPlace
    .optional()
    .describe(
      'Claim with the roles: a list, or a text that is one role, such as `realm_access.roles` or `resource_access."com.example.app".roles`; absent: none.',
    ),
  rolesSeparator: separator
    .optional()
    .describe(
      'What stands between roles where the claim is one text; absent: a blank in `scope` and `scp`, else nothing.',
    ),
  rolesFrom: z
    .enum(['value', 'keys'])
    .prefault('value')
    .describe('Where in the claim the roles are: `keys` where it is an object whose keys are the roles.'),
}

interface RoleKeys {
  readonly roles?: string | undefined
  readonly rolesSeparator?: string | undefined
  readonly rolesFrom: 'value' | 'keys'
}

/** How roles are written means something only where they are looked for. */
export function checkRoleKeys({ roles, rolesSeparator, rolesFrom }: RoleKeys): Mistake[] {
  if (roles === undefined) {
    const key = rolesSeparator === undefined ? 'rolesFrom' : 'rolesSeparator'
    if (key === 'rolesFrom' && rolesFrom === 'value') return []
    return [{ path: [key], at: 'key', message: 'without meaning: there is no `roles`' }]
  }
  if (rolesFrom === 'value' || rolesSeparator === undefined) return []
  return [{ path: ['rolesSeparator'], at: 'key', message: 'without meaning: keys of an object are not split' }]
}

/** For `rolesKey` of descriptors. */
export function missingRoles({ roles }: RoleKeys): 'roles' | undefined {
  return roles === undefined ? 'roles' : undefined
}

export function rolesSourceOf({ roles, rolesSeparator, rolesFrom }: RoleKeys): RolesSource | undefined {
  return roles === undefined ? undefined : { path: roles, separator: rolesSeparator, from: rolesFrom }
}
