/** A session as operators see it: never a claim, never a secret. */
import type { LimitInUse, PermissionInForce, Standing } from '../../services/standing.ts'
import type { SessionRecord } from '../../sessions/record.ts'
import type { RefusedMethod } from '../live/session-refusals.ts'

export interface ShownSession {
  readonly id: string
  readonly subject: string
  readonly issuer: string
  readonly authenticator: string
  readonly roles: readonly string[]
  /** The service's path. */
  readonly service: string
  readonly broker: string
  /** `null` until the broker has opened the session, as `vhost` and `client`. */
  readonly node: string | null
  /** The broker user. */
  readonly user: string
  readonly vhost: string | null
  readonly address: string
  /** RFC 3339 in UTC. */
  readonly openedAt: string
  /** `null`: the proof has no end. */
  readonly expiresAt: string | null
  /** Index of the promotion rule that won, from 0. */
  readonly rule: number
  readonly client: { readonly product: string; readonly version: string; readonly connectionName: string } | null
  /** Open, or closing. */
  readonly channels: number
  readonly consumers: number
  /** Of AMQP in WebSocket messages. */
  readonly bytesFromClient: number
  readonly bytesToClient: number
  /** Messages of AMQP. */
  readonly messagesFromClient: number
  readonly messagesToClient: number
  /** `null`: there is one process only. */
  readonly replica: string | null
  readonly worker: number | null
}

export interface SessionDetail extends ShownSession {
  /** By the limit's name in the configuration; `null` where the rules of today would not let the session begin. */
  readonly limits: Readonly<Record<string, LimitInUse>> | null
  /** What the person may do; `null`: the service has no permissions, and the broker decides. */
  readonly permissions: readonly PermissionInForce[] | null
  /** The last 10 methods that were refused, the last one first. */
  readonly refusals: readonly RefusedMethod[]
}

/** @param standing undefined where the rules of today would not let the session begin */
export function sessionDetail(
  record: SessionRecord,
  standing: Standing | undefined,
  refusals: readonly RefusedMethod[],
): SessionDetail {
  const { limits, permissions } = standing ?? { limits: null, permissions: null }
  return { ...shownSession(record), limits, permissions, refusals }
}

export function shownSession(record: SessionRecord): ShownSession {
  const { identity, client, expiresAtMs } = record
  return {
    id: record.id,
    subject: identity.subject,
    issuer: identity.issuer,
    authenticator: identity.authenticator,
    roles: identity.roles,
    service: record.service,
    broker: record.broker,
    node: record.node ?? null,
    user: record.user,
    vhost: record.vhost ?? null,
    address: record.address,
    openedAt: new Date(record.startedAtMs).toISOString(),
    expiresAt: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
    rule: record.rule,
    client: client ?? null,
    channels: record.channels,
    consumers: record.consumers,
    bytesFromClient: record.bytesFromClient,
    bytesToClient: record.bytesToClient,
    messagesFromClient: record.messagesFromClient,
    messagesToClient: record.messagesToClient,
    replica: null,
    worker: null,
  }
}
