import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checked } from '../../../../src/admin/input.ts'
import { kickSchema } from '../../../../src/admin/orders/orders.ts'
import { ApiProblem } from '../../../../src/admin/problem.ts'
import { listingSchema } from '../../../../src/admin/routes/listing.ts'

describe('what a request brings', () => {
  it('is refused with every mistake, and each says where it is', () => {
    const order = { match: { subject: 'joe', nane: 'x' }, hold: '2h', extra: 1 }
    assert.throws(
      () => checked(order, kickSchema, 'the body'),
      (error: unknown) => {
        assert.ok(error instanceof ApiProblem)
        const errors = error.body['errors'] as string[]
        for (const place of ['match.nane: unknown key', 'extra: unknown key']) assert.ok(errors.includes(place), place)
        assert.ok(errors.some((line) => line.startsWith('hold: expected a duration')))
        return true
      },
    )
  })

  for (const [what, check, errors] of [
    ['without a condition', () => checked({}, kickSchema, 'the body'), ['match: missing']],
    ['that is none', () => checked(null, kickSchema, 'the body'), ['expected an object']],
    [
      'with a page before the first',
      () => checked({ page: '-1' }, listingSchema, 'the query'),
      ['page: expected a whole number from 1 to 1000000'],
    ],
    [
      'with a number that is none',
      () => checked({ match: { subject: 'x' }, perSecond: 1e300 }, kickSchema, 'the body'),
      ['perSecond: expected a whole number from 1 to 10000'],
    ],
    [
      'with a text for a switch',
      () => checked({ match: { subject: 'x' }, dryRun: 'yes' }, kickSchema, 'the body'),
      ['dryRun: expected true or false'],
    ],
  ] as const) {
    it(`says once, and in our words, what was expected of one ${what}`, () => {
      assert.throws(check, (error: unknown) => {
        assert.ok(error instanceof ApiProblem)
        assert.deepEqual(error.body['errors'], errors)
        return true
      })
    })
  }
})
