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
import { ServiceFilters, type SessionFacts } from './filters.ts'
import { OriginRule } from './origin.ts'
import { AddressRule, type Decided, type Promoted, type PromotionContext, type Service, type Terms } from './service.ts'

type RuleLimits = NonNullable<RuleConfig['limits']>

export interface ServiceParts {
  readonly brokers: ReadonlyMap<string, Broker>
  readonly authenticators: ReadonlyMap<string, Authenticator>
  readonly sources: SecretSources
  /** Where a service's audit events go. */
  auditOf(service: ServiceConfig): AuditSink
  /** What a service's identities use, by its path. */
  usagesOf(path: string): Usages
}

/** By path. @throws {InvalidConfiguration} for a rule that cannot be */
export function makeServices(configs: readonly ServiceConfig[], parts: ServiceParts): ReadonlyMap<string, Service> {
  return new Map(configs.map((config) => [config.path, makeService(config, parts)]))
}

function makeService(
  config: ServiceConfig,
  { brokers, authenticators, sources, auditOf, usagesOf }: ServiceParts,
): Service {
  const broker = brokers.get(config.broker)
  if (broker === undefined) throw new Error(`there is no broker ${config.broker}`)
  const { credentials } = broker
  const promotion = compilePromotion<RuleLimits>(config.promote, { credentials, vhosts: config, sources })
  const { limits } = config
  const audit = auditOf(config)
  const filters = new ServiceFilters(config, audit, usagesOf(config.path))
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
    promote: async (identity, context) => await promote({ promotion, filters, limits }, identity, context),
    decide: (identity, context, user) => decide({ promotion, filters, limits }, identity, { ...context, user }),
  }
}

interface Promoting {
  readonly promotion: Promotion<RuleLimits>
  readonly filters: ServiceFilters
  readonly limits: LimitsConfig
}

async function promote(
  { promotion, filters, limits }: Promoting,
  identity: Identity,
  { sessionId, address, deadlineMs }: PromotionContext,
): Promise<Promoted> {
  const promoted = await promotion.promote({ identity, address, session: sessionId }, deadlineMs)
  const { credential, tags } = promoted
  const facts = { identity, address, session: sessionId, user: credential.username, tags }
  return { credential, ...termsOf(promoted, filters, limits, facts) }
}

function decide(
  { promotion, filters, limits }: Promoting,
  identity: Identity,
  { sessionId, address, user }: Omit<PromotionContext, 'deadlineMs'> & { readonly user: string },
): Decided {
  const decision = promotion.decide({ identity, address, session: sessionId })
  const { username, tags } = decision
  const facts = { identity, address, session: sessionId, user: username ?? user, tags }
  return { username, ...termsOf(decision, filters, limits, facts) }
}

type Won = Pick<Decision<RuleLimits>, 'rule' | 'vhosts' | 'limits'>

function termsOf(won: Won, filters: ServiceFilters, limits: LimitsConfig, facts: SessionFacts): Terms {
  const { rule, vhosts, limits: own } = won
  return {
    rule,
    vhosts,
    limits: sessionLimits(limits, own),
    sessionsPerIdentity: own?.sessionsPerIdentity ?? limits.sessionsPerIdentity,
    filters: filters.forSession(facts, own),
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
