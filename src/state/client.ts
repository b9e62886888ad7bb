/**
 * The package `ioredis` as the gateway uses it: one connection that sends commands. Not a dependency; whoever shares state
 * installs it, and src/wiring hands over how to load it. It queues nothing while it is away and sends nothing twice: a
 * request that hangs, or a count that is made again later, is worse than a failure at once.
 */
import type { ConnectionOptions } from 'node:tls'
import { ConfigError } from '../config/reading/problems.ts'

/** One connection, or one to each node of a cluster. */
export interface StoreClient {
  /** `ready`: it can be asked; `end`: it does not try any more; others are on the way between. */
  readonly status: string
  call(command: string, ...args: readonly (string | number)[]): Promise<unknown>
  connect(): Promise<void>
  /** @param reconnect finds the store again, by its names: it may be elsewhere by now */
  disconnect(reconnect?: boolean): void
  on(event: 'ready' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** Finds the store again, by its names. A search that is under way goes on: the package gives up for good if it is disturbed. */
export function lookAgain(client: Pick<StoreClient, 'status' | 'connect' | 'disconnect'>): void {
  if (client.status === 'ready') client.disconnect(true)
  else if (client.status === 'end') client.connect().catch(() => undefined)
}

export interface StoreAddress {
  readonly host: string
  readonly port: number
}

/** Everything that a connection needs, with all secrets read. */
export interface StoreAccess {
  /** The server; of a Sentinel or a Cluster, those that know the others. */
  readonly addresses: readonly StoreAddress[]
  readonly kind: 'single' | 'sentinel' | 'cluster'
  readonly sentinel: {
    readonly name: string
    readonly username: string | undefined
    readonly password: string | undefined
  }
  readonly username: string | undefined
  readonly password: string | undefined
  /** Undefined: plain TCP. */
  readonly tls: ConnectionOptions | undefined
  readonly timeoutMs: number
}

/** @param waitsMs how long a command may wait in the store for something to arrive, beside the time to answer */
export type MakeStoreClient = (access: StoreAccess, waitsMs?: number) => StoreClient

/** The longest pause between two tries to connect. */
const RETRY_MS = 500
/** A connection whose other end does not say goodbye ends all the same. */
const GOODBYE_MS = 50

/** @throws {ConfigError} where the package is not there */
export async function storeClients(load: (module: string) => Promise<unknown>): Promise<MakeStoreClient> {
  const module = await load('ioredis').catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : 'unknown failure'
    throw problem(
      `it needs the package ioredis, which cannot be loaded (\`npm install ioredis@6\` beside the gateway, with --global if it is): ${why}`,
    )
  })
  const Redis = constructorIn(module, 'Redis')
  const Cluster = constructorIn(module, 'Cluster')
  return (access, waitsMs = 0) =>
    access.kind === 'cluster'
      ? new Cluster(access.addresses, clusterOptions(access, waitsMs))
      : new Redis({ ...connectionOptions(access, waitsMs), ...whereIs(access) })
}

function whereIs({ kind, addresses, sentinel, timeoutMs, tls }: StoreAccess): object {
  if (kind === 'single') return { ...addresses[0] }
  return {
    sentinels: addresses,
    name: sentinel.name,
    sentinelUsername: sentinel.username,
    sentinelPassword: sentinel.password,
    sentinelCommandTimeout: timeoutMs,
    sentinelRetryStrategy: pauseMs,
    enableTLSForSentinelMode: tls !== undefined,
    sentinelTLS: tls,
  }
}

function clusterOptions(access: StoreAccess, waitsMs: number): object {
  return {
    redisOptions: connectionOptions(access, waitsMs),
    clusterRetryStrategy: pauseMs,
    enableOfflineQueue: false,
    lazyConnect: true,
    slotsRefreshTimeout: 4 * access.timeoutMs,
  }
}

function connectionOptions({ username, password, tls, timeoutMs }: StoreAccess, waitsMs: number): object {
  return {
    username,
    password,
    tls,
    lazyConnect: true,
    protocol: 2,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: true,
    maxLoadingRetryTime: RETRY_MS,
    connectTimeout: Math.max(1_000, 4 * timeoutMs),
    // Of commands that the package sends by itself, too: a server that was stopped takes connections and says nothing.
    commandTimeout: Math.max(1_000, 4 * timeoutMs) + waitsMs,
    disconnectTimeout: GOODBYE_MS,
    disableClientInfo: true,
    noDelay: true,
    retryStrategy: pauseMs,
  }
}

/** Replicas that lost the store together do not come back together. */
function pauseMs(times: number): number {
  return Math.min(50 * times, RETRY_MS) * (0.5 + Math.random() / 2)
}

type ClientConstructor = new (...options: readonly unknown[]) => StoreClient

function constructorIn(module: unknown, name: string): ClientConstructor {
  const found: unknown = typeof module === 'object' && module !== null ? Reflect.get(module, name) : undefined
  if (typeof found !== 'function') throw problem(`the package ioredis has no ${name}: version 6 is known to work`)
  return found as ClientConstructor
}

function problem(message: string): ConfigError {
  return new ConfigError([{ path: 'state', message }])
}
