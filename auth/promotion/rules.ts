/**
 * Promotion: ordered rules that turn an identity into what the broker is shown. The first rule that matches wins, always
 * the same one; it may refuse, and none means refused. Nothing here talks to a broker.
 */
import type { SaslMechanism, VhostRule } from '../../proxy/index.ts'
import { within } from '../deadline.ts'
import { InvalidConfiguration, type Mistake, PromotionRefused } from '../errors.ts'
import { leftOutText } from '../left-out-claims.ts'
import { compileMatch, type Match } from './conditions/match.ts'
import { MatchIndex } from './conditions/match-index.ts'
import { hasControlCharacter, hasLoneSurrogate, type VariableFacts } from './conditions/variables.ts'
import type { PromotedCredential } from './credentials/broker-credential.ts'
import { type Credential, type Credentials, compileCredential, problemOf } from './credentials/credentials.ts'
import type { PromotionRuleInput, SecretSources, VhostInput } from './input.ts'

/** Whom to promote. */
export type PromotionFacts = Omit<VariableFacts, 'user'>

export interface Promoted<Limits = unknown> {
  /** Index of the rule that won, from 0. */
  readonly rule: number
  /** The credential's name; absent for a rule's own template. */
  readonly name: string | undefined
  readonly credential: PromotedCredential
  readonly vhosts: VhostRule
  readonly tags: readonly string[]
  /** The rule's own limits, if it has any. */
  readonly limits: Limits | undefined
}

/** What became of one rule when somebody asked, and why. */
export interface RuleExplanation {
  readonly index: number
  /** What the rule does, as written: `to` and a credential's name or the template's user, or `refuse` and its text. */
  readonly effect: string
  readonly outcome: 'won' | 'passed-over' | 'not-reached'
  readonly reason: string
}

type RefusalCode = 'no-rule' | 'rule-refused' | 'bad-value'

export interface Explanation {
  readonly rules: readonly RuleExplanation[]
  readonly result:
    | ({ readonly kind: 'promoted' } & Omit<Decision, 'limits'>)
    | { readonly kind: 'refused'; readonly code: RefusalCode; readonly detail: string }
}

/** What the rules come to for an identity, as far as it can be told without asking anybody. */
export interface Decision<Limits = unknown> {
  /** Index of the rule that won, from 0. */
  readonly rule: number
  /** Undefined where only a module can tell. */
  readonly username: string | undefined
  readonly mechanisms: readonly SaslMechanism[]
  readonly vhosts: VhostRule
  readonly tags: readonly string[]
  readonly limits: Limits | undefined
}

export interface Promotion<Limits = unknown> {
  /**
   * Takes `deadlineMs` at most.
   * @throws PromotionRefused: no rule matched, one refuses, a value does not fit, or a secret cannot be had. Names the rule.
   */
  promote(facts: PromotionFacts, deadlineMs?: number): Promise<Promoted<Limits>>
  /**
   * What `promote` would decide, at once and without reading any secret.
   * @throws PromotionRefused: no rule matched, one refuses, or a value does not fit. Names the rule.
   */
  decide(facts: PromotionFacts): Decision<Limits>
  /** What `promote` would do, rule by rule, without reading any secret. */
  explain(facts: PromotionFacts): Explanation
  /** Reads every secret of the rules' own that needs no identity. Paths begin with the rule's index. */
  check(): Promise<readonly Mistake[]>
}

export interface RuleSurroundings {
  /** The broker's named credentials. */
  readonly credentials: Credentials
  /** The service's vhosts, for rules without their own. */
  readonly vhosts: VhostInput
  readonly sources: SecretSources
  /** Called with the index of the rule that matched, from 0, each time somebody is to be promoted. */
  readonly matched?: ((rule: number) => void) | undefined
}

interface PromotingRule<Limits> {
  readonly match: Match
  readonly tags: readonly string[]
  readonly limits: Limits | undefined
  readonly credential: Credential
  readonly vhosts: VhostRule
  readonly to: string
}

interface RefusingRule {
  readonly match: Match
  readonly refuse: string
}

type Rule<Limits = unknown> = PromotingRule<Limits> | RefusingRule

