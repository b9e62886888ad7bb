/**
 * Begins the session of somebody who was admitted: the 101, both ends, and what has to happen when the broker opens it,
 * when it is renewed and when it ends. One log line for each session, at its end.
 */
import { AuthenticationRefused, type Identity, PromotionRefused, renew } from '../../auth/index.ts'
import {
  type AuditEvent,
  BROKER_AWAY,
  BROKER_SAYS_NO,
  type BrokerFailure,
  type InBandRefusal,
  openSession,
  otherUserId,
  type Renewal,
  refuseInBand,
  type SessionEnd,
  type SessionObserver,
  type SessionOptions,
} from '../../proxy/index.ts'
import { BROKER_FAILURES } from '../brokers/broker-failures.ts'
import type { Trial } from '../brokers/hold-offs.ts'
import type { EventSpec, LogFields } from '../ops/events.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { Traffic } from '../ops/traffic.ts'
import type { Promoted, Service } from '../services/service.ts'
import { ENDS } from '../sessions/end-reasons.ts'
import { UNRECORDED } from '../sessions/end-requests.ts'
import type { Place, Sessions } from '../sessions/registry.ts'
import { WebSocketClientEnd } from '../websocket/client-end.ts'
import type { Admitted, Attempt } from './upgrade.ts'

export interface BeginDependencies {
  readonly sessions: Sessions
  readonly metrics: Metrics
  readonly log: Log
  readonly traffic: Traffic
}

/** Sends the 101 and opens the session, or gives the place back where the client is gone. */
export function begin(attempt: Attempt, admitted: Admitted, of: BeginDependencies): void {
  const { request, socket, head, subprotocol, service, hop, id } = attempt
  const { identity, promoted, place } = admitted
  const webSocket = service.door.accept({ request, socket, head, subprotocol, headers: admitted.responseHeaders })
  if (webSocket === undefined) {
    of.sessions.release(place)
    return
  }
  const client = new WebSocketClientEnd(webSocket, socket, of.traffic)
  const pinned = 'pinned' in promoted.vhosts ? promoted.vhosts.pinned : undefined
  const { fingerprint, username } = promoted.credential
  const forOthers = otherUserId(promoted.filters, username) !== undefined
  const trial = service.holdOffs.try({ credential: fingerprint, forOthers, vhost: pinned })
  const begun = new Begun(attempt, { promoted, place, client, trial }, of)
  const options: SessionOptions = {
    id,
    client,
    identity: { subject: identity.subject, issuer: identity.issuer, address: hop.address },
    credential: promoted.credential,
    vhosts: promoted.vhosts,
    target: service.target,
    limits: { ...promoted.limits, handshakeMs: Math.max(1, service.handshakeMs - begun.ageMs) },
    filters: promoted.filters,
    observer: begun,
    renew: (secret) => begun.renew(secret),
  }
  const session = typeof trial === 'string' ? refuseInBand(options, heldOff(trial)) : openSession(options)
  of.metrics.sessionStarted(service.path)
  place.goOn = (identity) => begun.goOn(identity)
  of.sessions.start(place, { session, client, timeoutMs: service.sessionTimeoutMs })
  client.attach(session)
}

type BrokersRefusal = Parameters<NonNullable<SessionObserver['channelClosed']>>[0]

/** The first one that a text of RabbitMQ's names: `queue 'orders' in vhost '/'`. */
const RESOURCE = /\b(?:queue|exchange) '.*?' in vhost '[^']*'/s

/** What the broker's failure, if it was one, adds to the line of a session's end, and how loud the line is. */
interface BrokersPart extends Pick<LogFields, 'cause' | 'remedy' | 'pauseMs' | 'count'> {
  readonly level: EventSpec['level']
}

/** What a session was begun with. */
interface Parts {
  readonly promoted: Promoted
  readonly place: Place
  readonly client: WebSocketClientEnd
  /** Or what the broker has said no to a moment ago. */
  readonly trial: Trial | BrokerFailure
}

/** A session that has begun, as its observer. It lives as long as the session: of the upgrade it keeps no request and no bytes. */
class Begun implements SessionObserver {
  readonly #id: string
  readonly #service: Service
  readonly #address: string
  readonly #startedAtMs: number
  readonly #promoted: Promoted
  readonly #place: Place
  readonly #trial: Parts['trial']
  readonly #of: BeginDependencies
  /** Only until the broker has opened the session. */
  #opening: { readonly client: WebSocketClientEnd; handshakeDone(): void } | undefined
  #vhost: string | undefined

  constructor(attempt: Attempt, { promoted, place, client, trial }: Parts, of: BeginDependencies) {
    this.#id = attempt.id
    this.#service = attempt.service
    this.#address = attempt.hop.address
    this.#startedAtMs = attempt.startedAtMs
    this.#opening = { client, handshakeDone: attempt.handshakeDone }
    this.#promoted = promoted
    this.#place = place
    this.#trial = trial
    this.#of = of
  }

  /** Since the upgrade request. */
  get ageMs(): number {
    return performance.now() - this.#startedAtMs
  }

