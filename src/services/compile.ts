/** Services out of the configuration: every name replaced by what it names, every limit in the units of the code. */
import {
  type Authenticator,
  compilePromotion,
  type Decision,
  type Entitlement,
  type EntitlementOutcome,
  type EntitlementQuestion,
  Entitlements,
  EntitlementUnavailable,
  type Identity,
  NO_ENTITLEMENT,
  type Promotion,
  type SecretSources,
} from '../../auth/index.ts'
import type { AuditSink, SessionLimits, Usages } from '../../proxy/index.ts'
import type { Broker } from '../brokers/broker.ts'
import type { LimitsConfig, RuleConfig, ServiceConfig } from '../config/schema/schema.ts'
import { WebSocketDoor } from '../websocket/door.ts'
import { requirementOf } from '../wiring/authenticators.ts'
import { explain } from './explain.ts'
import { ServiceFilters, type SessionFacts } from './filters.ts'
import { type Hits, hitsOf, type Tallied } from './hits.ts'
import { OriginRule } from './origin.ts'
import {
  AddressRule,
  type Decided,
  type Entitled,
  type PromotedTerms,
  type Service,
  type Terms,
  type UpgradeFacts,
} from './service.ts'
import type { Standing } from './standing.ts'

type RuleLimits = NonNullable<RuleConfig['limits']>

export interface ServiceParts {
  readonly brokers: ReadonlyMap<string, Broker>
  readonly authenticators: ReadonlyMap<string, Authenticator>
  readonly sources: SecretSources
  /** Where a service's audit events go. */
  auditOf(service: ServiceConfig): AuditSink
  /** What a service's identities use, by its path. */
  usagesOf(path: string): Usages
  /** The tallies of the service that had the path before. */
  talliedBefore(path: string): Tallied | undefined
  /** Called for each question to a service's entitlements. */
  observeEntitlement(path: string, outcome: EntitlementOutcome, seconds: number): void
}

/** By path. @throws {InvalidConfiguration} for a rule that cannot be */
export function makeServices(configs: readonly ServiceConfig[], parts: ServiceParts): ReadonlyMap<string, Service> {
  return new Map(configs.map((config) => [config.path, makeService(config, parts)]))
}

function makeService(
  config: ServiceConfig,
  { brokers, authenticators, sources, auditOf, usagesOf, talliedBefore, observeEntitlement }: ServiceParts,
): Service {
  const broker = brokers.get(config.broker)
  if (broker === undefined) throw new Error(`there is no broker ${config.broker}`)
  const { credentials } = broker
  const hits = hitsOf(config, talliedBefore(config.path))
  const promotion = compilePromotion<RuleLimits>(config.promote, {
    credentials,
    vhosts: config,
    sources,
    matched: (rule) => hits.rules[rule]?.hit(),
  })
  const { limits } = config
  const audit = auditOf(config)
  const filters = new ServiceFilters(config, audit, usagesOf(config.path))
  const { path } = config
  const entitlements =
    config.entitlements === undefined
      ? undefined
      : new Entitlements(config.entitlements, sources, (outcome, seconds) => observeEntitlement(path, outcome, seconds))
  const promoting: Promoting = { path, promotion, filters, limits, hits, entitlements }
  return {
    path,
    broker: broker.name,
    target: broker.target,
    nodes: broker.nodes,
    holdOffs: broker.holdOffs,
    origins: new OriginRule(config.origins),
    addresses: new AddressRule(config.require.addresses),
    roles: config.require.roles,
    refusal: config.refusal,
    development: config.development,
    handshakeMs: limits.handshake,
    handshakesPerAddress: limits.handshakesPerAddress,
    sessionTimeoutMs: config.sessionTimeout,
    door: new WebSocketDoor(largestMessageBytes(config)),
    requirement: requirementOf(config, authenticators),
    audit,
    entitlements,
    tallied: { config, hits },
    promote: async (identity, context) => await promote(promoting, identity, context),
    decide: (identity, context, user) => decide(promoting, identity, { ...context, user }),
    standing: (identity, context, counted) => standing(promoting, identity, { ...context, ...counted }),
    explain: (identity, address, questions) => explain({ config, promotion }, identity, address, questions),
  }
}

interface Promoting {
  readonly path: string
  readonly entitlements: Entitlements | undefined
  readonly promotion: Promotion<RuleLimits>
  readonly filters: ServiceFilters
  readonly limits: LimitsConfig
  readonly hits: Hits
}

