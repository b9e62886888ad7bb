/** Clients that wait at a door, and gateways that answer or do not: how long whom the dead ones cost. */
import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { KnownGateway } from '../../../../../src/tunnel/door/gateways.ts'
import { Parked } from '../../../../../src/tunnel/door/parked.ts'
import { Pool } from '../../../../../src/tunnel/door/pool.ts'
import { Site } from '../../../../../src/tunnel/door/site.ts'
import { echoOf } from '../../../../../src/tunnel/wire.ts'

const LATE_MS = 400

/** Lets streams go on; their clock is not the one that is mocked. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A gateway's end: it echoes as long as it lives. */
class Inner {
  readonly gateway: KnownGateway
  isAlive = true
  askedCount = 0
  readonly #owed: (() => void)[] = []

  constructor(name: string) {
    this.gateway = new KnownGateway([name], '192.0.2.1', Number.POSITIVE_INFINITY)
  }

  /** Goes on, as after SIGCONT. */
  wake(): void {
    this.isAlive = true
    for (const echo of this.#owed) echo()
  }

  socket(): TLSSocket {
    const socket: Duplex = new Duplex({
      read: () => undefined,
      write: (challenge: Buffer, _encoding, done) => {
        this.askedCount += 1
        const echo = () => void socket.push(echoOf(challenge))
        if (this.isAlive) echo()
        else this.#owed.push(echo)
        done()
      },
    })
    return socket as TLSSocket
  }
}

/** A door with connections of these gateways, in their order, each of which has answered once. */
async function door(t: TestContext, ...inners: readonly (readonly [Inner, number])[]) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const site = new Site('*')
  const pool = new Pool([site], { gone: () => undefined })
  for (const [inner, count] of inners)
    for (let n = 0; n < count; n++) pool.join(new Parked(inner.socket(), inner.gateway, pool))
  await turns()
  t.after(() => pool.drop('the test is over'))
  const visit = () => {
    const visitor: { served: string | undefined } = { served: undefined }
    pool.wait(site, {
      given: (_socket, { name }) => {
        visitor.served = name
      },
    })
    return visitor
  }
  const pass = async (ms: number) => {
    t.mock.timers.tick(ms)
    await turns()
  }
  return { site, pool, visit, pass }
}

describe('the pool of a door', () => {
  it('G96 lets a dead gateway cost its clients one wait, whatever it has parked', async (t) => {
    const [dead, alive] = [new Inner('dead'), new Inner('alive')]
    const { visit, pass } = await door(t, [dead, 8], [alive, 4])
    dead.isAlive = false
    const first = visit()
    await pass(LATE_MS - 1)
    const second = visit()
    assert.equal(first.served, undefined)
    await pass(1)
    assert.equal(first.served, 'alive')
    assert.equal(second.served, 'alive')
    const third = visit()
    await pass(0)
    assert.equal(third.served, 'alive')
  })

  it('G96 asks all gateways at once after the first is late: three dead ones cost no more than one', async (t) => {
    const inners = ['one', 'two', 'three'].map((name) => new Inner(name))
    const alive = new Inner('alive')
    const { visit, pass } = await door(t, ...inners.map((inner) => [inner, 4] as const), [alive, 4])
    for (const inner of inners) inner.isAlive = false
    const first = visit()
    await pass(LATE_MS)
    assert.equal(first.served, 'alive')
  })

  it('gives connections back that only were slow, and asks each once meanwhile', async (t) => {
    const slow = new Inner('slow')
    const { site, visit, pass } = await door(t, [slow, 4])
    slow.isAlive = false
    const visitor = visit()
    await pass(LATE_MS)
    await pass(LATE_MS)
    assert.equal(site.spareCount, 0)
    assert.equal(slow.askedCount, 8)
    assert.equal(visitor.served, undefined)
    slow.wake()
    await pass(0)
    assert.equal(visitor.served, 'slow')
    assert.equal(site.spareCount, 3)
  })

  it('does not let a client wait for one that has only just connected', async (t) => {
    const [known, fresh] = [new Inner('known'), new Inner('fresh')]
    const { pool, visit, pass } = await door(t, [known, 1])
    fresh.isAlive = false
    pool.join(new Parked(fresh.socket(), fresh.gateway, pool))
    const visitor = visit()
    await pass(0)
    assert.equal(visitor.served, 'known')
  })
})
