/**
 * The audit trail: one JSON line for each event of docs/audit.md, on the log's destination but whatever the log's level.
 * Events that a client can cause at will are bounded, and the next line says how many were left out.
 */
import type { AuditEvent, AuditSink } from '../../proxy/index.ts'
import type { Log } from './log.ts'

const WINDOW_MS = 10_000
/** Refusals of one service in a window that are written one by one. */
const REFUSALS_PER_WINDOW = 1_000
const REFUSED: ReadonlySet<AuditEvent['event']> = new Set([
  'session.refused',
  'permission.refused',
  'permission.would-refuse',
  'limit.refused',
  'limit.paused',
  'stamp.refused',
])

export class AuditTrail implements AuditSink {
  readonly onFailure: 'refuse' | 'count'
  readonly #log: Log
  readonly #service: string
  readonly #nowMs: () => number
  #windowMs = Number.NEGATIVE_INFINITY
  #written = 0
  #suppressed = 0

  constructor(log: Log, service: string, onFailure: 'refuse' | 'count', nowMs: () => number = () => performance.now()) {
    this.#log = log
    this.#service = service
    this.onFailure = onFailure
    this.#nowMs = nowMs
  }

  write(event: AuditEvent): boolean {
    if (REFUSED.has(event.event) && !this.#admits()) return true
    const suppressed = this.#suppressed > 0 ? this.#suppressed : undefined
    const written = this.#log.audit(event, { service: this.#service, suppressed })
    if (written) this.#suppressed = 0
    return written
  }

  /** Whether one more refusal is written in this window. */
  #admits(): boolean {
    const nowMs = this.#nowMs()
    if (nowMs - this.#windowMs >= WINDOW_MS) {
      this.#windowMs = nowMs
      this.#written = 0
    }
    if (this.#written++ < REFUSALS_PER_WINDOW) return true
    this.#suppressed++
    return false
  }
}
