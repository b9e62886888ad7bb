/** How often each promotion rule and each permission entry applied to somebody, in the management API. */
import { redacted, type Shown } from '../../config/effective/redacted.ts'
import type { PermissionConfig, RuleConfig } from '../../config/schema/schema.ts'
import type { Tally } from '../../services/hits.ts'
import type { Service } from '../../services/service.ts'
import { json } from '../answer.ts'
import type { ApiRoute } from '../route.ts'

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

export interface RulesParts {
  readonly managed: { readonly current: { readonly services: ReadonlyMap<string, Pick<Service, 'path' | 'tallied'>> } }
}

export function rulesRoute({ managed }: RulesParts): ApiRoute {
  return {
    method: 'GET',
    path: '/api/v1/rules',
    role: 'viewer',
    handle: () => json(200, { items: [...managed.current.services.values()].map(shownRules) }),
  }
}

function shownRules({ path, tallied: { config, hits } }: Pick<Service, 'path' | 'tallied'>): ShownRules {
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
