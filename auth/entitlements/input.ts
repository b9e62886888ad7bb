/** What entitlements are compiled from, and what is asked: plain data. */
import type { Identity } from '../identity.ts'
import type { SecretInput } from '../promotion/input.ts'

/** `url` or `module`, one of them. */
export interface EntitlementsInput {
  readonly url?: string | undefined
  /** An absolute path. */
  readonly module?: string | undefined
  /** For the module. */
  readonly options?: Readonly<Record<string, unknown>> | undefined
  /** Sent to the URL as a bearer token. */
  readonly secret?: SecretInput | undefined
  /** For one answer, ms. */
  readonly timeout: number
  /** How often live sessions are asked for again, ms. */
  readonly refresh: number
  /** How long live sessions go on with the last answer where none arrives, ms. */
  readonly staleFor: number
}

/** Whom a question is about, after promotion. */
export interface EntitlementQuestion {
  readonly identity: Identity
  /** The path of the service. */
  readonly service: string
  readonly address: string
  /** The broker user. */
  readonly user: string
  /** Undefined where the client chooses one. */
  readonly vhost: string | undefined
  /** The session's id; of those that share a question, that of the first. */
  readonly session: string
}
