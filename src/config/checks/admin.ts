/** The management API: who may use it, and as what. */
import { descriptorOf } from '../../../auth/index.ts'
import { isLoopback } from '../../../auth/schema/index.ts'
import type { Finding } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import type { Config } from '../schema/schema.ts'
import { asksForCertificates } from './listeners.ts'
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
      ...(admin.publicUrl === undefined ? [] : [without('publicUrl')]),
    ]
  }
  const named = namedAuthenticators(admin, path)
  const context = { asksForCertificates: asksForCertificates(admin.tls), publicUrl: admin.publicUrl }
  const unfit = named.flatMap(({ name, path: at }): Finding[] => {
    const one = config.authenticators[name]
    const message = one && descriptorOf(one).unfitForAdmin?.(context)
    return message === undefined ? [] : [{ path: at, at: 'value', message }]
  })
  return [
    ...unknownAuthenticators(named, config),
    ...unfit,
    ...checkRoles(admin.roles, path),
    ...checkOrigins(admin.origins),
    ...checkPublicUrl(admin.publicUrl),
  ]
}

/** Where a login leads back to, with whatever a proxy in front puts before the listener's paths. */
function checkPublicUrl(publicUrl: string | undefined): Finding[] {
  if (publicUrl === undefined) return []
  const path: Path = ['admin', 'publicUrl']
  const { protocol, hostname, search, hash } = new URL(publicUrl)
  const wrong = (message: string): Finding => ({ path, at: 'value', message })
  return [
    ...(protocol !== 'https:' && !isLoopback(hostname)
      ? [wrong('expected https: (http: is accepted for loopback addresses only)')]
      : []),
    ...(search !== '' || hash !== '' ? [wrong('expected a URL without query: /auth/callback is added to it')] : []),
  ]
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
