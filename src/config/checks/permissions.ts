/** Permissions, stamps and limits: what could never be decided, or would undo itself. */
import type { Finding } from '../issues.ts'
import type { Path } from '../problems.ts'
import type { Config, PermissionConfig, ServiceConfig } from '../schema.ts'
import { checkMatch } from './matching.ts'

function checkArguments(entry: PermissionConfig, path: Path): Finding[] {
  return Object.entries(entry.arguments ?? {}).flatMap(([name, bound]): Finding[] => {
    if (bound === true) return []
    const at = [...path, 'arguments', name]
    if (bound.min !== undefined && bound.max !== undefined && bound.min > bound.max) {
      return [{ path: [...at, 'min'], at: 'value', message: 'expected `min` not above `max`' }]
    }
    if (bound.inject && bound.max === undefined) {
      return [{ path: [...at, 'inject'], at: 'key', message: '`inject` adds the value of `max`: expected `max` too' }]
    }
    if (bound.values && (bound.min !== undefined || bound.max !== undefined)) {
      return [{ path: [...at, 'values'], at: 'key', message: 'expected either `values` or `min` and `max`' }]
    }
    return []
  })
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
    const entries = (service.permissions ?? []).flatMap((entry, position) => {
      const at = [...path, 'permissions', position]
      return [...checkArguments(entry, at), ...checkMatch(entry.for ?? {}, [...at, 'for'])]
    })
    return [...entries, ...checkHeaders(service, path)]
  })
}
