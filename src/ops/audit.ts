/**
 * The audit trail: one JSON line for each event of docs/audit.md, on the log's destination but whatever the log's level.
 * Events that a client can cause at will are bounded, and the next line says how many were left out.
 */
import type { AuditEvent, AuditSink } from '../../proxy/index.ts'
import type { Log } from './log.ts'
import { RefusalWindow } from './refusal-window.ts'

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
  readonly #refusals: RefusalWindow

  constructor(log: Log, service: string, onFailure: 'refuse' | 'count', nowMs: () => number = () => performance.now()) {
    this.#log = log
    this.#service = service
    this.onFailure = onFailure
    this.#refusals = new RefusalWindow(nowMs)
  }

  write(event: AuditEvent): boolean {
    if (REFUSED.has(event.event) && !this.#refusals.admits()) return true
    const suppressed = this.#refusals.suppressed()
    const written = this.#log.audit(event, { service: this.#service, suppressed })
    if (written) this.#refusals.told()
    return written
  }
}