/** The first rule that matches somebody, where it promotes. */
interface Winner<Limits = unknown> {
  readonly index: number
  readonly rule: PromotingRule<Limits>
}

const MAX_VHOST_BYTES = 255
const DEADLINE_MS = 10_000

/** @throws InvalidConfiguration with every mistake, their paths below `input` (the list) */
export function compilePromotion<Limits>(
  input: readonly PromotionRuleInput<Limits>[],
  context: RuleSurroundings,
): Promotion<Limits> {
  const problems: Mistake[] = []
  const rules = input.flatMap((entry, index) => compileRule(entry, [index], context, problems) ?? [])
  if (problems.length > 0) throw new InvalidConfiguration(problems)
  const byMatch = new MatchIndex(rules.map(({ match }) => match))
  const winner = (facts: PromotionFacts, matched?: RuleSurroundings['matched']): Winner<Limits> => {
    const index = byMatch.first(facts)
    const rule = rules[index]
    if (rule === undefined) throw noRule(facts)
    matched?.(index)
    if ('refuse' in rule) throw refusedBy(rule, index)
    return { index, rule }
  }
  return {
    async promote(facts, deadlineMs = DEADLINE_MS) {
      const { index, rule } = winner(facts, context.matched)
      try {
        const { vhosts, tags, limits } = rule
        return {
          rule: index,
          name: rule.credential.name,
          credential: await within(deadlineMs, 'the credential', rule.credential.build(facts)).catch(unavailable),
          vhosts,
          tags,
          limits,
        }
      } catch (error) {
        throw named(error, index, rule.to)
      }
    },
    decide: (facts) => decide(winner(facts), facts),
    explain: (facts) => explain(rules, facts, () => decide(winner(facts), facts)),
    async check() {
      const own = rules.map(async (rule, index) =>
        'refuse' in rule || rule.credential.name !== undefined ? [] : await problemOf(rule.credential, [index, 'to']),
      )
      return (await Promise.all(own)).flat()
    },
  }
}

function explain(rules: readonly Rule[], facts: PromotionFacts, decision: () => Decision): Explanation {
  const reasons = rules.map(({ match }) => match.mismatch(facts))
  const won = reasons.indexOf(undefined)
  const explained = rules.map((rule, index): RuleExplanation => {
    const reason = reasons[index]
    const effect = 'refuse' in rule ? `refuse ${quote(rule.refuse)}` : `to ${rule.to}`
    if (won !== -1 && index > won)
      return { index, effect, outcome: 'not-reached', reason: `rule ${won + 1} won before` }
    return reason === undefined
      ? { index, effect, outcome: 'won', reason: 'everything it asks for is there' }
      : { index, effect, outcome: 'passed-over', reason }
  })
  return { rules: explained, result: resultOf(decision) }
}

function resultOf(decide: () => Decision): Explanation['result'] {
  try {
    const { limits: _limits, ...decision } = decide()
    return { kind: 'promoted', ...decision }
  } catch (error) {
    if (!(error instanceof PromotionRefused)) throw error
    // Without a secret nothing else can go wrong.
    const code = error.code === 'secret-unavailable' ? 'bad-value' : error.code
    return { kind: 'refused', code, detail: error.forClient ?? error.message }
  }
}

function decide<Limits>({ index, rule }: Winner<Limits>, facts: PromotionFacts): Decision<Limits> {
  const { credential, vhosts, tags, limits } = rule
  try {
    const username = credential.username(facts)
    return { rule: index, username, mechanisms: credential.mechanisms, vhosts, tags, limits }
  } catch (error) {
    throw named(error, index, rule.to)
  }
}

/** Whatever goes wrong on the way to a secret, there is none. */
function unavailable(error: unknown): never {
  if (error instanceof PromotionRefused) throw error
  const detail = error instanceof Error ? error.message : 'unknown failure'
  throw new PromotionRefused('secret-unavailable', detail, { cause: error })
}

function noRule({ identity }: PromotionFacts): PromotionRefused {
  const roles = identity.roles.length === 0 ? 'no roles' : `roles ${identity.roles.map(quote).join(', ')}`
  const who = `subject ${quote(identity.subject)} of issuer ${quote(identity.issuer)} with ${roles}`
  return new PromotionRefused('no-rule', `no promotion rule matches ${who}${leftOutText(identity.claims)}`)
}

