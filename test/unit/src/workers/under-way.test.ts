/** What a primary keeps of sockets on their way to a worker, and when it lets go of them. */
import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { UnderWay } from '../../../../src/workers/primary/under-way.ts'

function scene(count: number) {
  const underWay = new UnderWay()
  const sockets = Array.from({ length: count }, () => new Socket())
  const handed = sockets.map((socket) => underWay.add(socket, () => 0))
  const left = () => sockets.filter(({ destroyed }) => !destroyed).length
  return { underWay, sockets, handed, left }
}

describe('sockets under way', () => {
  it('are kept until they have arrived, or one behind them has', () => {
    const { underWay, left } = scene(5)
    underWay.over(1)
    assert.deepEqual([underWay.count, left()], [4, 4])
    // Of the two before it nobody hears any more: the worker had no descriptor for them.
    underWay.over(4)
    assert.deepEqual([underWay.count, left()], [1, 1])
    underWay.over(2)
    assert.equal(underWay.count, 1)
    underWay.over(underWay.lastNumber)
    assert.deepEqual([underWay.count, left()], [0, 0])
  })

  it('are taken back where they were never sent, with their listener as it stands by then', () => {
    const { underWay, sockets, handed } = scene(2)
    const [sent] = handed
    assert.ok(sent)
    sent.isSent = true
    let place = 0
    const third = new Socket()
    underWay.add(third, () => place)
    place = 1
    const back = underWay.takeBack()
    assert.deepEqual(
      back.map(({ socket, listener }) => [socket, listener()]),
      [
        [sockets[1], 0],
        [third, 1],
      ],
    )
    assert.deepEqual([sockets[0]?.destroyed, underWay.count], [true, 0])
  })
})
