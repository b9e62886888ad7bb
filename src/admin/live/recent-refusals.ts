/** The last clients that were refused, and why: what an operator asks for first when somebody cannot get in. */
import { REFUSALS } from '../../http/refusal.ts'
import type { EventName, LogFields } from '../../ops/events.ts'
import { cut, type LogObserver } from '../../ops/log.ts'

export interface RecentRefusal {
  /** RFC 3339 in UTC. */
  readonly at: string
  /** One of docs/errors.md. */
  readonly cause: string
  /** `null`: not known, as everything that follows. */
  readonly subject: string | null
  readonly issuer: string | null
  /** Its key in the configuration: which one refused, or proved who was refused later. */
  readonly authenticator: string | null
  readonly address: string | null
  /** The service's path. */
  readonly service: string | null
  readonly origin: string | null
  /** For operators. */
  readonly detail: string | null
  /** The line of the configuration that would have let them in. */
  readonly allow: string | null
}

export interface ShownRefusal extends RecentRefusal {
  /** The name of the gateway; `null`: it shares its state with no other. */
  readonly replica: string | null
}

const MOST = 200

export class RecentRefusals implements LogObserver {
  readonly #items: RecentRefusal[] = []
  /** Where the next one goes, once there are as many as are kept. */
  #next = 0

  wrote(_event: EventName, fields: LogFields): void {
    const refusal = refusalIn(fields)
    if (refusal === undefined) return
    this.#items[this.#next] = refusal
    this.#next = (this.#next + 1) % MOST
  }

  /** The last one first. */
  list(): readonly RecentRefusal[] {
    return [...this.#items.slice(this.#next), ...this.#items.slice(0, this.#next)].reverse()
  }
}

/** Those of several gateways, the last one first: as many as one remembers. */
export function mergedRefusals(lists: readonly (readonly ShownRefusal[])[]): readonly ShownRefusal[] {
  return lists
    .flat()
    .sort((one, other) => (one.at < other.at ? 1 : one.at > other.at ? -1 : 0))
    .slice(0, MOST)
}

/** Undefined where these are the fields of another event. */
export function refusalIn(fields: LogFields): RecentRefusal | undefined {
  const { cause, status } = fields
  if (typeof cause !== 'string' || status === undefined || !(cause in REFUSALS)) return undefined
  const { subject, issuer, authenticator, address, service, origin, detail, allow } = fields
  return {
    at: new Date().toISOString(),
    cause,
    subject: shown(subject),
    issuer: shown(issuer),
    authenticator: shown(authenticator),
    address: shown(address),
    service: shown(service),
    origin: shown(origin),
    detail: shown(detail),
    allow: shown(allow),
  }
}

function shown(value: LogFields['detail']): string | null {
  return value === undefined ? null : cut(String(value))
}
