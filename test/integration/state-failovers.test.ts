/**
 * Across failovers of the store no revocation is lost, whatever the old primary had taken before it died, and no ticket of
 * before is good. `npm run test:failovers` does it a hundred times, for each way in which a primary goes, and looks at the time;
 * the suite does it once, and waits.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { basic, type Door, startDoor } from '../support/door.ts'
import { cutOff, endPartition, mayPartition } from '../support/partition.ts'
import { quantile } from '../support/quantile.ts'
import type { Redis } from '../support/redis.ts'
import { type SentinelGroup, startSentinels } from '../support/redis-group.ts'
import { ask, connectTo, sharing, startGateways, ticketOf, tried } from '../support/state/gateways.ts'
import { until, within } from '../support/until.ts'

const FAILOVERS = Number(process.env['FAILOVERS'] ?? 1)
/** From a block to the end of the last session of the person, wherever it is. */
const MOST_MS = Number(process.env['FAILOVER_MS'] ?? 60_000)
/** How long a request waits for the store; a busy machine needs more, and then everything takes longer. */
const TIMEOUT = process.env['FAILOVER_TIMEOUT'] ?? '2s'
const GATEWAYS = 3
/** A gateway that starts then has to know of the block, too. */
const LATE_EVERY = 10
/** How long after the primary is gone the block is ordered: before, in the same moment, during the failover. */
const DELAYS_MS = [2, -20, 0, 300, 1_500]

const GUEST = { authorization: basic('guest') }

interface Way {
  readonly name: string
  break(primary: Redis): Promise<void>
  mend(old: Redis, next: Redis): Promise<void>
}

const KILLED: Way = {
  name: 'killed',
  break: (primary) => primary.kill(),
  async mend(old, next) {
    await old.start()
    await old.command('REPLICAOF', '127.0.0.1', String(next.port))
  },
}
/** Whoever goes on where it was takes itself for the primary until the Sentinels say otherwise. */
const STOPPED: Way = { name: 'stopped', break: (primary) => primary.pause(), mend: (old) => old.resume() }
const CUT_OFF: Way = { name: 'cut off', break: ({ port }) => cutOff(port), mend: () => endPartition() }

describe('a failover of the store', () => {
  let group: SentinelGroup

  before(async () => {
    group = await startSentinels()
  })
  after(() => group.stop())

  it('loses no block, and no ticket is good after it', async (t) => {
    const ways = [KILLED, STOPPED, ...(mayPartition ? [CUT_OFF] : [])]
    const service = { promote: [{ to: 'smithj' }] }
    const options = sharing({ ...group.keys, timeout: TIMEOUT }, { service })
    const doors = await startGateways(options, GATEWAYS, t)
    const doorAt = (index: number): Door => doors[index % GATEWAYS] as Door
    const isIn = async (door: Door) => (await tried(door)) === 'in'
    const ticketSoon = (door: Door) => until(() => ticketOf(door, GUEST), 'a ticket', 60_000)
    const times: number[] = []

    for (let round = 0; round < FAILOVERS; round += 1) {
      const way = ways[round % ways.length] ?? KILLED
      const delayMs = DELAYS_MS[round % DELAYS_MS.length] ?? 0
      const issued = await Promise.all(doors.map((door) => ticketSoon(door)))
      const used = await ticketSoon(doorAt(round))
      assert.equal(await tried(doorAt(round + 1), `/amqp?ticket=${used}`, {}), 'in')
      const clients = await Promise.all(doors.map((door) => connectTo(door)))
      const [primary] = await group.primaries()
      assert.ok(primary)

      const broken = delayMs < 0 ? pause(-delayMs).then(() => way.break(primary)) : way.break(primary)
      await pause(Math.max(0, delayMs))
      const startedMs = performance.now()
      const order = { subject: 'joe.smith', for: '10m', reason: 'a failover' }
      const blocked = ask(doorAt(round), 'PUT', '/blocks', order)
      await within(Promise.all(clients.map(({ closed }) => closed)), 'the last delivery', 60_000)
      const tookMs = performance.now() - startedMs
      times.push(tookMs)
      t.diagnostic(`${way.name}, ordered after ${delayMs} ms: ${Math.round(tookMs)} ms`)
      const { id } = await blocked
      await broken

      const next = await until(
        async () => (await group.primaries()).find((one) => one !== primary),
        'another primary',
        60_000,
      )
      for (const door of doors) assert.equal(await tried(door), '403', `${way.name}, after ${delayMs} ms`)
      if (round % LATE_EVERY === 0) {
        const late = await startDoor(options, t)
        await until(async () => (await tried(late)) === '403', 'a block that a new gateway learns of', 60_000)
        await late.stop()
      }
      for (const door of doors) await ticketSoon(door)
      for (const ticket of [used, ...issued])
        assert.equal(await tried(doorAt(round + 2), `/amqp?ticket=${ticket}`, {}), '401', 'a ticket from before')
      await ask(doorAt(round + 1), 'DELETE', `/blocks/${id}`)
      for (const door of doors) await until(() => isIn(door), 'the end of the block', 60_000)
      await way.mend(primary, next)
      await until(() => group.isWhole(), 'a standby', 60_000)
    }
    times.sort((one, other) => one - other)
    const [median, p99, most] = [quantile(times, 0.5), quantile(times, 0.99), times.at(-1) ?? 0]
    const figures = [median, p99, most].map((ms) => `${Math.round(ms)} ms`).join(', ')
    t.diagnostic(`${times.length} failovers; from block to last delivery (median, p99, most): ${figures}`)
    assert.ok(most <= MOST_MS, figures)
  })
})
