/** How often each promotion rule and each permission entry of a service applied to somebody, since it is in force as it is. */
import type { ServiceConfig } from '../config/schema/schema.ts'

export class Tally {
  readonly sinceMs = Date.now()
  count = 0
  /** In ms since the epoch; undefined: never. */
  lastMs: number | undefined

  hit(): void {
    this.count++
    this.lastMs = Date.now()
  }
}

/** By position. */
export interface Hits {
  readonly rules: readonly Tally[]
  readonly permissions: readonly Tally[]
}

/** A service's configuration, and its tallies. */
export interface Tallied {
  readonly config: Pick<ServiceConfig, 'promote' | 'permissions'>
  readonly hits: Hits
}

/** @param before the service of the same path that this one follows: entries that stay as they were, wherever, keep theirs */
export function hitsOf({ promote, permissions = [] }: Tallied['config'], before: Tallied | undefined): Hits {
  return {
    rules: talliesOf(promote, before?.config.promote, before?.hits.rules),
    permissions: talliesOf(permissions, before?.config.permissions, before?.hits.permissions),
  }
}

function talliesOf(
  entries: readonly unknown[],
  entriesBefore: readonly unknown[] = [],
  tallies: readonly Tally[] = [],
): readonly Tally[] {
  const known = new Map(named(entriesBefore).map((name, index) => [name, tallies[index]]))
  return named(entries).map((name) => known.get(name) ?? new Tally())
}

/** The text of each entry, and how many equal ones stand before it: only the first of them can ever be hit. */
function named(entries: readonly unknown[]): readonly string[] {
  const seen = new Map<string, number>()
  return entries.map((entry) => {
    const text = JSON.stringify(entry)
    const before = seen.get(text) ?? 0
    seen.set(text, before + 1)
    return `${before} ${text}`
  })
}
