import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FilterBasis } from '../../../../src/services/filter-basis.ts'

const identity = { roles: ['trader'], claims: { desk: { floor: 3 } } }
const person = { identity, user: 'webuser', entitlement: undefined }
const basis = new FilterBasis('rules', person)

describe('the basis of filters', () => {
  it('is the same for the same rules and person, also where a renewal has brought the same claims', () => {
    assert.ok(basis.equals(new FilterBasis('rules', person)))
    assert.ok(basis.equals(new FilterBasis('rules', { ...person, identity: structuredClone(identity) })))
  })

  const others: Readonly<Record<string, FilterBasis>> = {
    rules: new FilterBasis('other rules', person),
    'broker user': new FilterBasis('rules', { ...person, user: 'other' }),
    entitlement: new FilterBasis('rules', { ...person, entitlement: '[]' }),
    roles: new FilterBasis('rules', { ...person, identity: { ...identity, roles: [] } }),
    'a claim deep down': new FilterBasis('rules', {
      ...person,
      identity: { ...identity, claims: { desk: { floor: 4 } } },
    }),
  }
  for (const [what, other] of Object.entries(others)) {
    it(`is another one with other ${what}`, () => {
      assert.ok(!basis.equals(other))
      assert.ok(!other.equals(basis))
    })
  }
})