  opened({ vhost }: { readonly vhost: string }): void {
    this.#vhost = vhost
    if (typeof this.#trial !== 'string') this.#trial.opened()
    this.#opening?.client.opened()
    this.#opening?.handshakeDone()
    this.#opening = undefined
    this.#of.metrics.sessionOpened(this.#service.path, this.ageMs)
    this.#of.log.write('session-opened', this.#line())
    if (!this.#recorded('session.opened', {})) this.#place.live?.session.end(UNRECORDED)
  }

  channelClosed({ channel, replyCode, text, method }: BrokersRefusal): void {
    const resource = RESOURCE.exec(text)?.[0]
    const detail = channel === 0 ? `the connection: ${text}` : text
    this.#of.log.write('broker-refused-method', { ...this.#line(), replyCode, detail, method, resource })
  }

  busy(): void {
    this.#of.sessions.busy(this.#place)
  }

  ended(end: SessionEnd): void {
    const { endedFor } = this.#place
    this.#opening = undefined
    this.#of.sessions.release(this.#place)
    this.#of.metrics.sessionEnded(this.#service.path, this.#service.broker, end.reason)
    const detail = endedFor === undefined ? end.detail : `${endedFor}: ${end.detail}`
    const durationMs = Math.round(end.durationMs)
    const { replyCode } = end
    const part = this.#brokersPart(end)
    // The same keys as before, so the same shape.
    this.#of.log.write('session-ended', this.#line({ ...end, detail, durationMs }, part), part.level)
    if (typeof this.#trial === 'string') this.#recorded('session.refused', { cause: end.reason, detail })
    else this.#recorded('session.closed', { cause: end.reason, detail, durationMs, replyCode })
  }

  async renew(secret: Buffer): Promise<Renewal> {
    const { requirement, path } = this.#service
    return await this.#renewal(() => renew(requirement, this.#place.identity, secret, { service: path }))
  }

  async goOn(identity: Identity): Promise<Renewal> {
    return await this.#renewal(async () => identity)
  }

  /** A fresh proof of the same person, who has to be promoted to the same broker user once more. */
  async #renewal(fresh: () => Promise<Identity>): Promise<Renewal> {
    const [service, place, promoted] = [this.#service, this.#place, this.#promoted]
    try {
      const identity = await fresh()
      if (!service.roles.every((role) => identity.roles.includes(role))) {
        return { renewed: false, detail: 'the fresh credential lacks a required role' }
      }
      const context = { sessionId: this.#id, address: this.#address, deadlineMs: service.handshakeMs }
      const { credential, tags } = await service.promote(identity, context)
      if (credential.username !== promoted.credential.username) {
        return { renewed: false, detail: 'the fresh credential is promoted to another broker user' }
      }
      if (credential.isPassedOn) await place.live?.session.renewBroker(credential)
      if (place.endedFor !== undefined) return { renewed: false, detail: 'the authority has ended' }
      this.#of.sessions.renew(place, identity)
      promoted.renewed(identity, tags)
      return { renewed: true, ...(identity.expiresAtMs === undefined ? {} : { expiresAtMs: identity.expiresAtMs }) }
    } catch (error) {
      if (error instanceof AuthenticationRefused || error instanceof PromotionRefused) {
        return { renewed: false, detail: error.message }
      }
      throw error
    }
  }

  #recorded(event: AuditEvent['event'], details: Partial<AuditEvent>): boolean {
    const { subject, issuer } = this.#place.identity
    const user = this.#promoted.credential.username
    const { audit } = this.#service
    const address = this.#address
    const vhost = this.#vhost ?? ''
    const written = audit.write({ event, session: this.#id, subject, issuer, address, user, vhost, ...details })
    return written || audit.onFailure === 'count'
  }

  /** Every key by itself: where keys are added to a spread, V8 makes up a new shape for each session. */
  #line(end?: SessionEnd, part?: BrokersPart): LogFields {
    const { subject, issuer, authenticator } = this.#place.identity
    return {
      session: this.#id,
      service: this.#service.path,
      subject,
      issuer,
      authenticator,
      user: this.#promoted.credential.username,
      address: this.#address,
      broker: this.#service.broker,
      vhost: this.#vhost,
      by: end?.by,
      reason: end?.reason,
      detail: end?.detail,
      replyCode: end?.replyCode,
      closeCode: end?.closeCode,
      durationMs: end?.durationMs,
      bytesFromClient: end?.bytesFromClient,
      bytesToClient: end?.bytesToClient,
      cause: part?.cause,
      remedy: part?.remedy,
      pauseMs: part?.pauseMs,
      count: part?.count,
    }
  }

  /** Of many sessions that one fault of the broker leg keeps out, one line tells; the others are counted in the next. */
  #brokersPart({ reason, failure }: SessionEnd): BrokersPart {
    if (typeof this.#trial === 'string') return { level: 'debug', cause: this.#trial }
    const { level } = ENDS[reason]
    if (failure === undefined) {
      this.#trial.over()
      return { level }
    }
    const rest = this.#trial.failed(failure)
    if (rest === 'known') return { level: 'debug', cause: failure }
    return { level, cause: failure, remedy: BROKER_FAILURES[failure].remedy, pauseMs: rest?.forMs, count: rest?.count }
  }
}

/** What a client hears in whose place the broker has said no to another one, a moment ago. */
function heldOff(failure: BrokerFailure): InBandRefusal {
  const words = failure === 'tls' ? BROKER_AWAY : BROKER_SAYS_NO
  return { ...words, detail: 'not tried: the broker has just said no to this credential' }
}
