/**
 * The audit events and their fields: a closed set with stable names, one JSON line each. docs/audit.md shows these tables.
 *
 * An event says what was let through or refused, and for whom; it holds names, counts and codes, never a message's
 * content or a secret. Where lines go and how they are kept is not known here.
 */
import type { SessionView } from './filters/filter.ts'

export interface AuditEventSpec {
  readonly means: string
  /** What a service's `audit.include` must name for it to be written; absent: always. */
  readonly include?: 'declare' | 'bind' | 'delete' | 'consume' | 'publish'
  /** Beside those of every event. */
  readonly fields: readonly AuditField[]
}

/** The fields of every event; where there is no session, `time` and `event` alone. */
export const AUDIT_COMMON = {
  time: 'when it was written, RFC 3339 in UTC',
  event: 'its name, from the table below',
  session: 'the id of the session',
  subject: 'who the client is proven to be',
  issuer: 'who vouches for the subject',
  address: 'the address of the client, after trusted proxies',
  user: 'the broker user',
  vhost: 'the vhost of the session',
  service: 'the path of the service',
} as const

export const AUDIT_FIELDS = {
  channel: 'the number of the channel',
  method: 'the dotted name of the method',
  permission: 'configure, write or read',
  kind: 'queue or exchange',
  name: 'the name of the queue or exchange',
  routingKey: 'the routing key or binding pattern',
  what: 'what was refused, where it was no permission that lacked',
  exchange: 'the name of the exchange',
  queue: 'the name of the queue',
  destination: 'the name of the exchange that is bound',
  passive: 'only asked whether it exists',
  consumerTag: "the consumer's tag",
  messages: 'how many messages since the last event of this kind',
  bytes: 'how many bytes of body',
  limit: 'which limit',
  pausedMs: 'for how long the client was not read',
  replyCode: 'the AMQP reply code',
  cause: 'why it was refused or ended, one of a closed set',
  detail: 'a sentence for operators',
  durationMs: 'how long the session lasted',
  actor: 'the subject of the person who managed, or `program` for the code that started the gateway',
  actorIssuer: 'who vouches for that person',
  actorAddress: 'the address they sent it from',
  role: 'the role they have',
  match: 'which sessions or whom they meant, as JSON',
  count: 'how many sessions ended by it',
  reason: 'why, in their own words',
  outcome: 'done, dry-run or refused',
  status: 'the HTTP status of a refused request',
  generation: 'the number of the configuration that is in force',
  hash: 'its hash, as in `gatehouse_config_info`',
  changes: 'the places that differ from the configuration before, as JSON',
  kept: 'how many sessions it does not concern',
  changed: 'how many sessions follow other terms',
  ended: 'how many sessions have no room in it and end',
} as const

export type AuditField = keyof typeof AUDIT_FIELDS

const ADMIN_FIELDS = [
  'actor',
  'actorIssuer',
  'actorAddress',
  'role',
  'outcome',
  'status',
  'detail',
] as const satisfies readonly AuditField[]

