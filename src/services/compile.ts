/** Services out of the configuration: every name replaced by what it names, every limit in the units of the code. */
import {
  type Authenticator,
  compilePromotion,
  type Decision,
  type Identity,
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
import { AddressRule, type Decided, type Promoted, type PromotionContext, type Service, type Terms } from './service.ts'
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
}

/** By path. @throws {InvalidConfiguration} for a rule that cannot be */
export function makeServices(configs: readonly ServiceConfig[], parts: ServiceParts): ReadonlyMap<string, Service> {
  return new Map(configs.map((config) => [config.path, makeService(config, parts)]))
}

function makeService(
  config: ServiceConfig,
  { brokers, authenticators, sources, auditOf, usagesOf, talliedBefore }: ServiceParts,
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
  const promoting: Promoting = { promotion, filters, limits, hits }
  return {
    path: config.path,
    broker: broker.name,
    target: broker.target,
    nodes: broker.nodes,
    holdOffs: broker.holdOffs,
    origins: new OriginRule(config.origins),
    addresses: new AddressRule(config.require.addresses),
    roles: config.require.roles,
    refusal: config.refusal,
    handshakeMs: limits.handshake,
    handshakesPerAddress: limits.handshakesPerAddress,
    sessionTimeoutMs: config.sessionTimeout,
    door: new WebSocketDoor(largestMessageBytes(config)),
    requirement: requirementOf(config, authenticators),
    audit,
    tallied: { config, hits },
    promote: async (identity, context) => await promote(promoting, identity, context),
    decide: (identity, context, user) => decide(promoting, identity, { ...context, user }),
    standing: (identity, context, counted) => standing(promoting, identity, { ...context, ...counted }),
    explain: (identity, address, questions) => explain({ config, promotion }, identity, address, questions),
  }
}

interface Promoting {
  readonly promotion: Promotion<RuleLimits>
  readonly filters: ServiceFilters
  readonly limits: LimitsConfig
  readonly hits: Hits
}

async function promote(
  { promotion, filters, limits, hits }: Promoting,
  identity: Identity,
  { sessionId, address, deadlineMs }: PromotionContext,
): Promise<Promoted> {
  const promoted = await promotion.promote({ identity, address, session: sessionId }, deadlineMs)
  const { credential, tags } = promoted
  const facts = { identity, address, session: sessionId, user: credential.username, tags }
  return {
    credential,
    ...termsOf(promoted, filters.forSession(facts, promoted.limits, hits), { filters, limits }, facts),
  }
}

function decide(
  { promotion, filters, limits }: Promoting,
  identity: Identity,
  { sessionId, address, user }: Omit<PromotionContext, 'deadlineMs'> & { readonly user: string },
): Decided {
  const decision = promotion.decide({ identity, address, session: sessionId })
  const { username, tags } = decision
  const facts = { identity, address, session: sessionId, user: username ?? user, tags }
  return { username, ...termsOf(decision, filters.forSession(facts, decision.limits), { filters, limits }, facts) }
}

type Won = Pick<Decision<RuleLimits>, 'rule' | 'vhosts' | 'limits'>

function standing(
  { promotion, filters, limits }: Promoting,
  identity: Identity,
  {
    sessionId,
    address,
    user,
    sessions,
  }: Omit<PromotionContext, 'deadlineMs'> & { readonly user: string; readonly sessions: number },
): Standing {
  const { username, tags, limits: own } = promotion.decide({ identity, address, session: sessionId })
  const facts = { identity, address, session: sessionId, user: username ?? user, tags }
  const of = own?.sessionsPerIdentity ?? limits.sessionsPerIdentity
  return {
    limits: { sessionsPerIdentity: { used: sessions, of }, ...filters.sharesOf(identity, own) },
    permissions: filters.inForce(facts) ?? null,
  }
}

function termsOf(
  won: Won,
  forSession: Terms['filters'],
  { filters, limits }: Pick<Promoting, 'filters' | 'limits'>,
  facts: SessionFacts,
): Terms {
  const { rule, vhosts, limits: own } = won
  return {
    rule,
    vhosts,
    limits: sessionLimits(limits, own),
    sessionsPerIdentity: own?.sessionsPerIdentity ?? limits.sessionsPerIdentity,
    filters: forSession,
    get signature() {
      return filters.signature(facts, own)
    },
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
