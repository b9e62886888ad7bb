/** A session as operators see it: never a claim, never a secret. */
import type { LimitInUse, PermissionInForce, Standing } from '../../services/standing.ts'
import type { SessionRecord } from '../../sessions/record.ts'
import type { ShownRates } from '../live/live-rates.ts'
import type { RefusedMethod } from '../live/session-refusals.ts'
import type { Here } from '../replicas/here.ts'
import type { ShownSession } from '../shapes.ts'

export interface SessionDetail extends ShownSession {
  /** By the limit's name in the configuration; `null` where the rules of today would not let the session begin. */
  readonly limits: Readonly<Record<string, LimitInUse>> | null
  /** What the person may do; `null`: the service has no permissions, and the broker decides. */
  readonly permissions: readonly PermissionInForce[] | null
  /** The last 10 methods that were refused, the last one first. */
  readonly refusals: readonly RefusedMethod[]
}

/** One session, with how fast it is at the moment. */
export interface ShownDetail extends SessionDetail {
  /** Per second, over the last five to ten seconds; `null` where nobody has looked before. */
  readonly rates: ShownRates | null
}

/** @param standing undefined where the rules of today would not let the session begin */
export function sessionDetail(
  shown: ShownSession,
  standing: Standing | undefined,
  refusals: readonly RefusedMethod[],
): SessionDetail {
  const { limits, permissions } = standing ?? { limits: null, permissions: null }
  return { ...shown, limits, permissions, refusals }
}

export function shownSession(record: SessionRecord, { replica, worker }: Here): ShownSession {
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
    replica,
    worker,
  }
}
