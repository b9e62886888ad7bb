/** The authorize filter under the policy of one user, and assertions about what it answers. */
import assert from 'node:assert/strict'
import { authorizeFilter } from '../../proxy/filters/authorize/authorize.ts'
import { AuditLog, FilterSession, type Outcome } from './filter-session.ts'
import { authorizer, type Entry } from './policy.ts'

/** joe.smith's permissions, unless a test has others. */
export const JOE: Entry = {
  configure: [{ queue: 'ui.${subject}.*' }, { queue: '' }, { exchange: 'ex.${subject}.*' }],
  write: [
    { queue: 'ui.${subject}.*' },
    { exchange: 'orders', routingKey: 'orders.${subject}.#' },
    { exchange: 'open' },
  ],
  read: [{ queue: 'ui.${subject}.*' }, { exchange: 'quotes', routingKey: 'quotes.#' }, { exchange: 'ex.${subject}.*' }],
}

/** A queue that is joe.smith's. */
export const MINE = 'ui.joe%2Esmith.1'

export function authorized(...entries: readonly Entry[]): FilterSession {
  return new FilterSession([authorizeFilter(authorizer(...(entries.length === 0 ? [JOE] : entries)), new AuditLog())])
}

export function assertForwarded(outcome: Outcome<unknown>): void {
  assert.equal(outcome.kind, 'forwarded', JSON.stringify(outcome))
}

/** @returns the reply text */
export function assertRefused(outcome: Outcome<unknown>, code = 'access-refused'): string {
  if (outcome.kind !== 'refused') assert.fail('was forwarded')
  assert.equal(outcome.code, code)
  return outcome.text
}
