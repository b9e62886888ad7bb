/** The management API: who may use it, and as what. */
import { descriptorOf } from '../../../auth/index.ts'
import type { Finding } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import type { Config } from '../schema/schema.ts'
import { checkMatch } from './matching.ts'
import { namedAuthenticators, unknownAuthenticators } from './services.ts'

export function checkAdmin(config: Config): Finding[] {
  const { admin } = config
  if (admin === undefined) return []
  const path: Path = ['admin']
  if (admin.authenticate === undefined) {
    const without = (key: string): Finding => ({
      path: [...path, key],
      at: 'key',
      message: 'without meaning: there is no management API without `authenticate`',
    })
    return [
      ...(admin.roles === undefined ? [] : [without('roles')]),
      ...(admin.origins.length === 0 ? [] : [without('origins')]),
    ]
  }
  const named = namedAuthenticators(admin, path)
  const unfit = named.flatMap(({ name, path: at }): Finding[] => {
    const one = config.authenticators[name]
    const message =
      one?.type === 'clientCertificate' ? certificateProblem(admin) : one && descriptorOf(one).unfitForAdmin
    return message === undefined ? [] : [{ path: at, at: 'value', message }]
  })
  return [
    ...unknownAuthenticators(named, config),
    ...unfit,
    ...checkRoles(admin.roles, path),
    ...checkOrigins(admin.origins),
  ]
}

function certificateProblem({ tls }: NonNullable<Config['admin']>): string | undefined {
  if (tls?.clientCertificates !== undefined && tls.clientCertificates.mode !== 'none') return undefined
  return 'the admin listener asks for no client certificates: set `admin.tls: { clientCertificates: { ca } }`'
}

type Roles = NonNullable<Config['admin']>['roles']

function checkRoles(roles: Roles, path: Path): Finding[] {
  const given = Object.entries(roles ?? {}).flatMap(([role, conditions]) =>
    conditions === undefined ? [] : [{ at: [...path, 'roles', role], conditions }],
  )
  if (given.length === 0) {
    const message = 'missing: expected `viewer`, `operator` or `administrator`, and whom each is given to'
    return [{ path: [...path, 'roles'], at: 'value', message }]
  }
  return given.flatMap(({ at, conditions }): Finding[] => {
    if (Object.values(conditions).some((condition) => condition !== undefined)) return checkMatch(conditions, at)
    return [{ path: at, at: 'value', message: 'expected at least one condition: an empty one would mean everybody' }]
  })
}

function checkOrigins(origins: readonly string[]): Finding[] {
  return origins.flatMap((origin, index): Finding[] =>
    origin === '*'
      ? [
          {
            path: ['admin', 'origins', index],
            at: 'value',
            message: 'any page could use the logins of operators: name the origins',
          },
        ]
      : [],
  )
}
