/**
 * A service's `permissions`, and what they come to for one identity: an authorizer that decides at once.
 *
 * All entries that apply add up; nothing that matches is denied. A decision depends on the rules, the identity and the
 * question only, so publishes are remembered, within bounds, until the identity is renewed.
 */
import type { Authorizer, Need, Permission, ResourceKind, Table, TableEntry } from '../../proxy/index.ts'
import type { Entitlement } from '../entitlements/entitlement.ts'
import { InvalidConfiguration, type Mistake } from '../errors.ts'
import { MatchIndex } from '../promotion/conditions/match-index.ts'
import type { VariableFacts } from '../promotion/conditions/variables.ts'
import { type ArgumentRule, AUTHORITY_ARGUMENTS, compileArguments, DEFAULT_ARGUMENTS, plainValue } from './arguments.ts'
import { compileGrants, type Grant, type GrantTemplate } from './grants.ts'
import type { PermissionInput } from './input.ts'

/** Most publish decisions remembered for a session. */
const REMEMBERED_MAX = 256
/** Most combinations of entries whose rules are kept for all to whom they apply. */
const SHARED_MAX = 256

interface Entry {
  readonly grants: readonly GrantTemplate[]
  /** Whether it grants the same to all to whom it applies. */
  readonly isConstant: boolean
  readonly arguments: readonly ArgumentRule[] | undefined
}

/** Of whom a policy decides. */
export interface PolicyFacts extends VariableFacts {
  /** What an entitlement service grants beside what is written. */
  readonly entitlement?: Entitlement | undefined
}

const LISTS = ['configure', 'write', 'read'] as const
const DEFAULT_RULES: readonly ArgumentRule[] = DEFAULT_ARGUMENTS.map((name) => ({ name, allows: () => true }))

/** A service's policy: compiled once, asked for an authorizer by every session. */
export class Policy<Facts extends PolicyFacts> {
  readonly #entries: readonly Entry[]
  readonly #byMatch: MatchIndex
  /** What entries without variables come to, by the indices of those that apply: the same for everybody. */
  readonly #shared = new Map<string, Rules>()
  /** `false`: what is refused is only written down. */
  readonly enforce: boolean

  /** @throws InvalidConfiguration with every mistake, their paths below `permissions` */
  constructor(entries: readonly PermissionInput[], options: { readonly enforce?: boolean } = {}) {
    const problems: Mistake[] = []
    this.#entries = entries.map((entry, index) => compileEntry(entry, index, problems))
    if (problems.length > 0) throw new InvalidConfiguration(problems)
    this.#byMatch = new MatchIndex(entries.map(({ match }) => match))
    this.enforce = options.enforce ?? true
  }

  /** The positions of the entries that apply to one identity, ascending. */
  applying(facts: Facts): readonly number[] {
    const roles = facts.entitlement?.roles ?? []
    if (roles.length === 0) return this.#byMatch.all(facts)
    const { identity } = facts
    return this.#byMatch.all({ ...facts, identity: { ...identity, roles: [...identity.roles, ...roles] } })
  }