function refusedBy({ refuse }: RefusingRule, index: number): PromotionRefused {
  const detail = `promotion rule ${index + 1} refuses: ${refuse}`
  return new PromotionRefused('rule-refused', detail, { forClient: refuse })
}

function named(error: unknown, index: number, to: string): Error {
  if (!(error instanceof PromotionRefused))
    return error instanceof Error ? error : new Error('promotion failed', { cause: error })
  return new PromotionRefused(error.code, `promotion rule ${index + 1} (to ${to}): ${error.message}`, { cause: error })
}

function compileRule<Limits>(
  input: PromotionRuleInput<Limits>,
  path: readonly number[],
  { credentials, vhosts, sources }: RuleSurroundings,
  problems: Mistake[],
): Rule<Limits> | undefined {
  const attempt = <T>(below: readonly string[], compile: () => T): T | undefined => {
    try {
      return compile()
    } catch (error) {
      if (!(error instanceof InvalidConfiguration)) throw error
      problems.push(...error.under(...path, ...below).problems)
      return undefined
    }
  }
  const match = attempt(['when'], () => compileMatch(input.when))
  const { to, refuse } = input
  if ((to === undefined) === (refuse === undefined))
    problems.push({ path, message: 'either to (promotes) or refuse (a text), one of them' })
  if (refuse !== undefined) return match && { match, refuse }
  if (to === undefined) return undefined
  const credential = attempt(['to'], () => credentialOf(to, credentials, sources))
  const vhost = attempt([], () => compileVhosts(input) ?? compileVhosts(vhosts) ?? missingVhost())
  if (match === undefined || credential === undefined || vhost === undefined) return undefined
  const target = typeof to === 'string' ? to : to.username
  return { match, credential, vhosts: vhost, to: target, tags: input.tags ?? [], limits: input.limits }
}

function credentialOf(
  to: NonNullable<PromotionRuleInput['to']>,
  credentials: Credentials,
  sources: SecretSources,
): Credential {
  if (typeof to !== 'string') return compileCredential(to, sources, { broker: '' })
  const credential = credentials.get(to)
  if (credential !== undefined) return credential
  const known = credentials.size === 0 ? 'the broker has none' : `there are ${[...credentials.keys()].join(', ')}`
  throw new InvalidConfiguration([{ path: [], message: `${quote(to)} is none of the broker's credentials; ${known}` }])
}

/** The vhosts a rule or a service gives, if it gives any. @throws InvalidConfiguration */
function compileVhosts({ vhost, vhosts }: VhostInput): VhostRule | undefined {
  if (vhost !== undefined && vhosts !== undefined) {
    throw new InvalidConfiguration([
      { path: ['vhosts'], message: 'either vhost (pinned) or vhosts (allowed), not both' },
    ])
  }
  const problems: Mistake[] = []
  if (vhost !== undefined) checkVhost(vhost, ['vhost'], problems)
  for (const [index, name] of (vhosts ?? []).entries()) checkVhost(name, ['vhosts', index], problems)
  if (vhosts?.length === 0) problems.push({ path: ['vhosts'], message: 'an empty list allows no vhost' })
  if (problems.length > 0) throw new InvalidConfiguration(problems)
  if (vhost !== undefined) return { pinned: vhost }
  return vhosts === undefined ? undefined : { allowed: vhosts }
}

function checkVhost(name: string, path: readonly (string | number)[], problems: Mistake[]): void {
  if (name === '' || hasControlCharacter(name) || hasLoneSurrogate(name) || Buffer.byteLength(name) > MAX_VHOST_BYTES) {
    problems.push({
      path,
      message: `expected a vhost's name: 1 to ${MAX_VHOST_BYTES} bytes without control characters`,
    })
  }
}

function missingVhost(): never {
  throw new InvalidConfiguration([
    { path: [], message: 'no vhost: say vhost or vhosts, in this rule or in the service' },
  ])
}

function quote(value: unknown): string {
  return JSON.stringify(value)
}
