/** Tallies of rules stay with the rules that stay. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ServiceConfig } from '../../../../src/config/schema/schema.ts'
import { hitsOf } from '../../../../src/services/hits.ts'

const rule = (subject: string) => ({ when: { subject: [subject] }, to: 'webuser', tags: [] })
const config = (...subjects: string[]) => ({
  promote: subjects.map(rule) as ServiceConfig['promote'],
  permissions: undefined,
})

describe('hit counts', () => {
  it('follow a rule that stays, wherever it stands, and begin again for others', () => {
    const before = { config: config('ann', 'joe', 'joe'), hits: hitsOf(config('ann', 'joe', 'joe'), undefined) }
    before.hits.rules[0]?.hit()
    before.hits.rules[1]?.hit()
    before.hits.rules[1]?.hit()
    const after = hitsOf(config('eve', 'joe', 'ann', 'joe'), before)
    assert.deepEqual(
      after.rules.map(({ count }) => count),
      [0, 2, 1, 0],
    )
    assert.equal(after.rules[0]?.lastMs, undefined)
    assert.ok((after.rules[1]?.lastMs ?? 0) >= (after.rules[1]?.sinceMs ?? 0))
  })
})