export const AUDIT_EVENTS = {
  'session.opened': { means: 'the broker accepted the promoted credential', fields: [] },
  'session.closed': { means: 'a session ended', fields: ['cause', 'detail', 'durationMs', 'replyCode'] },
  'session.refused': { means: 'somebody was not let in', fields: ['cause', 'detail'] },
  'permission.refused': {
    means: 'a method was refused; nothing of it reached the broker',
    fields: ['method', 'channel', 'permission', 'kind', 'name', 'routingKey', 'what'],
  },
  'permission.would-refuse': {
    means: 'the same with `enforce: false`: it was let through',
    fields: ['method', 'channel', 'permission', 'kind', 'name', 'routingKey', 'what'],
  },
  'permission.lost': {
    means: 'a consumer was cancelled because its right to read was withdrawn',
    fields: ['channel', 'queue', 'consumerTag'],
  },
  'limit.refused': {
    means: 'a method was refused because a limit was reached',
    fields: ['method', 'channel', 'limit'],
  },
  'limit.paused': {
    means: 'a client published faster than allowed and was not read for a while; written once in a while at most',
    fields: ['limit', 'pausedMs'],
  },
  'stamp.refused': {
    means: 'a message was refused for its `user-id`, or because it had no room for its stamps',
    fields: ['channel', 'what'],
  },
  'exchange.declare': { means: 'was forwarded', include: 'declare', fields: ['channel', 'exchange', 'passive'] },
  'queue.declare': {
    means: 'was forwarded; an empty name is followed by `queue.named`',
    include: 'declare',
    fields: ['channel', 'queue', 'passive'],
  },
  'queue.named': {
    means: 'the broker named a queue for this session',
    include: 'declare',
    fields: ['channel', 'queue'],
  },
  'queue.bind': { means: 'was forwarded', include: 'bind', fields: ['channel', 'queue', 'exchange', 'routingKey'] },
  'queue.unbind': { means: 'was forwarded', include: 'bind', fields: ['channel', 'queue', 'exchange', 'routingKey'] },
  'exchange.bind': {
    means: 'was forwarded',
    include: 'bind',
    fields: ['channel', 'destination', 'exchange', 'routingKey'],
  },
  'exchange.unbind': {
    means: 'was forwarded',
    include: 'bind',
    fields: ['channel', 'destination', 'exchange', 'routingKey'],
  },
  'exchange.delete': { means: 'was forwarded', include: 'delete', fields: ['channel', 'exchange'] },
  'queue.delete': { means: 'was forwarded', include: 'delete', fields: ['channel', 'queue'] },
  'queue.purge': { means: 'was forwarded', include: 'delete', fields: ['channel', 'queue'] },
  'basic.consume': { means: 'was forwarded', include: 'consume', fields: ['channel', 'queue', 'consumerTag'] },
  'basic.cancel': { means: 'was forwarded', include: 'consume', fields: ['channel', 'consumerTag'] },
  'basic.get': {
    means: 'the first from this queue was forwarded; further ones are not written',
    include: 'consume',
    fields: ['channel', 'queue'],
  },
  'publish.counted': {
    means: 'messages were forwarded to this exchange: once a minute where there were any, and at the end',
    include: 'publish',
    fields: ['exchange', 'messages', 'bytes'],
  },
  'admin.kick': {
    means: 'somebody ended sessions, or tried to',
    fields: [...ADMIN_FIELDS, 'match', 'count', 'reason'],
  },
  'admin.block': {
    means: 'somebody blocked a person, or tried to',
    fields: [...ADMIN_FIELDS, 'match', 'count', 'reason'],
  },
  'admin.unblock': { means: 'somebody lifted a block, or tried to', fields: [...ADMIN_FIELDS, 'match'] },
  'config.reloaded': {
    means: 'a configuration came into force, or was refused, whoever asked for it',
    fields: ['outcome', 'detail', 'generation', 'hash', 'changes', 'kept', 'changed', 'ended'],
  },
  'admin.drain': { means: 'somebody drained the gateway, or tried to', fields: [...ADMIN_FIELDS, 'count'] },
  'admin.undrain': { means: 'somebody called a drain off, or tried to', fields: [...ADMIN_FIELDS, 'count'] },
  'admin.reload': { means: 'somebody reloaded the configuration, or tried to', fields: [...ADMIN_FIELDS, 'count'] },
} as const satisfies Readonly<Record<string, AuditEventSpec>>

/** Events of the gateway as a whole: they have no session, and leave out what is said of one. */
export type AdminEventName = Extract<keyof typeof AUDIT_EVENTS, `admin.${string}` | `config.${string}`>

export type AuditEventName = Exclude<keyof typeof AUDIT_EVENTS, AdminEventName>

export type AuditDetails = { readonly [F in AuditField]?: string | number | boolean | undefined }

export type AuditEvent = AuditDetails & {
  readonly event: AuditEventName
  readonly session: string
  readonly subject: string
  readonly issuer: string
  readonly address: string
  readonly user: string
  readonly vhost: string
}

/** What somebody did who manages the gateway, or was refused. */
export type AdminEvent = AuditDetails & { readonly event: AdminEventName }

/** Where events go, and what happens when they cannot. Shared by the sessions of a service. */
export interface AuditSink {
  /** Takes one event at once. @returns false when it could not */
  write(event: AuditEvent): boolean
  /** `refuse`: what an event is about does not happen when it could not be written. `count`: it happens all the same. */
  readonly onFailure: 'refuse' | 'count'
}

/** One session's voice towards the sink. */
export class Audit {
  readonly #session: SessionView
  readonly #sink: AuditSink

  constructor(session: SessionView, sink: AuditSink) {
    this.#session = session
    this.#sink = sink
  }

  /** Writes one event. @returns false when it could not be written and what it is about must not happen */
  record(event: AuditEventName, details: AuditDetails): boolean {
    const { id, identity, brokerUser, vhost } = this.#session
    const { subject, issuer, address } = identity
    const written = this.#sink.write({
      event,
      session: id,
      subject,
      issuer,
      address,
      user: brokerUser,
      vhost,
      ...details,
    })
    return written || this.#sink.onFailure === 'count'
  }
}
