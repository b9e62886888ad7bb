/**
 * The last methods that were refused in each session, by the gateway's filters or by the broker. Sessions of which nothing is
 * refused cost nothing; of the others a bounded number is remembered, until they end.
 */
import { permissionLine } from '../../http/allow-line.ts'
import type { EventName, LogFields } from '../../ops/events.ts'
import { type AuditFields, cut, type LogObserver } from '../../ops/log.ts'

export interface RefusedMethod {
  /** RFC 3339 in UTC. */
  readonly at: string
  /** The audit event, or `broker-refused-method`. */
  readonly event: string
  readonly method: string | null
  readonly channel: number | null
  /** For operators: the permission, the limit, or the broker's own words. */
  readonly detail: string
  /** The line of the configuration that would have allowed it, where one line does. */
  readonly allow: string | null
}

const MOST_SESSIONS = 1_000
const MOST = 10

const REFUSED: ReadonlySet<unknown> = new Set([
  'permission.refused',
  'permission.would-refuse',
  'limit.refused',
  'stamp.refused',
])

export class SessionRefusals implements LogObserver {
  /** By the session's id, the one that was remembered first of all first. */
  readonly #bySession = new Map<string, RefusedMethod[]>()

  wrote(event: EventName, { session, method, detail }: LogFields): void {
    if (event !== 'broker-refused-method') return
    this.#add(String(session), {
      at: new Date().toISOString(),
      event,
      method: method === undefined ? null : String(method),
      channel: null,
      detail: cut(String(detail)),
      allow: null,
    })
  }

  audited(fields: AuditFields): void {
    const { event, session } = fields
    if (typeof event !== 'string' || typeof session !== 'string') return
    if (event === 'session.closed') this.#bySession.delete(session)
    if (!REFUSED.has(event)) return
    const { method, channel } = fields
    this.#add(session, {
      at: new Date().toISOString(),
      event,
      method: typeof method === 'string' ? method : null,
      channel: typeof channel === 'number' ? channel : null,
      detail: cut(detailOf(fields)),
      allow: allowOf(fields) ?? null,
    })
  }

  /** The last one first. */
  of(session: string): readonly RefusedMethod[] {
    return [...(this.#bySession.get(session) ?? [])].reverse()
  }

  #add(session: string, refused: RefusedMethod): void {
    const known = this.#bySession.get(session)
    if (known !== undefined) {
      known.push(refused)
      if (known.length > MOST) known.shift()
      return
    }
    if (this.#bySession.size >= MOST_SESSIONS) {
      const [oldest] = this.#bySession.keys()
      if (oldest !== undefined) this.#bySession.delete(oldest)
    }
    this.#bySession.set(session, [refused])
  }
}

function detailOf({ permission, kind, name, routingKey, what, limit }: AuditFields): string {
  if (limit !== undefined) return `limit ${limit}`
  if (permission === undefined) return String(what ?? '')
  const key = routingKey === undefined ? '' : ` for routing key ${JSON.stringify(routingKey)}`
  return `${permission} on ${kind} ${JSON.stringify(name)}${key}`
}

function allowOf({ method, permission, kind, name, routingKey }: AuditFields): string | undefined {
  if (permission === undefined || (kind !== 'queue' && kind !== 'exchange')) return undefined
  return permissionLine({
    list: String(permission),
    kind,
    name: String(name),
    routingKey: routingKey === undefined ? undefined : String(routingKey),
    isLiteral: method === 'basic.publish',
  })
}
