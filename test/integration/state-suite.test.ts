/** The state that replicas share passes what every implementation has to, on real servers: one, Sentinels and a Cluster. */
import { after, before, describe, mock } from 'node:test'
import { type Redis, startRedis } from '../support/redis.ts'
import { type StorePlace, startCluster, startSentinels, storePlace } from '../support/redis-group.ts'
import { describeAttempts } from '../support/state/attempts.ts'
import { describeLogins } from '../support/state/logins.ts'
import { type Replica, replicaOf, sharedRig } from '../support/state/shared-rig.ts'
import { describeTickets } from '../support/state/tickets.ts'

const NOW_MS = 1_800_000_000_000

interface Started {
  readonly place: StorePlace
  primaries(): Promise<readonly Redis[]>
  stop(): Promise<void>
}

const STORES: readonly (readonly [name: string, start: () => Promise<Started>])[] = [
  ['a store of one server', startSingle],
  ['a store behind Sentinels', startSentinels],
  ['a Cluster', startCluster],
]

for (const [name, start] of STORES) {
  describe(`state in ${name}`, () => {
    let started: Started
    let replica: Replica
    let primaries: readonly Redis[]

    before(async () => {
      started = await start()
      replica = await replicaOf(started.place)
      primaries = await started.primaries()
      mock.timers.enable({ apis: ['Date'], now: NOW_MS })
    })
    after(async () => {
      mock.timers.reset()
      replica.store.close()
      await started.stop()
    })

    const rig = () => sharedRig(primaries, replica, NOW_MS)
    describeTickets(rig)
    describeAttempts(rig)
    describeLogins(rig)
  })
}

async function startSingle(): Promise<Started> {
  const redis = await startRedis()
  return { place: storePlace('single', [redis]), primaries: async () => [redis], stop: () => redis.stop() }
}
