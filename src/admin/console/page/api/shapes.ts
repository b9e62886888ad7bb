/** What the management API answers, as far as the console shows it. docs/management.md describes it. */

export const ROLES = ['viewer', 'operator', 'administrator'] as const
export type Role = (typeof ROLES)[number]

export interface Me {
  readonly subject: string
  readonly issuer: string
  readonly authenticator: string
  readonly role: Role
  readonly mayLogOut: boolean
}

export interface Overview {
  readonly name: string
  readonly version: string
  readonly generation: number
  readonly hash: string
  readonly draining: boolean
  readonly audit: 'failing' | null
  readonly sessions: number
  readonly services: readonly { readonly path: string; readonly sessions: number }[]
  readonly brokers: readonly Broker[]
  readonly rates: Rates
  /** `null`: nobody can tell now. */
  readonly replicas: readonly Replica[] | null
  readonly notReached: readonly string[]
}

/** A gateway of several. */
export interface Replica {
  readonly name: string
  readonly version: string
  readonly generation: number
  readonly hash: string
  readonly sessions: number
}

/** Per second. */
export interface Rates {
  readonly opened: number
  readonly ended: number
  readonly refused: number
  readonly bytesFromClient: number
  readonly bytesToClient: number
  readonly messagesFromClient: number
  readonly messagesToClient: number
}

/** Ten seconds of the last hour. */
export interface Sample extends Rates {
  readonly at: string
  readonly sessions: number
  /** In ms. */
  readonly eventLoopDelay: number
  /** By cause, in these ten seconds. */
  readonly refusals: Readonly<Record<string, number>>
}

export interface Broker {
  readonly name: string
  readonly ready: boolean
  readonly nodes: readonly BrokerNode[]
}

export interface BrokerNode {
  readonly name: string
  readonly url: string
  readonly up: boolean
  readonly sessions: number
}

export interface Session {
  readonly id: string
  readonly subject: string
  readonly issuer: string
  readonly authenticator: string
  readonly roles: readonly string[]
  readonly service: string
  readonly broker: string
  readonly node: string | null
  readonly user: string
  readonly vhost: string | null
  readonly address: string
  readonly openedAt: string
  readonly expiresAt: string | null
  readonly rule: number
  readonly client: { readonly product: string; readonly version: string; readonly connectionName: string } | null
  readonly channels: number
  readonly consumers: number
  readonly bytesFromClient: number
  readonly bytesToClient: number
  readonly messagesFromClient: number
  readonly messagesToClient: number
  readonly replica: string | null
}

export interface SessionDetail extends Session {
  readonly limits: Readonly<Record<string, { readonly used: number | null; readonly of: number }>> | null
  readonly permissions: readonly Permission[] | null
  readonly refusals: readonly RefusedMethod[]
  /** Per second; `null` until the gateway can tell. */
  readonly rates: LiveRates | null
}

export type LiveRates = Pick<Rates, 'bytesFromClient' | 'bytesToClient' | 'messagesFromClient' | 'messagesToClient'>

export interface Permission {
  readonly permission: 'configure' | 'write' | 'read'
  readonly kind: 'queue' | 'exchange'
  readonly name: string
  readonly routingKey: string | null
  readonly place: string
}

export interface RefusedMethod {
  readonly at: string
  readonly event: string
  readonly method: string | null
  readonly channel: number | null
  readonly detail: string
  readonly allow: string | null
}

export interface Refusal {
  readonly at: string
  readonly cause: string
  readonly subject: string | null
  readonly issuer: string | null
  readonly authenticator: string | null
  readonly address: string | null
  readonly service: string | null
  readonly origin: string | null
  readonly detail: string | null
  readonly allow: string | null
}

export interface RulesOfService {
  readonly service: string
  readonly rules: readonly (Tally & { readonly effect: string })[]
  readonly permissions: readonly Tally[]
}

export interface Tally {
  readonly index: number
  /** Conditions as configured; none: everyone. */
  readonly when: unknown
  readonly hits: number
  readonly since: string
  readonly lastAt: string | null
}

export interface SessionPage {
  readonly total: number
  readonly page: number
  readonly pageSize: number
  readonly items: readonly Session[]
  readonly notReached: readonly string[]
}

export interface Kicked {
  readonly matched: number
  readonly ended: number
  readonly notReached: readonly string[]
}

export interface Block {
  readonly id: string
  readonly subject: string
  readonly issuer: string | null
  readonly until: string
  readonly reason: string
  readonly by: string
}

export interface Blocked extends Block {
  readonly ended: number
  readonly notReached: readonly string[]
}

export interface Configuration {
  readonly generation: number
  readonly hash: string
  readonly config: unknown
}

export interface ReloadReport {
  readonly generation: number
  readonly hash: string
  readonly changes: readonly string[]
  readonly sessions: { readonly kept: number; readonly changed: number; readonly ended: number }
  readonly examples?:
    | readonly {
        readonly session: string
        readonly subject: string
        readonly service: string
        readonly why: string
      }[]
    | undefined
}

/** An answer that says no. [RFC 9457] */
export interface Problem {
  readonly detail?: string
  readonly errors?: readonly string[]
  readonly role?: Role
  readonly logins?: readonly string[]
}
