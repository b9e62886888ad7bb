import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Share, Turn } from '../../../../src/websocket/turn.ts'

/** A clock that goes on by what work is said to take. */
function clock() {
  const state = { nowMs: 0 }
  const turn = new Turn(() => state.nowMs)
  const work = (share: Share, ms: number): boolean => {
    share.start()
    state.nowMs += ms
    return share.end()
  }
  return { turn, work }
}

describe('Turn', () => {
  it('lets a client go on while there is time', () => {
    const { turn, work } = clock()
    const share = new Share(turn)
    assert.deepEqual([work(share, 1), work(share, 0.9)], [false, false])
  })

  it('has who took more than a little of it rest when its time is used up', () => {
    const { turn, work } = clock()
    const [greedy, modest] = [new Share(turn), new Share(turn)]
    assert.equal(work(modest, 0.1), false)
    assert.equal(work(greedy, 6), true)
    assert.equal(work(modest, 0.1), false, 'a single message of somebody who waits for its answer')
    assert.equal(work(modest, 0.4), true, 'many small pieces are one large piece')
  })

  it('gives a new share when the event loop has gone round', async () => {
    const { turn, work } = clock()
    const share = new Share(turn)
    assert.equal(work(share, 6), true)
    await nextTurn()
    assert.equal(work(share, 1), false)
  })

  it('is watched to its end only where clients took more than a little, of this turn and those before', async () => {
    const { turn, work } = clock()
    const watched: number[] = []
    for (const ms of [0.1, 0.1, 0.1, 0.1, 0.3]) {
      work(new Share(turn), ms)
      await nextTurn()
      watched.push(turn.number)
    }
    assert.deepEqual(watched, [0, 0, 2, 2, 4])
  })

  it('holds nothing against a client that it did in an earlier turn', async () => {
    const { turn, work } = clock()
    const [modest, greedy] = [new Share(turn), new Share(turn)]
    assert.equal(work(modest, 0.2), false)
    await nextTurn()
    assert.equal(work(greedy, 3), true)
    assert.equal(work(modest, 0.06), false)
    assert.equal(work(modest, 0.2), true, 'but what it does in this one')
  })

  it('lets those who rest go on in their order, as many in each turn as there is time for', async () => {
    const { turn, work } = clock()
    const gone: number[] = []
    const shares = Array.from({ length: 6 }, () => new Share(turn))
    for (const [id, share] of shares.entries()) {
      work(share, 6)
      turn.rest(() => {
        gone.push(id)
        work(share, 1)
      })
    }
    await nextTurn()
    assert.deepEqual(gone, [0, 1])
    await nextTurn()
    assert.deepEqual(gone, [0, 1, 2, 3])
    await nextTurn()
    assert.deepEqual(gone, [0, 1, 2, 3, 4, 5])
  })

  it('lets work begin at once while there is time and nobody waits, and else in turn, what follows from it included', async () => {
    const { turn, work } = clock()
    const begun: number[] = []
    const come = async (id: number): Promise<void> => {
      await turn.wait()
      for (let hop = 0; hop < 5; hop++) await Promise.resolve()
      begun.push(id)
      work(new Share(turn), 1.5)
    }
    await come(0)
    await come(1)
    const rest = [2, 3, 4, 5, 6].map(come)
    assert.deepEqual(begun, [0, 1])
    await nextTurn()
    assert.deepEqual(begun, [0, 1, 2, 3])
    await nextTurn()
    assert.deepEqual(begun, [0, 1, 2, 3, 4, 5])
    await Promise.all(rest)
    assert.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6])
  })
})
