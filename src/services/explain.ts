/** What a service would make of somebody, rule by rule, without anybody logging in: no secret is read, nobody is asked. */
import {
  ANONYMOUS,
  compileAddresses,
  descriptorOf,
  type Entitlement,
  type Identity,
  may,
  NO_ENTITLEMENT,
  type Promotion,
  type RuleExplanation,
  word,
} from '../../auth/index.ts'
import { connectionName } from '../../proxy/index.ts'
import { nearest, suggestion } from '../config/reading/nearest.ts'
import type { Config, ServiceConfig } from '../config/schema/schema.ts'
import { policyOf, type SessionFacts } from './filters.ts'

/** Of whom somebody asks; what is left out is what the service's first authenticator would say. */
export interface AskedPerson {
  readonly subject?: string | undefined
  readonly issuer?: string | undefined
  readonly authenticator?: string | undefined
  readonly roles: readonly string[]
  readonly claims: Readonly<Record<string, unknown>>
}

export interface Explained {
  /** The service's path. */
  readonly service: string
  readonly broker: string
  readonly subject: string
  readonly issuer: string
  readonly authenticator: string
  readonly address: string
  /** The subject as it stands in patterns. */
  readonly word: string
  readonly rules: readonly RuleExplanation[]
  /** `null`: refused. */
  readonly promoted: ExplainedPromotion | null
  /** Why; `null`: promoted. */
  readonly refused: string | null
  /** One for each question; none where the person is refused. */
  readonly may: readonly ExplainedAnswer[]
}

export interface ExplainedPromotion {
  /** Index of the rule that won, from 0. */
  readonly rule: number
  /** The broker user; `null` where only a module can tell. */
  readonly user: string | null
  readonly mechanisms: readonly string[]
  /** The only one, where it is pinned. */
  readonly vhosts: readonly string[]
  readonly isPinned: boolean
  readonly tags: readonly string[]
  /** As the broker lists the connection, without and with a name that the client gives it. */
  readonly connectionName: string
  readonly connectionNameWithClients: string
}

export interface ExplainedAnswer {
  readonly question: string
  /** `null`: the broker decides, as the service has no permissions. */
  readonly allowed: boolean | null
  readonly because: string
}

/** What was asked cannot be answered; the message says what to ask instead. */
export class NotExplainable extends Error {
  override readonly name = 'NotExplainable'
}

/** A service's configuration and its compiled rules. */
export interface ExplainedService {
  readonly config: ServiceConfig
  readonly promotion: Promotion
}

/** Stands in for a session's id, of which there is none. */
const SESSION = 'SESSION'
/** Stand for what a module would answer, and for what a client would say. */
const UNKNOWN_USER = '(whom the module names)'
const CLIENT_NAME = 'orders-ui'

/** The person, as the named authenticator would make them. @throws {NotExplainable} */
export function personOf(
  { anonymous, authenticate = [] }: ServiceConfig,
  { authenticators }: Pick<Config, 'authenticators'>,
  { subject, issuer, authenticator, roles, claims }: AskedPerson,
): Identity {
  if (anonymous) return { ...ANONYMOUS, subject: subject ?? ANONYMOUS.subject, roles, claims }
  const names = authenticate.flatMap((entry) => (typeof entry === 'string' ? [entry] : entry.all))
  const by = authenticator ?? names[0] ?? ''
  if (!names.includes(by))
    throw new NotExplainable(`this service has no authenticator ${JSON.stringify(by)}${suggestion(by, names)}`)
  if (subject === undefined) throw new NotExplainable('expected a subject: this service does not let in just anybody')
  const configured = authenticators[by]
  const vouching = (configured && descriptorOf(configured).issuer?.(configured)) ?? by
  return { issuer: issuer ?? vouching, subject, authenticator: by, roles, claims, fromCookie: false }
}

/**
 * @param entitlement what an entitlement service answers about the person; absent: nothing
 * @throws {NotExplainable} for a question that is none
 */
export function explain(
  { config, promotion }: ExplainedService,
  identity: Identity,
  address: string,
  questions: readonly string[],
  entitlement?: Entitlement,
): Explained {
  const { subject, issuer, authenticator } = identity
  const { rules, result } = promotion.explain({ identity, address, session: SESSION })
  const asked = { service: config.path, broker: config.broker, subject, issuer, authenticator, address }
  const common = { ...asked, word: word(subject, 'subject'), rules }
  const unfit = requirementRefusal(config, identity, address)
  if (unfit !== undefined) return { ...common, promoted: null, refused: unfit, may: [] }
  if (result.kind === 'refused') {
    const refused = result.code === 'no-rule' ? 'no promotion rule' : result.detail
    return { ...common, promoted: null, refused, may: [] }
  }
  const { rule, username, mechanisms, vhosts, tags } = result
  const user = username ?? UNKNOWN_USER
  const parts = { subject, address, brokerUser: user }
  return {
    ...common,
    promoted: {
      rule,
      user: username ?? null,
      mechanisms,
      vhosts: 'pinned' in vhosts ? [vhosts.pinned] : vhosts.allowed,
      isPinned: 'pinned' in vhosts,
      tags,
      connectionName: connectionName(parts),
      connectionNameWithClients: connectionName({ ...parts, clientName: CLIENT_NAME }),
    },
    refused: null,
    may: answers(
      config,
      { identity, address, session: SESSION, user, tags, entitlement: entitlement ?? NO_ENTITLEMENT },
      questions,
    ),
  }
}

/** The broker user as people read it. */
export function userText({ user }: Pick<ExplainedPromotion, 'user'>): string {
  return user ?? UNKNOWN_USER
}

function answers(config: ServiceConfig, facts: SessionFacts, questions: readonly string[]): ExplainedAnswer[] {
  const rules = policyOf(config)?.rulesFor(facts)
  return questions.map((question) => {
    if (rules === undefined)
      return { question, allowed: null, because: 'the broker decides, as the service has no permissions' }
    try {
      const { isAllowed, because } = may(rules, question)
      const hint = isAllowed ? '' : wordHint(facts.identity, question, (other) => may(rules, other).isAllowed)
      return { question, allowed: isAllowed, because: `${because}${hint}` }
    } catch (error) {
      if (error instanceof SyntaxError) throw new NotExplainable(error.message, { cause: error })
      throw error
    }
  })
}

/** Whoever writes `ui.joe.smith.1` has not heard that variables are one word there. */
function wordHint({ subject, claims }: Identity, question: string, isAllowed: (question: string) => boolean): string {
  for (const value of [subject, ...Object.values(claims)]) {
    if (typeof value !== 'string' || value === '' || !question.includes(value)) continue
    const asWord = word(value, 'value')
    if (asWord === value) continue
    const other = question.replaceAll(value, asWord)
    return `; ${value} is one word in patterns, ${asWord}${isAllowed(other) ? `: ${other} is allowed` : ''}`
  }
  return ''
}

/** What is asked before any rule is. */
function requirementRefusal({ require }: ServiceConfig, identity: Identity, address: string): string | undefined {
  const { allow, deny } = require.addresses
  const isDenied = deny !== undefined && compileAddresses(deny).contain(address)
  if (isDenied || (allow && !compileAddresses(allow).contain(address))) return `clients may not come from ${address}`
  const missing = require.roles.filter((role) => !identity.roles.includes(role))
  if (missing.length === 0) return undefined
  const near = nearest(missing[0] ?? '', identity.roles)
  return `lacks the role ${missing.join(', ')}${near === undefined ? '' : ` (has ${near})`}`
}
