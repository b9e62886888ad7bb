/** What programs and the management API see and order: plain data, of the same shape everywhere. It needs no other file. */

/** A session as operators see it: never a claim, never a secret. */
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
  /** The name of its gateway; `null`: it shares its state with no other. */
  readonly replica: string | null
  /** `null`: its gateway has one process only. */
  readonly worker: number | null
}

export interface SessionPage {
  /** How many match. */
  readonly total: number
  readonly page: number
  readonly pageSize: number
  readonly items: readonly ShownSession[]
  /** Replicas that did not answer: theirs are missing. */
  readonly notReached: readonly string[]
}

type Wanted = string | string[] | undefined

/** Which sessions are meant: keys are AND, a list is OR. */
export interface SessionFilter {
  readonly session?: Wanted
  readonly subject?: Wanted
  readonly issuer?: Wanted
  readonly authenticator?: Wanted
  readonly role?: Wanted
  readonly service?: Wanted
  readonly broker?: Wanted
  /** The broker user. */
  readonly user?: Wanted
  readonly vhost?: Wanted
  /** Addresses or ranges such as `10.0.0.0/8`. */
  readonly address?: Wanted
  readonly replica?: Wanted
}

export interface SessionQuery extends SessionFilter {
  /** Any field of a session that is a text or a number; with `-` before it for the opposite order. By default `openedAt`. */
  readonly sort?: string | undefined
  /** From 1. */
  readonly page?: number | undefined
  /** At most 500; by default 100. */
  readonly pageSize?: number | undefined
}

export interface Kick {
  /** At least one condition. */
  readonly match: SessionFilter
  /** The clients read it. */
  readonly reason?: string | undefined
  /** How long these people are kept out: by default `30s`, at most `1h`; `0s`: not at all. */
  readonly hold?: string | undefined
  /** Spreads the ends; absent: all at once. */
  readonly perSecond?: number | undefined
  /** Only tells how many are meant. */
  readonly dryRun?: boolean | undefined
}

export interface Kicked {
  /** Sessions that are meant, but for those that end already. */
  readonly matched: number
  /** Those that end by this: none of a dry run. */
  readonly ended: number
  /** Replicas that did not answer. */
  readonly notReached: readonly string[]
}

export interface BlockPerson {
  readonly subject: string
  /** Absent: that subject of every issuer. */
  readonly issuer?: string | undefined
  /** How long, such as `10m` or `30d`. */
  readonly for: string
  /** For operators: clients do not read it. */
  readonly reason: string
}

export interface ShownBlock {
  readonly id: string
  readonly subject: string
  /** `null`: of every issuer. */
  readonly issuer: string | null
  /** RFC 3339 in UTC. */
  readonly until: string
  readonly reason: string
  /** The subject of whoever did it, or `program`. */
  readonly by: string
}

export interface Blocked extends ShownBlock {
  readonly ended: number
  /** Issuers of those whose sessions ended by it. */
  readonly issuers: readonly string[]
  readonly notReached: readonly string[]
}
