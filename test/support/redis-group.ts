/** Several servers of the Redis protocol that are one store: Sentinels with a primary and a standby, or a Cluster. */
import { freePorts } from '../../src/demo/processes.ts'
import type { StoreAccess } from '../../src/state/client.ts'
import { type Redis, startRedis, startSentinel } from './redis.ts'
import { until } from './until.ts'

const SENTINELS = 3
const PRIMARY_NAME = 'main'
const SLOTS = 16_384

export type StorePlace = Pick<StoreAccess, 'addresses' | 'kind' | 'sentinel'>

export interface RedisGroup {
  /** All that hold data. */
  readonly servers: readonly Redis[]
  /** Where a gateway finds it. */
  readonly place: StorePlace
  /** The same as keys of `state`. */
  readonly keys: { readonly urls: string[]; readonly sentinel?: { readonly name: string }; readonly cluster?: true }
  /** Those that take writes at the moment. */
  primaries(): Promise<readonly Redis[]>
  stop(): Promise<void>
}

/** @param downAfterMs after so long without an answer a primary is down */
export async function startSentinels({ downAfterMs = 1_000 } = {}): Promise<RedisGroup> {
  const primary = await startRedis('--repl-diskless-sync-delay', '0')
  const standby = await startRedis('--repl-diskless-sync-delay', '0', '--replicaof', '127.0.0.1', String(primary.port))
  const servers = [primary, standby]
  await until(async () => (await standby.command('ROLE')) === '*5', 'a standby')
  const lines = [
    `sentinel monitor ${PRIMARY_NAME} 127.0.0.1 ${primary.port} 2`,
    `sentinel down-after-milliseconds ${PRIMARY_NAME} ${downAfterMs}`,
    `sentinel failover-timeout ${PRIMARY_NAME} 6000`,
  ]
  const sentinels = await Promise.all(Array.from({ length: SENTINELS }, () => startSentinel(lines)))
  const ask = async (one: Redis) => await one.values('SENTINEL', 'MASTER', PRIMARY_NAME)
  for (const one of sentinels) {
    const knowsAll = async () => {
      const facts = (await ask(one)).join(' ')
      return facts.includes('num-slaves 1') && facts.includes(`num-other-sentinels ${SENTINELS - 1}`)
    }
    await until(knowsAll, 'Sentinels that know one another', 30_000)
  }
  return {
    servers,
    place: { ...storePlace('sentinel', sentinels), sentinel: { ...NO_SENTINEL, name: PRIMARY_NAME } },
    keys: { urls: sentinels.map(({ url }) => url), sentinel: { name: PRIMARY_NAME } },
    async primaries() {
      const found = await Promise.all(servers.map(async (one) => (await isPrimary(one)) === true))
      return servers.filter((_, index) => found[index])
    },
    async stop() {
      await Promise.all([...sentinels, ...servers].map((one) => one.stop()))
    },
  }
}

/** Three primaries, each with a third of the slots. */
export async function startCluster(): Promise<RedisGroup> {
  const busPorts = await freePorts(3)
  const servers = await Promise.all(
    busPorts.map((port) =>
      startRedis('--cluster-enabled', 'yes', '--cluster-port', String(port), '--cluster-node-timeout', '2000'),
    ),
  )
  const [first, ...others] = servers
  const share = Math.ceil(SLOTS / servers.length)
  for (const [index, server] of servers.entries()) {
    const last = Math.min(SLOTS, (index + 1) * share) - 1
    await server.command('CLUSTER', 'ADDSLOTSRANGE', String(index * share), String(last))
    // Each has an epoch of its own, so that they need not agree on one first.
    await server.command('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
  }
  for (const [index, other] of others.entries())
    await first?.command('CLUSTER', 'MEET', '127.0.0.1', String(other.port), String(busPorts[index + 1]))
  for (const server of servers) {
    const isWhole = async () => {
      const facts = (await server.values('CLUSTER', 'INFO')).join(' ')
      return /cluster_state:ok/.test(facts) && facts.includes(`cluster_known_nodes:${servers.length}`)
    }
    await until(isWhole, 'a Cluster', 30_000)
  }
  return {
    servers,
    place: storePlace('cluster', servers),
    keys: { urls: servers.map(({ url }) => url), cluster: true },
    primaries: async () => servers,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

const NO_SENTINEL = { name: '', username: undefined, password: undefined }

/** Of one server, or of those that know the others. */
export function storePlace(kind: StorePlace['kind'], servers: readonly Pick<Redis, 'port'>[]): StorePlace {
  return { kind, addresses: servers.map(({ port }) => ({ host: '127.0.0.1', port })), sentinel: NO_SENTINEL }
}

/** Undefined: it does not answer. */
async function isPrimary(server: Redis): Promise<boolean | undefined> {
  return await server.values('ROLE').then(
    ([role]) => role === 'master',
    () => undefined,
  )
}
