/**
 * A service as the door sees it: a path, who may come through it, and what for. Made once from the configuration; the
 * functions hide authenticators, rules and secrets, of which HTTP knows nothing.
 */
import type {
  Entitlement,
  EntitlementQuestion,
  Entitlements,
  Identity,
  PromotedCredential,
  Requirement,
} from '../../auth/index.ts'
import type { AuditSink, BrokerTarget, Filter, SessionLimits, VhostRule } from '../../proxy/index.ts'
import type { BrokerNodes } from '../brokers/broker-nodes.ts'
import type { HoldOffs } from '../brokers/hold-offs.ts'
import type { WebSocketDoor } from '../websocket/door.ts'
import { addressSet } from './address.ts'
import type { Explained } from './explain.ts'
import type { FilterBasis } from './filter-basis.ts'
import type { Tallied } from './hits.ts'
import type { OriginRule } from './origin.ts'
import type { Standing } from './standing.ts'

/** On what terms an identity may use a service, by the promotion rule that won. */
export interface Terms {
  /** Index of the promotion rule that won, from 0. */
  readonly rule: number
  readonly vhosts: VhostRule
  readonly limits: SessionLimits
  readonly sessionsPerIdentity: number
  readonly filters: readonly Filter[]
  /** What decides what the filters do. */
  readonly basis: FilterBasis
}

/** An answer of the service's entitlements, and what it answers. */
export interface Entitled {
  readonly question: EntitlementQuestion
  readonly entitlement: Entitlement
  /** When it was given, on the clock of `performance.now()`. */
  readonly atMs: number
}

/** The terms, and what the broker is shown instead of the identity. */
export interface PromotedTerms extends Terms {
  readonly credential: PromotedCredential
  /** Undefined where the service asks nobody. */
  readonly entitled: Entitled | undefined
}

/** The terms, and what is known of the broker user, without asking anybody. */
export interface Decided extends Terms {
  /** Made when they are wanted. @throws {PromotionRefused} for a stamp that has no room for this person */
  readonly filters: Terms['filters']
  /** Undefined where only a module can tell. */
  readonly username: string | undefined
}

export interface UpgradeFacts {
  readonly sessionId: string
  readonly address: string
  /** What is left of the handshake's time. */
  readonly deadlineMs: number
  /** By which the session lives already, if it does: it counts where no other can be had. */
  readonly entitled?: Entitled | undefined
}

export interface Service {
  readonly path: string
  /** The broker's key in the configuration. */
  readonly broker: string
  readonly target: BrokerTarget
  readonly nodes: BrokerNodes
  /** What the broker has said no to lately. */
  readonly holdOffs: HoldOffs
  readonly origins: OriginRule
  readonly addresses: AddressRule
  readonly roles: readonly string[]
  readonly refusal: 'auto' | 'http' | 'amqp'
  /** Whether clients read why they are refused, as operators do. */
  readonly development: boolean
  readonly handshakeMs: number
  readonly handshakesPerAddress: number
  readonly sessionTimeoutMs: number
  readonly door: WebSocketDoor
  readonly requirement: Requirement
  readonly audit: AuditSink
  /** How often its rules and permissions applied to somebody. */
  readonly tallied: Tallied
  /** Who is asked what an identity may do; undefined where nobody is. */
  readonly entitlements: Entitlements | undefined
  /** @throws {PromotionRefused, EntitlementRefused, EntitlementUnavailable} */
  promote(identity: Identity, context: UpgradeFacts): Promise<PromotedTerms>
  /**
   * What `promote` would decide, at once and without reading a secret, for a session that lives already.
   * @param user its broker user, which stands in variables
   * @throws {PromotionRefused}
   */
  decide(identity: Identity, context: Omit<UpgradeFacts, 'deadlineMs'>, user: string): Decided
  /**
   * How the person of a session that lives stands at the moment.
   * @param counted its broker user, and how many sessions the same identity has at this service
   * @throws {PromotionRefused}
   */
  standing(
    identity: Identity,
    context: Omit<UpgradeFacts, 'deadlineMs'>,
    counted: { readonly user: string; readonly sessions: number },
  ): Standing
  /** What it would make of somebody, without anybody logging in. @throws {NotExplainable} for a question that is none */
  explain(identity: Identity, address: string, questions: readonly string[]): Explained
}

/** `require.addresses`: what is denied is out, whatever is allowed. */
export class AddressRule {
  readonly #allow: ReturnType<typeof addressSet> | undefined
  readonly #deny: ReturnType<typeof addressSet>

  constructor(rule: { readonly allow?: readonly string[] | undefined; readonly deny?: readonly string[] | undefined }) {
    this.#allow = rule.allow === undefined ? undefined : addressSet(rule.allow)
    this.#deny = addressSet(rule.deny)
  }

  allows(address: string): boolean {
    if (this.#deny.contain(address)) return false
    return this.#allow === undefined || this.#allow.contain(address)
  }
}
