import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Health, type NamedBroker } from '../../../../src/ops/health.ts'
import { descriptorLimit, Pressure } from '../../../../src/ops/pressure.ts'
import { Traffic } from '../../../../src/ops/traffic.ts'

const there = { name: 'main', nodes: { problem: async () => undefined } }
const away = { name: 'second', nodes: { problem: async () => 'unreachable' as const } }

describe('Health', () => {
  it('G32 is ready when all brokers are, and names those that are not, with the cause and no URL', async () => {
    let brokers: NamedBroker[] = [there, away]
    const health = new Health({
      isServing: () => true,
      brokers: () => brokers,
      isDraining: () => false,
      stateIsUp: () => undefined,
      auditFails: () => false,
    })
    assert.deepEqual(await health.readiness(), {
      ready: false,
      draining: false,
      brokers: [
        { name: 'main', ready: true },
        { name: 'second', ready: false, cause: 'unreachable' },
      ],
      state: undefined,
      audit: undefined,
    })
    brokers = [there]
    assert.equal((await health.readiness()).ready, true)
  })

  it('is not ready while draining, whatever the brokers say', async () => {
    const health = new Health({
      isServing: () => true,
      brokers: () => [there],
      isDraining: () => true,
      stateIsUp: () => undefined,
      auditFails: () => false,
    })
    const { ready, draining } = await health.readiness()
    assert.deepEqual([ready, draining], [false, true])
  })
})

describe('an audit trail that has to be written', () => {
  it('makes the gateway unready where it cannot be: all clients would be sent to the one that refuses them', async () => {
    let auditFails = true
    const health = new Health({
      isServing: () => true,
      brokers: () => [there],
      isDraining: () => false,
      stateIsUp: () => undefined,
      auditFails: () => auditFails,
    })
    const { ready, audit } = await health.readiness()
    assert.deepEqual([ready, audit], [false, 'failing'])
    auditFails = false
    assert.equal((await health.readiness()).ready, true)
  })
})

describe('the store that gateways share', () => {
  it('is told, and makes nobody unready: one outage would take all gateways out', async () => {
    let stateIsUp = true
    const health = new Health({
      isServing: () => true,
      brokers: () => [there],
      isDraining: () => false,
      stateIsUp: () => stateIsUp,
      auditFails: () => false,
    })
    assert.equal((await health.readiness()).state, 'up')
    stateIsUp = false
    const { ready, state } = await health.readiness()
    assert.deepEqual([ready, state], [true, 'degraded'])
  })
})

describe('Pressure', () => {
  it('refuses new sessions when the heap is 85 % full, as of the last tick', () => {
    let ratio = 0.84
    const pressure = new Pressure({ heapRatio: () => ratio, sockets: () => 0, descriptorLimit: 1_000 })
    pressure.tick()
    assert.equal(pressure.shortage(), undefined)
    ratio = 0.85
    assert.equal(pressure.shortage(), undefined)
    pressure.tick()
    assert.match(pressure.shortage() ?? '', /heap/)
  })

  it('calls the heap spent when it is 92 % full at two looks in a row', () => {
    let ratio = 0.92
    const pressure = new Pressure({ heapRatio: () => ratio, sockets: () => 0, descriptorLimit: 1_000 })
    const look = (full: number): boolean => {
      ratio = full
      pressure.tick()
      return pressure.heapIsSpent
    }
    assert.deepEqual([0.92, 0.91, 0.92, 0.92, 0.99, 0.91].map(look), [false, false, false, true, true, false])
  })

  /** How many sockets may be there before new sessions are refused, and before connections are dropped. */
  function room(descriptorLimit: number): { sessionsTo: number; connectionsTo: number } {
    let sockets = 0
    const pressure = new Pressure({ heapRatio: () => 0, sockets: () => sockets, descriptorLimit })
    while (pressure.shortage() === undefined) sockets++
    const sessionsTo = sockets
    assert.match(pressure.shortage() ?? '', new RegExp(`of ${descriptorLimit} file descriptors are left`))
    while (pressure.takesConnections) sockets++
    return { sessionsTo, connectionsTo: sockets }
  }

  it('refuses new sessions when a tenth of the descriptors is left, and drops connections when half of that is', () => {
    assert.deepEqual(room(1_000), { sessionsTo: 837, connectionsTo: 887 })
  })

  it('keeps no more than 512 free, so that 20,000 are enough for 9,500 sessions of two sockets each', () => {
    const { sessionsTo, connectionsTo } = room(20_000)
    assert.ok(sessionsTo > 2 * 9_500)
    assert.equal(connectionsTo - sessionsTo, 256)
  })

  it('knows no such shortage where the system sets no limit', () => {
    const pressure = new Pressure({ heapRatio: () => 0, sockets: () => 1e6, descriptorLimit: Number.POSITIVE_INFINITY })
    assert.deepEqual([pressure.shortage(), pressure.takesConnections], [undefined, true])
  })

  it('reads the limit that the system sets, and knows none where it says none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-limits-'))
    const file = join(folder, 'limits')
    writeFileSync(
      file,
      'Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 524288               files\n',
    )
    assert.equal(descriptorLimit(file), 1024)
    writeFileSync(file, 'Max open files            unlimited            unlimited            files\n')
    assert.equal(descriptorLimit(file), Number.POSITIVE_INFINITY)
    assert.equal(descriptorLimit(join(folder, 'none')), Number.POSITIVE_INFINITY)
    await rm(folder, { recursive: true })
  })
})

describe('Traffic', () => {
  it('reports an overrun once for each turn of the event loop, while it lasts', async () => {
    let overruns = 0
    const traffic = new Traffic()
    traffic.guard(100, () => overruns++)
    traffic.held(60)
    traffic.held(60)
    traffic.held(60)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(overruns, 1)
    traffic.held(1)
    traffic.held(-150)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(overruns, 1)
  })
})
