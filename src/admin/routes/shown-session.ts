/** A session as operators see it: never a claim, never a secret. */
import type { SessionRecord } from '../../sessions/record.ts'

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
  readonly bytesFromClient: number
  readonly bytesToClient: number
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
    bytesFromClient: record.bytesFromClient,
    bytesToClient: record.bytesToClient,
  }
}
