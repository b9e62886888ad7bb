/** Each connection goes to the worker with fewest; what nobody can take waits, within bounds. */
import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { HandOff, type Taker } from '../../../../src/workers/primary/hand-off.ts'

class Counting implements Taker {
  isServing = true
  underWay = 0
  readonly taken: { readonly socket: Socket; readonly listener: number }[] = []
  other = 0

  get load(): number {
    return this.taken.length + this.other
  }

  hand(socket: Socket, listener: number): void {
    this.taken.push({ socket, listener })
    this.underWay += 1
  }
}

function scene(count = 3) {
  const takers = Array.from({ length: count }, () => new Counting())
  const drops: string[] = []
  const handOff = new HandOff(() => takers, { dropped: (detail) => drops.push(detail) })
  const add = (): Socket => {
    const socket = new Socket()
    handOff.add(socket, () => 0)
    return socket
  }
  return { takers, drops, handOff, add }
}

describe('a hand-off', () => {
  it('gives each connection to the worker with fewest, and turns among equals', () => {
    const { takers, add } = scene()
    for (let count = 0; count < 6; count++) add()
    assert.deepEqual(
      takers.map(({ load }) => load),
      [2, 2, 2],
    )
    const [first, , last] = takers
    if (first !== undefined) first.other = 5
    if (last !== undefined) last.other = 5
    add()
    add()
    assert.deepEqual(
      takers.map(({ taken }) => taken.length),
      [2, 4, 2],
    )
  })

  it('waits where as many are under way as may be, and goes on in order', () => {
    const { takers, handOff, add } = scene(1)
    const sockets = Array.from({ length: 18 }, () => add())
    const [taker] = takers
    assert.ok(taker)
    assert.deepEqual([taker.taken.length, handOff.waitingCount], [16, 2])
    taker.underWay = 1
    handOff.pump()
    assert.deepEqual(
      taker.taken.map(({ socket }) => socket),
      sockets,
    )
    assert.equal(handOff.waitingCount, 0)
  })

  it('keeps connections for the next worker, and drops those that have waited too long', () => {
    const { takers, drops, handOff, add } = scene(1)
    const [taker] = takers
    assert.ok(taker)
    taker.isServing = false
    const socket = add()
    handOff.tick(performance.now() + 9_000)
    assert.deepEqual([socket.destroyed, drops], [false, []])
    handOff.tick(performance.now() + 11_000)
    assert.deepEqual([socket.destroyed, drops], [true, ['no worker took the connection in time']])
    const next = add()
    taker.isServing = true
    handOff.tick()
    assert.deepEqual(
      taker.taken.map((one) => one.socket),
      [next],
    )
  })

  it('lets no more wait than it has room for, and nothing for a listener that has gone', () => {
    const { takers, drops, handOff } = scene(1)
    const [taker] = takers
    assert.ok(taker)
    taker.isServing = false
    let place: number | undefined = 0
    const sockets = Array.from({ length: 1_025 }, () => new Socket())
    for (const socket of sockets) handOff.add(socket, () => place)
    assert.equal(sockets.at(-1)?.destroyed, true)
    assert.deepEqual([handOff.waitingCount, drops], [1_024, ['too many connections wait for a worker']])
    place = undefined
    handOff.pump()
    assert.deepEqual([handOff.waitingCount, taker.taken.length], [0, 0])
    assert.equal(sockets[0]?.destroyed, true)
    handOff.cut()
  })
})
