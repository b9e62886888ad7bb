/**
 * Everything that is known of one session: log lines, audit events and the admin API all show this record. It never holds a
 * secret.
 */
import type { Identity } from '../../auth/index.ts'
import type { ClientProduct, SessionActivity } from '../../proxy/index.ts'

export interface SessionRecord extends SessionActivity {
  readonly id: string
  /** The service's path. */
  readonly service: string
  /** Who it was opened for; a renewal replaces it by the same person's fresh identity. */
  readonly identity: Identity
  /** Index of the promotion rule that won, from 0. */
  readonly rule: number
  /** The broker's key in the configuration. */
  readonly broker: string
  /** The URL of the broker node; known once the broker has opened the session, as are the two that follow. */
  readonly node: string | undefined
  readonly vhost: string | undefined
  /** The client library, in its own words. */
  readonly client: ClientProduct | undefined
  /** The broker user. */
  readonly user: string
  /** The client's address, after trusted proxies. */
  readonly address: string
  /** In ms since the epoch: when it began, its client being let in, and when its proof ends. */
  readonly startedAtMs: number
  readonly expiresAtMs: number | undefined
  /** Bytes of WebSocket messages so far, in each direction. */
  readonly bytesFromClient: number
  readonly bytesToClient: number
}
