/** What the log says of a session: the same fields in every line, and what the broker has to do with its end. */
import type { BrokerFailure, SessionEnd } from '../../proxy/index.ts'
import { BROKER_FAILURES } from '../brokers/broker-failures.ts'
import type { Trial } from '../brokers/hold-offs.ts'
import type { EventSpec, LogFields } from '../ops/events.ts'
import { ENDS } from './end-reasons.ts'
import type { SessionRecord } from './record.ts'

/** What the broker's failure, if it was one, adds to the line of a session's end, and how loud the line is. */
export interface BrokersPart extends Pick<LogFields, 'cause' | 'remedy' | 'pauseMs' | 'count'> {
  readonly level: EventSpec['level']
}

/** Every key by itself: where keys are added to a spread, V8 makes up a new shape for each session. */
export function sessionLine(record: SessionRecord, end?: SessionEnd, part?: BrokersPart): LogFields {
  const { id, service, identity, user, address, broker, vhost } = record
  return {
    session: id,
    service,
    subject: identity.subject,
    issuer: identity.issuer,
    authenticator: identity.authenticator,
    user,
    address,
    broker,
    vhost,
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
export function brokersPart(
  { reason, failure }: SessionEnd,
  trial: Trial | BrokerFailure,
  isAnyNodeUp: boolean,
): BrokersPart {
  if (typeof trial === 'string') return { level: 'debug', cause: trial }
  const { level } = ENDS[reason]
  if (failure === undefined) {
    trial.over()
    return { level }
  }
  const rest = trial.failed(failure)
  // That no node is there is in the log already, once.
  const isKnown = reason === 'broker-unavailable' && !isAnyNodeUp
  if (rest === 'known' || isKnown) return { level: 'debug', cause: failure }
  return { level, cause: failure, remedy: BROKER_FAILURES[failure].remedy, pauseMs: rest?.forMs, count: rest?.count }
}
