import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Overload } from '../../../../src/sessions/overload.ts'

const JOE = { issuer: 'staff', subject: 'joe', authenticator: 'staff', roles: [], claims: {}, fromCookie: false }

/** Sessions that hold so many bytes each; a bound for all of them of 10 MB. */
function scene(...held: number[]) {
  const state = { heapIsSpent: false, looks: 0, logged: [] as string[] }
  const overload = new Overload({
    boundBytes: 10_000_000,
    heldBytes: () => held.reduce((sum, bytes) => sum + bytes, 0),
    sessions: {
      shedLargest: (leastBytes = 0) => {
        const most = Math.max(...held)
        if (held.length === 0 || most < leastBytes) return undefined
        held.splice(held.indexOf(most), 1)
        return { record: { id: '1', service: '/amqp', identity: JOE } }
      },
    },
    pressure: {
      tick: () => state.looks++,
      get heapIsSpent() {
        return state.heapIsSpent
      },
    },
    log: { write: (event) => state.logged.push(event) },
  })
  return { overload, held, state }
}

describe('Overload', () => {
  it('ends nobody while there is room', () => {
    const { overload, held, state } = scene(9_000_000, 10)
    overload.tick()
    assert.deepEqual([held, state.logged, state.looks], [[9_000_000, 10], [], 1])
  })

  it('ends who holds most when all hold more than the bound', () => {
    const { overload, held, state } = scene(4_000_000, 7_000_000, 10)
    overload.tick()
    overload.tick()
    assert.deepEqual([held, state.logged], [[4_000_000, 10], ['overload-shed']])
  })

  it('ends one after the other, the largest first, while the heap is spent, and nobody who holds next to nothing', () => {
    const { overload, held, state } = scene(65_536, 10, 2_000_000)
    state.heapIsSpent = true
    overload.tick()
    assert.deepEqual(held, [65_536, 10])
    overload.tick()
    overload.tick()
    assert.deepEqual([held, state.logged], [[10], ['overload-shed', 'overload-shed']])
  })

  it('ends nobody any more when the heap has recovered', () => {
    const { overload, held, state } = scene(3_000_000, 2_000_000)
    state.heapIsSpent = true
    overload.tick()
    state.heapIsSpent = false
    overload.tick()
    assert.deepEqual(held, [2_000_000])
  })

  it('ends who holds most at once when told so', () => {
    const { overload, held } = scene(1, 2)
    overload.shed()
    assert.deepEqual(held, [1])
  })
})
