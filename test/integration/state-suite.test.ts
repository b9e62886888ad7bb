/** The state that replicas share passes what every implementation has to, on a real server. */
import { after, before, describe, mock } from 'node:test'
import { type Redis, startRedis } from '../support/redis.ts'
import { describeAttempts } from '../support/state/attempts.ts'
import { describeLogins } from '../support/state/logins.ts'
import { type Replica, replicaOf, sharedRig } from '../support/state/shared-rig.ts'
import { describeTickets } from '../support/state/tickets.ts'

const NOW_MS = 1_800_000_000_000

describe('state in a store', () => {
  let redis: Redis
  let replica: Replica

  before(async () => {
    redis = await startRedis()
    replica = await replicaOf(redis)
    mock.timers.enable({ apis: ['Date'], now: NOW_MS })
  })
  after(async () => {
    mock.timers.reset()
    replica.store.close()
    await redis.stop()
  })

  const rig = () => sharedRig(redis, replica, NOW_MS)
  describeTickets(rig)
  describeAttempts(rig)
  describeLogins(rig)
})