async function promote(
  { path, promotion, filters, limits, hits, entitlements }: Promoting,
  identity: Identity,
  { sessionId, address, deadlineMs, entitled: last }: UpgradeFacts,
): Promise<PromotedTerms> {
  const promoted = await promotion.promote({ identity, address, session: sessionId }, deadlineMs)
  const { credential, tags, vhosts } = promoted
  const user = credential.username
  const vhost = 'pinned' in vhosts ? vhosts.pinned : undefined
  const question = { identity, service: path, address, user, vhost, session: sessionId }
  const entitled = entitlements === undefined ? undefined : await asked(entitlements, question, last)
  const facts = { identity, address, session: sessionId, user, tags, entitlement: entitled?.entitlement }
  const forSession = filters.forSession(facts, promoted.limits, hits)
  return { credential, entitled, ...termsOf(promoted, { filters, limits }, facts), filters: forSession }
}

/** Where nobody answers, a session that lives already keeps the last answer for a while. */
async function asked(
  entitlements: Entitlements,
  question: EntitlementQuestion,
  last: Entitled | undefined,
): Promise<Entitled> {
  const atMs = performance.now()
  try {
    return { question, entitlement: await entitlements.ask(question), atMs }
  } catch (error) {
    const isKept = error instanceof EntitlementUnavailable && last !== undefined && isFresh(last, entitlements, atMs)
    if (!isKept) throw error
    return { ...last, question }
  }
}

function isFresh({ atMs, entitlement: { untilMs } }: Entitled, entitlements: Entitlements, nowMs: number): boolean {
  if (untilMs !== undefined && untilMs <= Date.now()) return false
  return nowMs - atMs < entitlements.refreshMs + entitlements.staleForMs
}

function decide(
  { promotion, filters, limits, entitlements }: Promoting,
  identity: Identity,
  { sessionId, address, user, entitled }: Omit<UpgradeFacts, 'deadlineMs'> & { readonly user: string },
): Decided {
  const decision = promotion.decide({ identity, address, session: sessionId })
  const { username, tags } = decision
  const entitlement = entitlementOf(entitlements, entitled)
  const facts = { identity, address, session: sessionId, user: username ?? user, tags, entitlement }
  let made: Terms['filters'] | undefined
  return {
    username,
    ...termsOf(decision, { filters, limits }, facts),
    get filters() {
      made ??= filters.forSession(facts, decision.limits)
      return made
    },
  }
}

/** By which a session lives that lives already: the last answer, or none yet. */
function entitlementOf(
  entitlements: Entitlements | undefined,
  entitled: Entitled | undefined,
): Entitlement | undefined {
  return entitlements === undefined ? undefined : (entitled?.entitlement ?? NO_ENTITLEMENT)
}

type Won = Pick<Decision<RuleLimits>, 'rule' | 'vhosts' | 'limits'>

function standing(
  { promotion, filters, limits, entitlements }: Promoting,
  identity: Identity,
  {
    sessionId,
    address,
    user,
    sessions,
    entitled,
  }: Omit<UpgradeFacts, 'deadlineMs'> & { readonly user: string; readonly sessions: number },
): Standing {
  const { username, tags, limits: own } = promotion.decide({ identity, address, session: sessionId })
  const entitlement = entitlementOf(entitlements, entitled)
  const facts = { identity, address, session: sessionId, user: username ?? user, tags, entitlement }
  const of = own?.sessionsPerIdentity ?? limits.sessionsPerIdentity
  return {
    limits: { sessionsPerIdentity: { used: sessions, of }, ...filters.sharesOf(identity, own) },
    permissions: filters.inForce(facts) ?? null,
  }
}

function termsOf(
  won: Won,
  { filters, limits }: Pick<Promoting, 'filters' | 'limits'>,
  facts: SessionFacts,
): Omit<Terms, 'filters'> {
  const { rule, vhosts, limits: own } = won
  return {
    rule,
    vhosts,
    limits: sessionLimits(limits, own),
    sessionsPerIdentity: own?.sessionsPerIdentity ?? limits.sessionsPerIdentity,
    basis: filters.basis(facts, own),
  }
}

function sessionLimits(limits: LimitsConfig, rule: RuleLimits | undefined): SessionLimits {
  return {
    handshakeMs: limits.handshake,
    preOpenFrameBytes: limits.preOpenFrame,
    frameMaxBytes: limits.frameMax,
    channelMax: rule?.channelMax ?? limits.channelMax,
    heartbeatSeconds: Math.round(limits.heartbeat / 1000),
    messageBytes: rule?.message ?? limits.message,
    buffer: { highBytes: limits.buffer.high, lowBytes: limits.buffer.low },
    pingMs: limits.ping,
  }
}

/** WebSocket messages may be as large as the most generous rule lets a publish be. */
function largestMessageBytes({ limits, promote: rules }: ServiceConfig): number {
  return Math.max(limits.message, ...rules.map((rule) => rule.limits?.message ?? 0))
}
