/**
 * Live events for those who watch: what the audit trail gets of sessions and of people who manage, every refusal, reloads,
 * and broker nodes. While nobody watches, the log has no observer here and nothing is made.
 */
import type { ServerResponse } from 'node:http'
import { AUDIT_EVENTS, type AuditEventSpec } from '../../../proxy/index.ts'
import type { EventName, LogFields } from '../../ops/events.ts'
import { type AuditFields, cut, type Log, type LogObserver } from '../../ops/log.ts'
import { ALIVE, EventStream, eventText } from './event-stream.ts'
import { refusalIn } from './recent-refusals.ts'

const MOST_STREAMS = 16
const LOOK_MS = 15_000
const LONGEST_MS = 5 * 60_000

/** Of the log, beside refusals: those that the audit trail does not have. */
const LOGGED: ReadonlySet<EventName> = new Set([
  'reload-done',
  'reload-refused',
  'broker-node-away',
  'broker-node-back',
  'gateway-draining',
])

/** As the stream calls those who were not let in, of whom the log knows more than the audit trail. */
const REFUSAL = 'refusal'
const REFUSED = 'session.refused'

export interface Watching {
  /** Whether the reader still has a role. */
  mayStay(): boolean
  /** When its proof ends, in ms since the epoch. */
  readonly expiresAtMs: number | undefined
}

export class Feed implements LogObserver {
  readonly #log: Pick<Log, 'observe'>
  readonly #streams = new Set<EventStream>()
  #stopObserving = () => {}
  #looking: NodeJS.Timeout | undefined

  /** @param log of this process, or of several together */
  constructor(log: Pick<Log, 'observe'>) {
    this.#log = log
  }

  get isFull(): boolean {
    return this.#streams.size >= MOST_STREAMS
  }

  /** Writes all that happens into the answer, until its reader goes, is too slow, or may not stay. */
  open(response: ServerResponse, { mayStay, expiresAtMs = Number.POSITIVE_INFINITY }: Watching): void {
    const endsAtMs = Math.min(Date.now() + LONGEST_MS, expiresAtMs)
    const stream = new EventStream(response, mayStay, endsAtMs, () => this.#left(stream))
    this.#streams.add(stream)
    if (this.#streams.size > 1) return
    this.#stopObserving = this.#log.observe(this)
    this.#looking = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  wrote(event: EventName, fields: LogFields): void {
    const refusal = refusalIn(fields)
    if (refusal !== undefined) this.#send(REFUSAL, { ...refusal })
    if (!LOGGED.has(event)) return
    this.#send(event, { at: new Date().toISOString(), ...short(fields) })
    // Another configuration may have other roles.
    if (event === 'reload-done') for (const stream of this.#streams) stream.look(Date.now())
  }

  audited({ event, ...fields }: AuditFields, more: AuditFields): void {
    if (typeof event !== 'string' || event === REFUSED || isOptional(event)) return
    this.#send(event, { at: new Date().toISOString(), ...short(fields), ...short(more) })
  }

  #send(event: string, data: Readonly<Record<string, unknown>>): void {
    const text = eventText(event, data)
    for (const stream of this.#streams) stream.send(text)
  }

  #look(): void {
    for (const stream of this.#streams) {
      stream.look(Date.now())
      stream.send(ALIVE)
    }
  }

  #left(stream: EventStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size > 0) return
    this.#stopObserving()
    clearInterval(this.#looking)
  }
}

/** Those that a service's `audit.include` asks for are as many as the methods of its clients. */
function isOptional(event: string): boolean {
  const events: Readonly<Record<string, AuditEventSpec>> = AUDIT_EVENTS
  return events[event]?.include !== undefined
}

function short(fields: AuditFields): AuditFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? cut(value) : value]),
  )
}
