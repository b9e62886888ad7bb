/** How often each promotion rule and each permission entry applied to somebody, in one process or in several together. */
import { redacted, type Shown } from '../../config/effective/redacted.ts'
import type { PermissionConfig, RuleConfig } from '../../config/schema/schema.ts'
import type { Tally } from '../../services/hits.ts'
import type { Service } from '../../services/service.ts'

export interface ShownTally {
  /** From 0. */
  readonly index: number
  /** Whom it is for, as configured; empty: everyone. */
  readonly when: Shown
  /** How often it applied: at logins and at renewals. */
  readonly hits: number
  /** RFC 3339 in UTC: from when on it was counted. */
  readonly since: string
  /** When it applied last; `null`: never. */
  readonly lastAt: string | null
}

export interface ShownRule extends ShownTally {
  /** `to` and the credential's name or the template's user, or `refuse` and the text. */
  readonly effect: string
}

export interface ShownRules {
  /** The service's path. */
  readonly service: string
  readonly rules: readonly ShownRule[]
  readonly permissions: readonly ShownTally[]
}

export function shownRules({ path, tallied: { config, hits } }: Pick<Service, 'path' | 'tallied'>): ShownRules {
  return {
    service: path,
    rules: config.promote.map((rule, index) => ({
      ...shownTally(index, rule.when, hits.rules[index]),
      effect: effectOf(rule),
    })),
    permissions: (config.permissions ?? []).map((entry, index) =>
      shownTally(index, entry.for, hits.permissions[index]),
    ),
  }
}

function shownTally(
  index: number,
  whom: RuleConfig['when'] | PermissionConfig['for'],
  tally: Tally | undefined,
): ShownTally {
  return {
    index,
    when: redacted(whom ?? {}),
    hits: tally?.count ?? 0,
    since: new Date(tally?.sinceMs ?? Date.now()).toISOString(),
    lastAt: tally?.lastMs === undefined ? null : new Date(tally.lastMs).toISOString(),
  }
}

function effectOf({ to, refuse }: RuleConfig): string {
  if (to === undefined) return `refuse ${JSON.stringify(refuse)}`
  return `to ${typeof to === 'string' ? to : to.username}`
}

/** Of several processes with one configuration. */
export function addedRules([first = [], ...others]: readonly (readonly ShownRules[])[]): readonly ShownRules[] {
  return first.map((own) => {
    const theirs = others.flatMap((rules) => rules.filter(({ service }) => service === own.service))
    const added = <T extends ShownTally>(tallies: readonly T[], of: (rules: ShownRules) => readonly ShownTally[]) =>
      tallies.map((tally, index) =>
        addedTally(
          tally,
          theirs.flatMap((rules) => of(rules)[index] ?? []),
        ),
      )
    return {
      ...own,
      rules: added(own.rules, ({ rules }) => rules),
      permissions: added(own.permissions, ({ permissions }) => permissions),
    }
  })
}

function addedTally<T extends ShownTally>(own: T, theirs: readonly ShownTally[]): T {
  const all = [own, ...theirs]
  return {
    ...own,
    hits: all.reduce((sum, { hits }) => sum + hits, 0),
    since: all.map(({ since }) => since).sort()[0] ?? own.since,
    lastAt:
      all
        .flatMap(({ lastAt }) => lastAt ?? [])
        .sort()
        .at(-1) ?? null,
  }
}
