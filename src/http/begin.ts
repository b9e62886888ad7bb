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
  type SessionOptions,
} from '../../proxy/index.ts'
import { BROKER_FAILURES } from '../broker-failures.ts'
import { UNRECORDED } from '../end-requests.ts'
import type { EventSpec, LogFields } from '../ops/events.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { Traffic } from '../ops/traffic.ts'
import type { Place, Sessions } from '../sessions.ts'
import { WebSocketClientEnd } from './client-end.ts'
import { ENDS } from './ends.ts'
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
  const elapsedMs = performance.now() - attempt.startedAtMs
  let vhost: string | undefined
  const pinned = 'pinned' in promoted.vhosts ? promoted.vhosts.pinned : undefined
  const { fingerprint, username } = promoted.credential
  // That the broker takes no other user-id from it keeps nobody out who shows the same credential without one.
  const credential = otherUserId(promoted.filters, username) === undefined ? fingerprint : `${fingerprint} for others`
  const trial = service.holdOffs.try({ credential, vhost: pinned })
  const options: SessionOptions = {
    id,
    client,
    identity: { subject: identity.subject, issuer: identity.issuer, address: hop.address },
    credential: promoted.credential,
    vhosts: promoted.vhosts,
    target: service.target,
    limits: { ...promoted.limits, handshakeMs: Math.max(1, service.handshakeMs - elapsedMs) },
    filters: promoted.filters,
    observer: {
      opened: (info) => {
        vhost = info.vhost
        if (typeof trial !== 'string') trial.opened()
        client.opened()
        attempt.handshakeDone()
        of.metrics.sessionOpened(service.path, performance.now() - attempt.startedAtMs)
        of.log.write('session-opened', { ...who(), broker: service.broker, vhost })
        if (!recorded('session.opened', {})) session.end(UNRECORDED)
      },
      ended: (end) => ended(end),
    },
    renew: (secret) => renewed(secret),
  }
  const session = typeof trial === 'string' ? refuseInBand(options, heldOff(trial)) : openSession(options)
  of.metrics.sessionStarted(service.path)
  place.goOn = async (identity) => await renewal(async () => identity, place, attempt, admitted, of.sessions)
  of.sessions.start(place, { session, client, timeoutMs: service.sessionTimeoutMs })
  client.attach(session)

  function recorded(event: AuditEvent['event'], details: Partial<AuditEvent>): boolean {
    const { subject, issuer, address, user } = who()
    const written = service.audit.write({
      event,
      session: id,
      subject,
      issuer,
      address,
      user,
      vhost: vhost ?? '',
      ...details,
    })
    return written || service.audit.onFailure === 'count'
  }

  function who() {
    const { subject, issuer, authenticator } = place.identity
    const user = promoted.credential.username
    return { session: id, service: service.path, subject, issuer, authenticator, user, address: hop.address }
  }

  function ended(end: SessionEnd): void {
    of.sessions.release(place)
    of.metrics.sessionEnded(service.path, service.broker, end.reason)
    const line = {
      ...who(),
      broker: service.broker,
      vhost,
      by: end.by,
      reason: end.reason,
      detail: place.endedFor === undefined ? end.detail : `${place.endedFor}: ${end.detail}`,
      replyCode: end.replyCode,
      closeCode: end.closeCode,
      durationMs: Math.round(end.durationMs),
      bytesFromClient: end.bytesFromClient,
      bytesToClient: end.bytesToClient,
    }
    const { level, ...verdict } = brokersPart(end)
    of.log.write('session-ended', { ...line, ...verdict }, level)
    const { durationMs, replyCode, detail } = line
    if (typeof trial === 'string') recorded('session.refused', { cause: end.reason, detail })
    else recorded('session.closed', { cause: end.reason, detail, durationMs, replyCode })
  }

  /** Of many sessions that one fault of the broker leg keeps out, one line tells; the others are counted in the next. */
  function brokersPart({ reason, failure }: SessionEnd): LogFields & { readonly level: EventSpec['level'] } {
    if (typeof trial === 'string') return { level: 'debug', cause: trial }
    const { level } = ENDS[reason]
    if (failure === undefined) {
      trial.over()
      return { level }
    }
    const rest = trial.failed(failure)
    if (rest === 'known') return { level: 'debug', cause: failure }
    return { level, cause: failure, remedy: BROKER_FAILURES[failure].remedy, pauseMs: rest?.forMs, count: rest?.count }
  }

  async function renewed(secret: Buffer): Promise<Renewal> {
    const fresh = () => renew(service.requirement, place.identity, secret, { service: service.path })
    return await renewal(fresh, place, attempt, admitted, of.sessions)
  }
}

/** What a client hears in whose place the broker has said no to another one, a moment ago. */
function heldOff(failure: BrokerFailure): InBandRefusal {
  const words = failure === 'tls' ? BROKER_AWAY : BROKER_SAYS_NO
  return { ...words, detail: 'not tried: the broker has just said no to this credential' }
}

/** A fresh proof of the same person, who has to be promoted to the same broker user once more. */
async function renewal(
  fresh: () => Promise<Identity>,
  place: Place,
  { service, id, hop }: Attempt,
  { promoted }: Admitted,
  sessions: Sessions,
): Promise<Renewal> {
  try {
    const identity = await fresh()
    if (!service.roles.every((role) => identity.roles.includes(role))) {
      return { renewed: false, detail: 'the fresh credential lacks a required role' }
    }
    const context = { sessionId: id, address: hop.address, deadlineMs: service.handshakeMs }
    const { credential, tags } = await service.promote(identity, context)
    if (credential.username !== promoted.credential.username) {
      return { renewed: false, detail: 'the fresh credential is promoted to another broker user' }
    }
    if (credential.isPassedOn) await place.live?.session.renewBroker(credential)
    if (place.endedFor !== undefined) return { renewed: false, detail: 'the authority has ended' }
    sessions.renew(place, identity)
    promoted.renewed(identity, tags)
    return { renewed: true, ...(identity.expiresAtMs === undefined ? {} : { expiresAtMs: identity.expiresAtMs }) }
  } catch (error) {
    if (error instanceof AuthenticationRefused || error instanceof PromotionRefused) {
      return { renewed: false, detail: error.message }
    }
    throw error
  }
}
