import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checked } from '../../../../src/admin/input.ts'
import { kickSchema } from '../../../../src/admin/orders.ts'
import { ApiProblem } from '../../../../src/admin/problem.ts'

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
})
