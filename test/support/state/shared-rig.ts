/** The shared state on a real server, for the tests that every state has to pass, and for those of the store's own. */
import { mock } from 'node:test'
import { parseKeys } from '../../../auth/promotion/secrets/encrypted.ts'
import { storeClients } from '../../../src/state/client.ts'
import { StoreKeys } from '../../../src/state/keys.ts'
import { Sealer } from '../../../src/state/sealing.ts'
import { SharedState } from '../../../src/state/shared-state.ts'
import { Store } from '../../../src/state/store.ts'
import type { Redis } from '../redis.ts'
import { type StorePlace, storePlace } from '../redis-group.ts'
import type { StateRig } from './rig.ts'

export const STATE_KEY = `gatehouse-key:v1:one:${Buffer.alloc(32, 7).toString('base64url')}`

/** A replica's own connection and state. */
export interface Replica {
  readonly store: Store
  readonly state: SharedState
  readonly said: string[]
}

/** @param where one server, or several that are one store */
export async function replicaOf(
  where: Pick<Redis, 'port'> | StorePlace,
  { keys = STATE_KEY, timeoutMs = 5_000, replicas = 1 } = {},
): Promise<Replica> {
  const said: string[] = []
  const make = await storeClients(() => import('ioredis'))
  const client = make({
    ...('port' in where ? storePlace('single', [where]) : where),
    username: undefined,
    password: undefined,
    tls: undefined,
    timeoutMs,
  })
  const store = new Store({
    client,
    timeoutMs,
    probeKey: 'gatehouse:{probe}',
    observer: {
      answered: () => undefined,
      away: (detail) => said.push(`away: ${detail}`),
      back: () => said.push('back'),
    },
  })
  await store.start()
  const state = new SharedState({
    store,
    sealer: new Sealer(parseKeys(keys)),
    keys: new StoreKeys('gatehouse'),
    replicaCount: () => replicas,
    fallenBack: (kind) => said.push(`fallen back: ${kind}`),
  })
  return { store, state, said }
}

/** The same time passes for everything in the store: lives get shorter, and what stands in an order stands earlier in it. */
const ELAPSE = `
local ms = tonumber(ARGV[1])
for _, key in ipairs(redis.call('KEYS', '*')) do
  if redis.call('TYPE', key).ok == 'zset' then
    local all = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    for i = 1, #all, 2 do redis.call('ZADD', key, all[i + 1] - ms * 1000, all[i]) end
  end
  local left = redis.call('PTTL', key)
  if left >= 0 and left <= ms then redis.call('DEL', key)
  elseif left > ms then redis.call('PEXPIRE', key, left - ms) end
end
return 1`

/** Of an empty store. @param servers all that take writes. `Date` has to be mocked. */
export async function sharedRig(servers: readonly Redis[], { state }: Replica, nowMs: number): Promise<StateRig> {
  mock.timers.setTime(nowMs)
  for (const server of servers) await server.command('FLUSHALL')
  return {
    state,
    async elapse(ms) {
      for (const server of servers) await server.command('EVAL', ELAPSE, '0', String(ms))
      mock.timers.tick(ms)
    },
    slackMs: 900,
    forgets: false,
  }
}