  /** What the policy comes to for one identity. @param indices those that `applying` gives */
  rulesFor(facts: Facts, indices = this.applying(facts)): Rules {
    const applying = indices.flatMap((index) => this.#entries[index] ?? [])
    const granted = facts.entitlement?.grants ?? []
    if (granted.length > 0) applying.push({ grants: granted, isConstant: true, arguments: undefined })
    if (granted.length > 0 || !applying.every(({ isConstant }) => isConstant)) return rulesOf(applying, facts)
    const key = indices.join(' ')
    let rules = this.#shared.get(key)
    if (rules === undefined) {
      rules = rulesOf(applying, facts)
      if (this.#shared.size < SHARED_MAX) this.#shared.set(key, rules)
    }
    return rules
  }

  authorizer(facts: Facts, indices = this.applying(facts)): SessionAuthorizer<Facts> {
    return new SessionAuthorizer(this, facts, indices)
  }
}

function rulesOf(applying: readonly Entry[], facts: VariableFacts): Rules {
  const rendered = applying.flatMap(({ grants }) => grants.map((grant) => grant.render(facts)))
  const lists = applying.flatMap((entry) => (entry.arguments === undefined ? [] : [entry.arguments]))
  return new Rules(
    rendered.flatMap((grant) => ('unusable' in grant ? [] : [grant])),
    lists.length === 0 ? DEFAULT_RULES : lists.flat(),
    rendered.flatMap((grant) => ('unusable' in grant ? [grant] : [])),
  )
}

function compileEntry(input: PermissionInput, index: number, problems: Mistake[]): Entry {
  const grants = LISTS.flatMap((list) =>
    compileGrants({ path: [index, list], text: `permissions[${index}].${list}` }, list, input[list], problems),
  )
  try {
    return {
      grants,
      isConstant: grants.every(({ constant }) => constant !== undefined),
      arguments: input.arguments === undefined ? undefined : compileArguments(input.arguments),
    }
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error
    problems.push(...error.problems.map(({ path, message }) => ({ path: [index, 'arguments', ...path], message })))
    return { grants, isConstant: false, arguments: [] }
  }
}

/** All that is granted to one identity; every question answers with the rule that grants it, or undefined. */
export class Rules {
  readonly grants: readonly Grant[]
  readonly argumentRules: readonly ArgumentRule[]
  /** Rules that apply, but whose variables have no value that could be a word. */
  readonly unusable: readonly { readonly place: string; readonly unusable: string }[]
  readonly injected: Table
  /** The grant of queues whose names the broker makes, if there is one. */
  readonly serverNamed: Grant | undefined

  constructor(grants: readonly Grant[], argumentRules: readonly ArgumentRule[], unusable: Rules['unusable']) {
    this.grants = grants
    this.argumentRules = argumentRules
    this.unusable = unusable
    const injected = new Map<string, TableEntry>()
    for (const { name, injected: entry } of argumentRules) if (entry !== undefined) injected.set(name, entry)
    this.injected = [...injected.values()]
    this.serverNamed = grants.find(
      ({ list, kind, pattern }) => list === 'configure' && kind === 'queue' && pattern === '',
    )
  }

  named(list: Permission, kind: ResourceKind, name: string): Grant | undefined {
    return this.grants.find((grant) => grant.list === list && grant.kind === kind && grant.matchesName(name))
  }

  publish(exchange: string, routingKey: string): Grant | undefined {
    if (exchange === '') return this.named('write', 'queue', routingKey)
    return this.grants.find(
      ({ list, kind, matchesName, topic }) =>
        list === 'write' && kind === 'exchange' && matchesName(exchange) && topic.matches(routingKey),
    )
  }

  bind(list: 'write' | 'read', exchange: string, pattern: string): Grant | undefined {
    return this.grants.find(
      (grant) =>
        grant.list === list &&
        grant.kind === 'exchange' &&
        grant.matchesName(exchange) &&
        grant.topic.contains(pattern),
    )
  }

  /** The rule for a need as refusals name it; `routingKey` is a binding's pattern. */
  granting({ permission, kind, name, routingKey }: Need): Grant | undefined {
    if (kind === 'queue' || permission === 'configure') return this.named(permission, kind, name)
    return this.bind(permission, name, routingKey ?? '#')
  }

  carry(argument: TableEntry): boolean {
    const rules = this.argumentRules.filter(({ name }) => name === argument.key)
    if (rules.length === 0) return AUTHORITY_ARGUMENTS.includes(argument.key)
    return rules.some((rule) => rule.allows(plainValue(argument)))
  }
}

/** One session's authorizer. */
export class SessionAuthorizer<Facts extends PolicyFacts> implements Authorizer {
  readonly enforce: boolean
  readonly #policy: Policy<Facts>
  #rules: Rules
  #revision = 0
  #mayDeclareServerNamed = false
  /** Decisions by exchange and key; made when first needed. */
  #published: Map<string, Map<string, boolean>> | undefined
  #remembered = 0

  constructor(policy: Policy<Facts>, facts: Facts, indices: readonly number[]) {
    this.#policy = policy
    this.enforce = policy.enforce
    this.#rules = policy.rulesFor(facts, indices)
    this.#mayDeclareServerNamed = this.#rules.serverNamed !== undefined
  }

  /** The identity was proven again, perhaps with other roles or claims: every decision is made anew. */
  renew(facts: Facts): void {
    this.#rules = this.#policy.rulesFor(facts)
    this.#mayDeclareServerNamed = this.#rules.serverNamed !== undefined
    this.#revision += 1
    this.#forget()
  }

  get revision(): number {
    return this.#revision
  }

  get mayDeclareServerNamed(): boolean {
    return this.#mayDeclareServerNamed
  }

  get injected(): Table {
    return this.#rules.injected
  }

  mayQueue(permission: Permission, queue: string): boolean {
    // Writing to a queue is publishing to it by its name: as hot as any publish.
    return permission === 'write'
      ? this.mayPublish('', queue)
      : this.#rules.named(permission, 'queue', queue) !== undefined
  }

  mayConfigureExchange(exchange: string): boolean {
    return this.#rules.named('configure', 'exchange', exchange) !== undefined
  }

  /** For the exchange '' the key is a queue's name. */
  mayPublish(exchange: string, routingKey: string): boolean {
    const known = this.#published?.get(exchange)?.get(routingKey)
    return known ?? this.#decide(exchange, routingKey)
  }

  mayBind(permission: 'write' | 'read', exchange: string, pattern: string): boolean {
    return this.#rules.bind(permission, exchange, pattern) !== undefined
  }

  mayKnow(kind: ResourceKind, name: string): boolean {
    return LISTS.some((list) => this.#rules.named(list, kind, name) !== undefined)
  }

  mayCarry(argument: TableEntry): boolean {
    return this.#rules.carry(argument)
  }

  #decide(exchange: string, routingKey: string): boolean {
    const decision = this.#rules.publish(exchange, routingKey) !== undefined
    if (this.#remembered >= REMEMBERED_MAX) this.#forget()
    this.#published ??= new Map()
    let keys = this.#published.get(exchange)
    if (keys === undefined) {
      keys = new Map()
      this.#published.set(exchange, keys)
    }
    keys.set(routingKey, decision)
    this.#remembered += 1
    return decision
  }

  #forget(): void {
    this.#published = undefined
    this.#remembered = 0
  }
}
