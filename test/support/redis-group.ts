/** Several servers of the Redis protocol that are one store: Sentinels with a primary and a standby, or a Cluster. */
import type { TestContext } from 'node:test'
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

/** With a primary and a standby. */
export interface SentinelGroup extends RedisGroup {
  /** All Sentinels agree on the primary, and that it has a standby that is up. */
  isWhole(): Promise<boolean>
}

/** @param downAfterMs after so long without an answer a primary is down */
export async function startSentinels({ downAfterMs = 1_000 } = {}): Promise<SentinelGroup> {
  const servers = await startWithStandby()
  const [primary] = servers
  const lines = [
    `sentinel monitor ${PRIMARY_NAME} 127.0.0.1 ${primary.port} 2`,
    `sentinel down-after-milliseconds ${PRIMARY_NAME} ${downAfterMs}`,
    `sentinel failover-timeout ${PRIMARY_NAME} 2000`,
  ]
  const sentinels = await Promise.all(Array.from({ length: SENTINELS }, () => startSentinel(lines)))
  const isWhole = async () => (await Promise.all(sentinels.map(knowsAll))).every(Boolean)
  await until(isWhole, 'Sentinels that know one another', 30_000)
  return {
    servers,
    isWhole,
    place: { ...storePlace('sentinel', sentinels), sentinel: { ...NO_SENTINEL, name: PRIMARY_NAME } },
    keys: { urls: sentinels.map(({ url }) => url), sentinel: { name: PRIMARY_NAME } },
    async primaries() {
      const found = await Promise.all(servers.map(isPrimary))
      return servers.filter((_, index) => found[index])
    },
    async stop() {
      await Promise.all([...sentinels, ...servers].map((one) => one.stop()))
    },
  }
}

/** @param t the test that they end with, where they do */
export async function startWithStandby(t?: TestContext): Promise<readonly [primary: Redis, standby: Redis]> {
  const primary = await startRedis('--repl-diskless-sync-delay', '0')
  t?.after(() => primary.stop())
  const standby = await startRedis('--repl-diskless-sync-delay', '0', '--replicaof', '127.0.0.1', String(primary.port))
  t?.after(() => standby.stop())
  await until(async () => (await standby.command('ROLE')) === '*5', 'a standby', 30_000)
  return [primary, standby]
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

/** As one of several Sentinels. */
async function knowsAll(sentinel: Redis): Promise<boolean> {
  const facts = factsOf(await sentinel.values('SENTINEL', 'MASTER', PRIMARY_NAME))
  const standby = factsOf(await sentinel.values('SENTINEL', 'REPLICAS', PRIMARY_NAME))
  return (
    facts.get('flags') === 'master' &&
    facts.get('num-slaves') === '1' &&
    facts.get('num-other-sentinels') === String(SENTINELS - 1) &&
    standby.get('flags') === 'slave' &&
    standby.get('master-link-status') === 'ok'
  )
}

/** Names and values in turn. */
function factsOf(values: readonly string[]): ReadonlyMap<string, string> {
  return new Map(values.flatMap((name, index) => (index % 2 === 0 ? [[name, values[index + 1] ?? ''] as const] : [])))
}

/** One that does not answer is none. */
async function isPrimary(server: Redis): Promise<boolean> {
  return await server.values('ROLE').then(
    ([role]) => role === 'master',
    () => false,
  )
}
