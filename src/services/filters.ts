/**
 * What a service's sessions are filtered by: its permissions, its stamps, the shares of one identity, and the record of
 * what was done. Compiled once for the service; a session gets filters of its own, which follow its identity when that
 * is renewed.
 */
import {
  compileMatch,
  type Entitlement,
  Policy,
  PromotionRefused,
  StampPolicy,
  type VariableFacts,
} from '../../auth/index.ts'
import {
  type AuditSink,
  authorizeFilter,
  type Filter,
  limitFilters,
  observeFilters,
  ReservedNames,
  stampFilter,
  type Usages,
  type UsedShares,
  usageKey,
} from '../../proxy/index.ts'
import type { PermissionConfig, RuleConfig, ServiceConfig } from '../config/schema/schema.ts'
import { FilterBasis } from './filter-basis.ts'
import type { Hits } from './hits.ts'
import type { LimitInUse, PermissionInForce } from './standing.ts'

/** Who a session is for, as rules and variables see it. */
export interface SessionFacts extends VariableFacts {
  readonly user: string
  /** Of the promotion rule that won. */
  readonly tags: readonly string[]
  /** What an entitlement service grants it, where the service has one. */
  readonly entitlement?: Entitlement | undefined
}

type RuleLimits = NonNullable<RuleConfig['limits']>

/** With rules for each of many thousands of people. */
const MOST_TEXTS = 10_000

export class ServiceFilters {
  readonly #config: ServiceConfig
  readonly #sink: AuditSink
  readonly #policy: Policy<SessionFacts> | undefined
  readonly #stamps: { readonly policy: StampPolicy; readonly names: ReservedNames } | undefined
  /** What serves all sessions. */
  readonly #check: Filter
  readonly #observe: readonly Filter[]
  readonly #usages: Usages
  /** By which permissions apply, and the limits of a promotion rule. */
  readonly #rulesTexts = new Map<string, string>()

  /** @throws {InvalidConfiguration} for permissions that cannot be */
  constructor(config: ServiceConfig, sink: AuditSink, usages: Usages) {
    this.#config = config
    this.#sink = sink
    this.#usages = usages
    this.#policy = policyOf(config)
    this.#stamps =
      config.stamp === undefined
        ? undefined
        : { policy: new StampPolicy(config.stamp), names: new ReservedNames(Object.keys(config.stamp.headers ?? {})) }
    this.#check = stampFilter(undefined, sink)
    this.#observe = observeFilters({ include: config.audit.include, sink })
  }

  /**
   * In the order in which they are asked: what is refused by one is not counted or written down by the next.
   *
   * @param hits where it is counted that permissions apply to somebody who was promoted
   * @throws {PromotionRefused} `bad-value` when a stamp has no room or a variable has no value that could stand in it
   */
  forSession(facts: SessionFacts, rule: RuleLimits | undefined, hits?: Hits): readonly Filter[] {
    const { limits } = this.#config
    const sink = this.#sink
    const applying = this.#policy?.applying(facts)
    if (hits !== undefined) for (const index of applying ?? []) hits.permissions[index]?.hit()
    const authorizer = this.#policy?.authorizer(facts, applying)
    const shares = { ...limits.perIdentity, ...rule?.perIdentity }
    const filters = [
      ...(authorizer === undefined ? [] : [authorizeFilter(authorizer, sink)]),
      this.#stampFilter(facts),
      ...limitFilters({ limits: shares, usages: this.#usages, sink }),
      ...this.#observe,
    ]
    // Sessions keep the list, and an array that has grown has room for many more; a copy has not.
    return filters.slice()
  }

  /** What decides what the filters of such a session do. */
  basis(facts: SessionFacts, rule: RuleLimits | undefined): FilterBasis {
    const { identity, user, entitlement } = facts
    const rules = this.#rules(this.#policy?.applying(facts), rule)
    return new FilterBasis(rules, { identity, user, entitlement: entitlement?.signature })
  }

  /** How much of each share an identity uses. */
  sharesOf(identity: SessionFacts['identity'], rule: RuleLimits | undefined): Readonly<Record<string, LimitInUse>> {
    const shares = { ...this.#config.limits.perIdentity, ...rule?.perIdentity }
    const counts: UsedShares = this.#usages.usedBy(usageKey(identity)) ?? NOTHING
    return Object.fromEntries(
      Object.entries(shares).flatMap(([name, of]) =>
        of === undefined ? [] : [[name, { used: isCounted(name) ? counts[name] : null, of }]],
      ),
    )
  }

  /** What the permissions come to for somebody; undefined where there are none. */
  inForce(facts: SessionFacts): readonly PermissionInForce[] | undefined {
    return this.#policy?.rulesFor(facts).grants.map(({ list, kind, pattern, topic, place }) => {
      const hasKeys = kind === 'exchange' && list !== 'configure'
      return { permission: list, kind, name: pattern, routingKey: hasKeys ? topic.source : null, place }
    })
  }

  /** All that the configuration says of such sessions; one text for all of them. */
  #rules(applying: readonly number[] | undefined, rule: RuleLimits | undefined): string {
    const { permissions = [], enforce, stamp, limits, audit } = this.#config
    const shares = { ...limits.perIdentity, ...rule?.perIdentity }
    const messageBytes = rule?.message ?? limits.message
    const key = JSON.stringify([applying, shares, messageBytes])
    const known = this.#rulesTexts.get(key)
    if (known !== undefined) return known
    const lists = applying?.flatMap((index) => permissions[index] ?? []).map(({ for: _whom, ...rest }) => rest)
    const text = JSON.stringify([lists, enforce, stamp, shares, messageBytes, audit])
    if (this.#rulesTexts.size >= MOST_TEXTS) this.#rulesTexts.clear()
    this.#rulesTexts.set(key, text)
    return text
  }

  #stampFilter(facts: SessionFacts): Filter {
    if (this.#stamps === undefined) return this.#check
    const { policy, names } = this.#stamps
    try {
      return stampFilter(policy.stampsFor(facts), this.#sink, names)
    } catch (error) {
      throw unfit(error)
    }
  }
}

const NOTHING: UsedShares = { channels: 0, consumers: 0, queues: 0, exchanges: 0 }

function isCounted(limit: string): limit is keyof UsedShares {
  return limit in NOTHING
}

/** A value that does not fit refuses the person, not the gateway. */
function unfit(error: unknown): Error {
  if (error instanceof RangeError) return new PromotionRefused('bad-value', `stamp: ${error.message}`, { cause: error })
  return error instanceof Error ? error : new Error('the stamps failed', { cause: error })
}

/** A service's permissions, compiled; undefined where the broker decides. @throws {InvalidConfiguration} */
export function policyOf({ permissions, entitlements, enforce }: ServiceConfig): Policy<SessionFacts> | undefined {
  if (permissions === undefined && entitlements === undefined) return undefined
  return new Policy((permissions ?? []).map(permissionOf), { enforce })
}

function permissionOf({ for: whom, ...lists }: PermissionConfig) {
  return { ...lists, match: compileMatch(whom, { tags: true }) }
}
