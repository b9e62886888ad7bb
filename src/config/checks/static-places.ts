/** What a reload may not change: it would take something that only a start has. */
import { isDeepStrictEqual } from 'node:util'
import type { Finding } from '../reading/issues.ts'
import { STATIC_PLACES } from '../schema/applies.ts'
import type { Config } from '../schema/schema.ts'

/** The static keys in which the next configuration differs from the present one. */
export function staticChanges(present: Config, next: Config): Finding[] {
  return STATIC_PLACES.filter((path) => !isDeepStrictEqual(at(present, path), at(next, path))).map((path) => ({
    path,
    at: 'value',
    message: 'a change needs a restart',
  }))
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (found, key) => (typeof found === 'object' && found !== null ? Reflect.get(found, key) : undefined),
    value,
  )
}
