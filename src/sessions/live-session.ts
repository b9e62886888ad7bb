/**
 * A session that has begun: what is known of it, who may end or renew it, and what is written of it. It observes the AMQP
 * session of `proxy` and lives as long; of the upgrade it keeps no request and no bytes. One log line for each session, at
 * its end.
 */
import {
  AuthenticationRefused,
  EntitlementRefused,
  type Entitlements,
  EntitlementUnavailable,
  type Identity,
  NO_ENTITLEMENT,
  PromotionRefused,
  renew,
} from '../../auth/index.ts'
import type {
  AuditEvent,
  BrokersRefusal,
  EndRequest,
  OpenedSession,
  Renewal,
  Session,
  SessionEnd,
  SessionObserver,
} from '../../proxy/index.ts'
import type { FilterBasis } from '../services/filter-basis.ts'
import type { Entitled, Service, Terms } from '../services/service.ts'
import type { WebSocketClientEnd } from '../websocket/client-end.ts'
import {
  configurationChanged,
  ENTITLEMENT_AWAY,
  entitlementEnded,
  ruleRefused,
  UNRECORDED,
  VHOST_LOST,
} from './end-requests.ts'
import type { EntitledSession } from './entitled-sessions.ts'
import { allowsVhost, type Judged, judgeSession } from './judge.ts'
import { Lifetime } from './lifetime.ts'
import { LiveRecord } from './live-record.ts'
import type { NewSession, SessionSurroundings } from './new-session.ts'
import type { Occupant, Place } from './place.ts'
import { brokersPart, sessionLine } from './session-line.ts'

/** The first one that a text of RabbitMQ's names: `queue 'orders' in vhost '/'`. */
const RESOURCE = /\b(?:queue|exchange) '.*?' in vhost '[^']*'/s

type EndingRenewal = Renewal & { readonly end?: EndRequest | undefined }

const OVERTAKEN: EndingRenewal = { renewed: false, detail: 'another renewal was done first' }

export class LiveSession implements Occupant, EntitledSession, SessionObserver {
  readonly id: string
  readonly record: LiveRecord
  readonly #place: Place
  readonly #origin: string | undefined
  readonly #startedMs: number
  readonly #trial: NewSession['trial']
  readonly #client: WebSocketClientEnd
  readonly #shared: SessionSurroundings
  readonly #session: Session
  readonly #lifetime: Lifetime
  /** Of the terms of the present generation. */
  #basis: FilterBasis
  #entitled: Entitled | undefined
  /** Other terms have come before it was known to which vhost and node it leads. */
  #isToFollow = false
  /** Only until the broker has opened the session. */
  #handshakeDone: (() => void) | undefined

  /** @param open begins the AMQP session, which reports to this observer */
  constructor(begun: NewSession, shared: SessionSurroundings, open: (live: LiveSession) => Session) {
    this.id = begun.id
    this.#place = begun.place
    this.#basis = begun.promoted.basis
    this.#entitled = begun.promoted.entitled
    this.#origin = begun.origin
    this.#startedMs = begun.startedMs
    this.#trial = begun.trial
    this.#client = begun.client
    this.#handshakeDone = begun.handshakeDone
    this.#shared = shared
    this.#lifetime = new Lifetime(begun.service.sessionTimeoutMs, begun.place.identity.expiresAtMs, (why) =>
      this.#place.endAuthority(why),
    )
    this.#session = open(this)
    this.record = new LiveRecord(begun, this.#session)
  }

