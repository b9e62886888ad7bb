/**
 * The door of `proxy`: AMQP 0-9-1 between one client and one broker connection, frame by frame.
 * Imports only `node:*` and itself; knows no HTTP, no Passport, no YAML.
 */
import type { InBandRefusal, Session, SessionOptions } from './session/ports.ts'
import { GatewaySession } from './session/session.ts'

export {
  type AdminEvent,
  AUDIT_COMMON,
  AUDIT_EVENTS,
  AUDIT_FIELDS,
  type AuditEvent,
  type AuditEventSpec,
  type AuditSink,
} from './audit.ts'
export type { Table, TableEntry } from './codec/table.ts'
export * from './faults.ts'
export { authorizeFilter } from './filters/authorize/authorize.ts'
export type * from './filters/authorize/authorizer.ts'
export type * from './filters/filter.ts'
export { limitFilters, Usages, type UsedElsewhere, type UsedShares, usageKey } from './filters/limit/limit.ts'
export { observeFilters } from './filters/observe/observe.ts'
export { ReservedNames } from './filters/stamp/names.ts'
export { type Stamps, stampFilter } from './filters/stamp/stamp.ts'
export { Inquiry, InquiryEnded, type Refused } from './inquiry/inquiry.ts'
export { type LocalLogin, Passage, type PassageEnd, type PassageHost } from './passage/passage.ts'
export { BROKER_AWAY, BROKER_SAYS_NO } from './session/closing/ending.ts'
export type { BrokerFailure } from './session/dialling/broker-failure.ts'
export { TcpDialler, urlText } from './session/dialling/dial.ts'
export {
  BrokerUnavailable,
  type Dialled,
  type Dialler,
  type DialRequest,
  dialInTurn,
  GiveUp,
  NO_BROKER,
} from './session/dialling/dialler.ts'
export { probeBroker } from './session/dialling/probe.ts'
export { connectionName } from './session/opening/client-properties.ts'
export { otherUserId } from './session/opening/user-id-probe.ts'
export type * from './session/ports.ts'

/** Opens a session for an identity that is proven, authorised and promoted; the broker is dialled at once. */
export function openSession(options: SessionOptions): Session {
  return new GatewaySession(options)
}

/** Tells a client in band why it is refused: `start`, its `start-ok`, `connection.close`. No broker is dialled. */
export function refuseInBand(options: SessionOptions, refusal: InBandRefusal): Session {
  return new GatewaySession(options, refusal)
}
