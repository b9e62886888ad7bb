/** Permissions, stamps and limits: what could never be decided, or would undo itself. */
import { compileMatch, InvalidConfiguration, Policy } from '../../../auth/index.ts'
import type { Finding } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import type { Config, PermissionConfig, ServiceConfig } from '../schema/schema.ts'
import { checkMatch } from './matching.ts'

function checkBounds(entry: PermissionConfig, path: Path): Finding[] {
  return Object.entries(entry.arguments ?? {}).flatMap(([name, bound]): Finding[] => {
    if (bound === true || bound.min === undefined || bound.max === undefined || bound.min <= bound.max) return []
    return [{ path: [...path, 'arguments', name, 'min'], at: 'value', message: 'expected `min` not above `max`' }]
  })
}

/** Stands for any `for`, which is judged by itself. */
const ANYBODY = compileMatch(undefined)

/** What the policy itself would refuse. */
function checkPolicy(permissions: readonly PermissionConfig[], path: Path): Finding[] {
  try {
    new Policy(permissions.map((entry) => ({ ...entry, match: ANYBODY })))
    return []
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error
    return error.problems.map(({ path: below, message }) => ({ path: [...path, ...below], at: 'value', message }))
  }
}

function checkHeaders({ stamp }: ServiceConfig, path: Path): Finding[] {
  const seen = new Set<string>()
  return Object.keys(stamp?.headers ?? {}).flatMap((name): Finding[] => {
    const lower = name.toLowerCase()
    const isTwice = seen.has(lower)
    seen.add(lower)
    if (!isTwice) return []
    return [
      {
        path: [...path, 'stamp', 'headers', name],
        at: 'key',
        message: 'this header is already there, in another spelling',
      },
    ]
  })
}

export function checkPermissions({ services }: Config): Finding[] {
  return services.flatMap((service, index) => {
    const path: Path = ['services', index]
    const permissions = service.permissions ?? []
    const entries = permissions.flatMap((entry, position) => {
      const at = [...path, 'permissions', position]
      return [...checkBounds(entry, at), ...checkMatch(entry.for ?? {}, [...at, 'for'])]
    })
    return [...entries, ...checkPolicy(permissions, [...path, 'permissions']), ...checkHeaders(service, path)]
  })
}
