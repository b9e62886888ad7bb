/** Limits without a gateway: sessions of one service whose identities are counted together. */
import type { Filter } from '../../proxy/filters/filter.ts'
import { type IdentityLimits, limitFilters, Usages } from '../../proxy/filters/limit/limit.ts'
import { AuditLog, FilterSession } from './filter-session.ts'

/** A service's limits, a clock to turn, and sessions of joe.smith unless it is said otherwise. */
export class Office {
  readonly log = new AuditLog()
  readonly usages = new Usages()
  nowMs = 1_000_000
  readonly #limits: IdentityLimits

  constructor(limits: IdentityLimits) {
    this.#limits = limits
  }

  filters(limits: IdentityLimits): Filter[] {
    return limitFilters({ limits, usages: this.usages, sink: this.log, now: () => this.nowMs })
  }

  session(subject = 'joe.smith', vhost = '/', limits = this.#limits): FilterSession {
    return new FilterSession(this.filters(limits), { identity: { subject, issuer: 'i', address: 'a' }, vhost })
  }
}

/** The broker has declared a queue. */
export function declared(session: FilterSession, queue: string, channel = 1): void {
  session.receive('queue.declare-ok', { queue, messageCount: 0, consumerCount: 0 }, channel)
}
