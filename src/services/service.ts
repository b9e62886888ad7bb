/**
 * A service as the door sees it: a path, who may come through it, and what for. Made once from the configuration; the
 * functions hide authenticators, rules and secrets, of which HTTP knows nothing.
 */
import type { Identity, PromotedCredential, Requirement } from '../../auth/index.ts'
import type { AuditSink, BrokerTarget, Filter, SessionLimits, VhostRule } from '../../proxy/index.ts'
import type { HoldOffs } from '../brokers/hold-offs.ts'
import type { WebSocketDoor } from '../websocket/door.ts'
import { addressSet } from './address.ts'
import type { OriginRule } from './origin.ts'

/** What the broker is shown instead of the identity, and what the session may do with it. */
export interface Promoted {
  /** Index of the promotion rule that won, from 0. */
  readonly rule: number
  readonly credential: PromotedCredential
  readonly vhosts: VhostRule
  readonly limits: SessionLimits
  readonly sessionsPerIdentity: number
  readonly filters: readonly Filter[]
  /** Of the rule that won. */
  readonly tags: readonly string[]
  /** Lets the filters know that the same person was proven again, perhaps with other roles, and promoted by a rule with these tags. */
  renewed(identity: Identity, tags: readonly string[]): void
}

export interface PromotionContext {
  readonly sessionId: string
  readonly address: string
  /** What is left of the handshake's time. */
  readonly deadlineMs: number
}

export interface Service {
  readonly path: string
  /** The broker's key in the configuration. */
  readonly broker: string
  readonly target: BrokerTarget
  /** What the broker has said no to lately. */
  readonly holdOffs: HoldOffs
  readonly origins: OriginRule
  readonly addresses: AddressRule
  readonly roles: readonly string[]
  readonly refusal: 'auto' | 'http' | 'amqp'
  readonly handshakeMs: number
  readonly handshakesPerAddress: number
  readonly sessionTimeoutMs: number
  readonly door: WebSocketDoor
  readonly requirement: Requirement
  readonly audit: AuditSink
  /** @throws {PromotionRefused} */
  promote(identity: Identity, context: PromotionContext): Promise<Promoted>
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
