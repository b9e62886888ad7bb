/** What of numbered things is left unsettled, against the plain set of it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EarlyRoom, Outstanding } from '../../../../../proxy/session/relaying/outstanding.ts'

type Step =
  | { readonly do: 'next' }
  | { readonly do: 'skip'; readonly by: number }
  | { readonly do: 'settle'; readonly tag: number; readonly isMultiple: boolean }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ do: 'next' as const }) },
  fc.record({ do: fc.constant('skip' as const), by: fc.integer({ min: 1, max: 4 }) }),
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      tag: fc.integer({ min: 0, max: 30 }),
      isMultiple: fc.boolean(),
    }),
  },
)

describe('Outstanding', () => {
  it('knows whether everything is settled, in whatever order that happens', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const outstanding = new Outstanding(new EarlyRoom())
        const model = new Set<number>()
        let last = 0
        for (const one of steps) {
          if (one.do === 'settle') {
            outstanding.settle(one.tag, one.isMultiple)
            if (one.isMultiple) for (const tag of [...model]) if (one.tag === 0 || tag <= one.tag) model.delete(tag)
            if (!one.isMultiple) model.delete(one.tag)
          } else {
            last += one.do === 'next' ? 1 : one.by
            if (one.do === 'next') outstanding.next()
            else outstanding.given(last)
            model.add(last)
          }
          assert.equal(outstanding.isNone, model.size === 0)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('takes a number that nobody gave for none', () => {
    const outstanding = new Outstanding(new EarlyRoom())
    outstanding.next()
    outstanding.settle(7, false)
    assert.equal(outstanding.isNone, false)
    outstanding.settle(1, false)
    assert.equal(outstanding.isNone, true)
  })

  it('D51 remembers so many that were settled early and no more, and is certain again when all are settled', () => {
    const room = new EarlyRoom()
    const [stuck, other] = [new Outstanding(room), new Outstanding(room)]
    for (let tag = 1; tag <= 65_538; tag++) stuck.next()
    for (let tag = 2; tag <= 65_538; tag++) stuck.settle(tag, false)
    stuck.settle(1, false)
    assert.equal(stuck.isNone, false, 'one of them was forgotten')
    stuck.settle(0, true)
    assert.equal(stuck.isNone, true)

    for (let tag = 1; tag <= 3; tag++) other.next()
    for (const tag of [3, 2, 1]) other.settle(tag, false)
    assert.equal(other.isNone, true, 'the room was given back')
  })

  it('does not look at every number of a gap that a broker makes up', () => {
    const outstanding = new Outstanding(new EarlyRoom())
    outstanding.next()
    outstanding.given(Number.MAX_SAFE_INTEGER)
    assert.equal(outstanding.isNone, false)
    outstanding.settle(0, true)
    assert.equal(outstanding.isNone, true)
  })
})