  get #service(): Service {
    return this.record.servedAt
  }

  get isEnding(): boolean {
    return this.#session.isEnding
  }

  get bufferedBytes(): number {
    return this.#session.bufferedBytes
  }

  get assemblingBytes(): number {
    return this.#client.assemblingBytes()
  }

  get judged(): Judged {
    const { id, service, identity, broker, node, user, vhost, address } = this.record
    const [origin, basis, entitled] = [this.#origin, this.#basis, this.#entitled]
    return { id, service, identity, broker, node, user, vhost, address, origin, basis, entitled }
  }

  keep(service: Service, rule: number): void {
    // It has ended, and must not hang on anything again.
    if (!this.#place.isHeld) return
    this.#isToFollow = this.record.vhost === undefined
    this.record.moved(service, rule)
    this.#hangOn()
  }

  adopt(service: Service, terms: Terms): void {
    if (!this.#place.isHeld) return
    const isSame = terms.basis.equals(this.#basis)
    this.#basis = terms.basis
    if (!isSame) this.#session.exchange({ filters: terms.filters, messageBytes: terms.limits.messageBytes })
    this.keep(service, terms.rule)
  }

  get entitled(): Entitled | undefined {
    return this.#entitled
  }

  get entitlements(): Entitlements | undefined {
    return this.#service.entitlements
  }

  entitle(entitled: Entitled): void {
    this.#entitled = entitled
    this.follow(this.#service)
  }

  /** Goes on at this service, of another configuration, or ends. */
  follow(service: Service | undefined): void {
    const judgement = judgeSession(this.judged, service)
    if (judgement.outcome === 'ended') this.end(configurationChanged(judgement.mayReturn))
    else if (judgement.outcome === 'kept') this.keep(judgement.service, judgement.rule)
    else this.adopt(judgement.service, judgement.terms)
  }

  /** The session is in the registry: its client may be read. */
  attach(): void {
    this.#client.attach(this.#session)
    this.#hangOn()
    this.#lifetime.tick()
  }

  tick(nowMs: number): number {
    const dueMs = this.#session.tick(nowMs)
    this.#lifetime.tick()
    return dueMs
  }

  end(request: EndRequest): void {
    this.#session.end(request)
  }

  endAtQuietPoint(request: EndRequest, withinMs: number): void {
    this.#session.endAtQuietPoint(request, withinMs)
  }

  terminate(): void {
    this.#client.terminate()
  }

  renewed(identity: Identity): void {
    this.#lifetime.renew(identity.expiresAtMs)
  }

  released(): void {
    this.#lifetime.stop()
    this.#shared.entitled.leave(this)
  }

  opened(opened: OpenedSession): void {
    this.record.opened(opened)
    if (typeof this.#trial !== 'string') this.#trial.opened()
    this.#client.opened()
    this.#handshakeDone?.()
    this.#handshakeDone = undefined
    this.#shared.sessions.opened(this.#place)
    this.#shared.metrics.sessionOpened(this.#service.path, performance.now() - this.#startedMs)
    this.#shared.log.write('session-opened', sessionLine(this.record))
    if (!this.#recorded('session.opened', {})) this.end(UNRECORDED)
    // It was dialled and opened by the terms with which it began.
    if (this.#isToFollow) this.follow(this.#service)
  }

  channelClosed({ channel, replyCode, text, method }: BrokersRefusal): void {
    const resource = RESOURCE.exec(text)?.[0]
    const detail = channel === 0 ? `the connection: ${text}` : text
    this.#shared.log.write('broker-refused-method', {
      ...sessionLine(this.record),
      replyCode,
      detail,
      method,
      resource,
    })
  }

  busy(): void {
    this.#shared.sessions.busy(this.#place)
  }

  ended(end: SessionEnd): void {
    const { endedFor } = this.#place
    this.#handshakeDone = undefined
    this.#shared.sessions.release(this.#place)
    this.#shared.metrics.sessionEnded(this.#service.path, this.#service.broker, end)
    this.#service.nodes.ended(end)
    const detail = endedFor === undefined ? end.detail : `${endedFor}: ${end.detail}`
    const durationMs = Math.round(end.durationMs)
    const { replyCode } = end
    const part = brokersPart(end, this.#trial, this.#service.nodes.isUp)
    // The same keys as before, so the same shape.
    this.#shared.log.write('session-ended', sessionLine(this.record, { ...end, detail, durationMs }, part), part.level)
    if (typeof this.#trial === 'string') this.#recorded('session.refused', { cause: end.reason, detail })
    else this.#recorded('session.closed', { cause: end.reason, detail, durationMs, replyCode })
  }

  /** The client shows a fresh proof in band. */
  async renew(secret: Buffer): Promise<Renewal> {
    const { requirement, path } = this.#service
    const renewal = await this.#renewal((now) => renew(requirement, now, secret, { service: path }))
    if (renewal.end !== undefined) this.end(renewal.end)
    return renewal
  }

  async goOn(next: (now: Identity) => Identity | undefined): Promise<void> {
    const renewal = await this.#renewal(async (now) => next(now) ?? now)
    if (renewal.renewed) return
    if (renewal.end === undefined) this.#place.endAuthority('revoked')
    else this.end(renewal.end)
  }

  /** Where another renewal was done first, this one begins again from there: nothing of before comes back. */
  async #renewal(fresh: (now: Identity) => Promise<Identity>): Promise<EndingRenewal> {
    for (;;) {
      const before = this.#place.identity
      const renewal = await this.#renewalOf(before, fresh)
      if (renewal.renewed || this.#place.identity === before) return renewal
    }
  }

  /** A fresh proof of the same person, who has to be promoted to the same broker user once more. */
  async #renewalOf(before: Identity, fresh: (now: Identity) => Promise<Identity>): Promise<EndingRenewal> {
    const [service, place] = [this.#service, this.#place]
    try {
      const identity = await fresh(before)
      if (identity === before) return { renewed: true, expiresAtMs: before.expiresAtMs }
      if (!service.roles.every((role) => identity.roles.includes(role))) {
        return { renewed: false, detail: 'the fresh credential lacks a required role' }
      }
      const context = {
        sessionId: this.id,
        address: this.record.address,
        deadlineMs: service.handshakeMs,
        entitled: this.#entitled,
      }
      const promoted = await service.promote(identity, context)
      const { credential, vhosts } = promoted
      if (credential.username !== this.record.user) {
        return { renewed: false, detail: 'the fresh credential is promoted to another broker user' }
      }
      const { vhost } = this.record
      if (vhost !== undefined && !allowsVhost(vhosts, vhost)) {
        return { renewed: false, detail: 'the fresh credential is promoted to another vhost', end: VHOST_LOST }
      }
      if (place.identity !== before) return OVERTAKEN
      if (credential.isPassedOn) await this.#session.renewBroker(credential)
      if (place.identity !== before) return OVERTAKEN
      if (place.endedFor !== undefined) return { renewed: false, detail: 'the authority has ended' }
      this.#shared.sessions.renew(place, identity)
      this.#entitled = promoted.entitled
      // Another generation may have come while the credential was made: its terms stand.
      if (this.#service === service) this.adopt(service, promoted)
      else this.follow(this.#service)
      return { renewed: true, expiresAtMs: identity.expiresAtMs }
    } catch (error) {
      if (!isRefusal(error)) throw error
      return { renewed: false, detail: error.message, end: endFor(error) }
    }
  }

  /** On the answers of whoever the present service asks; until it has been asked, on none. */
  #hangOn(): void {
    const { entitlements, path } = this.#service
    if (entitlements === undefined) return this.#shared.entitled.leave(this)
    const { identity, user, address, vhost } = this.record
    const question = this.#entitled?.question ?? { identity, service: path, address, user, vhost, session: this.id }
    this.#entitled ??= { question, entitlement: NO_ENTITLEMENT, atMs: Number.NEGATIVE_INFINITY }
    this.#shared.entitled.join(this, this.#entitled)
  }

  #recorded(event: AuditEvent['event'], details: Partial<AuditEvent>): boolean {
    const { identity, user, address, vhost = '' } = this.record
    const { subject, issuer } = identity
    const { audit } = this.#service
    const written = audit.write({ event, session: this.id, subject, issuer, address, user, vhost, ...details })
    return written || audit.onFailure === 'count'
  }
}

/** What a fresh proof may come to nothing for. */
const REFUSALS = [AuthenticationRefused, PromotionRefused, EntitlementRefused, EntitlementUnavailable]

function isRefusal(error: unknown): error is Error {
  return REFUSALS.some((refusal) => error instanceof refusal)
}

/** Where the client reads more than that its secret was no good. */
function endFor(error: Error): EndRequest | undefined {
  if (error instanceof EntitlementUnavailable) return ENTITLEMENT_AWAY
  if (error instanceof EntitlementRefused) return entitlementEnded(error.forClient)
  if (!(error instanceof PromotionRefused) || error.forClient === undefined) return undefined
  return ruleRefused(error.forClient)
}
