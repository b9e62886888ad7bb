/** Gateways act as one whose store is several servers: Sentinels with a standby, and a Cluster. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Door } from '../support/door.ts'
import { type RedisGroup, startCluster, startSentinels } from '../support/redis-group.ts'
import { ask, connectTo, sharing, startGateways, ticketOf, tried } from '../support/state/gateways.ts'
import { until } from '../support/until.ts'

const MOST = 4

for (const [name, start] of [
  ['Sentinels', startSentinels],
  ['a Cluster', startCluster],
] as const) {
  describe(`gateways with ${name}`, () => {
    let group: RedisGroup

    before(async () => {
      group = await start()
    })
    after(() => group.stop())

    it('share tickets, limits, lists, kicks and blocks', async (t) => {
      const options = sharing(group.keys, { service: { limits: { sessionsPerIdentity: MOST } } })
      const doors = await startGateways(options, 2, t)
      const [one, two] = doors as [Door, Door]
      const path = `/amqp?ticket=${await ticketOf(one)}`
      const seen = await Promise.all([tried(two, path, {}), tried(one, path, {})])
      assert.deepEqual(seen.sort(), ['401', 'in'])

      // The places that were taken for the ticket are given back a moment later.
      await until(async () => (await ask(one, 'GET', '/sessions')).total === 0, 'the end of both')
      const raced = await Promise.allSettled(
        Array.from({ length: 3 * MOST }, (_, index) => connectTo(doors[index % 2] as Door)),
      )
      const admitted = raced.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
      assert.equal(admitted.length, MOST)
      const { total, items, notReached } = await ask(two, 'GET', '/sessions')
      assert.deepEqual([total, notReached], [MOST, []])
      const [first] = items
      await ask(two, 'POST', '/kick', { match: { session: first?.id }, hold: '0s' })
      await until(async () => (await ask(one, 'GET', '/sessions')).total === MOST - 1, 'the end of one')

      const unused = `/amqp?ticket=${await ticketOf(two)}`
      const blocked = await ask(one, 'PUT', '/blocks', { subject: 'joe.smith', for: '10m', reason: 'a test' })
      assert.deepEqual([blocked.ended, blocked.notReached], [MOST - 1, []])
      await Promise.all(admitted.map(({ closed }) => closed))
      for (const door of doors) assert.equal(await tried(door), '403')
      await ask(two, 'DELETE', `/blocks/${blocked.id}`)
      for (const door of doors) assert.equal(await tried(door), 'in')
      assert.equal(await tried(two, unused, {}), '401')
    })
  })
}
