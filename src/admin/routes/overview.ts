/** The gateway at a glance: what is in force, and how many sessions each service and broker node has. */
import { hostname } from 'node:os'
import type { BrokerNode } from '../../brokers/broker-node.ts'
import { hashOf } from '../../config/effective/hash.ts'
import type { Config } from '../../config/schema/schema.ts'
import type { Health } from '../../ops/health.ts'
import { version } from '../../ops/version.ts'
import type { Sessions } from '../../sessions/registry.ts'
import { json } from '../answer.ts'
import type { History, Rates } from '../live/history.ts'
import type { ApiRoute } from '../route.ts'

export interface Overseen {
  readonly managed: {
    readonly current: {
      readonly number: number
      readonly config: Config
      readonly brokers: ReadonlyMap<string, { readonly nodes: { readonly all: readonly ShownNode[] } }>
    }
  }
  readonly sessions: Sessions
  readonly health: Health
  readonly history: History
  /** What several gateways share; undefined where this one keeps everything for itself. */
  readonly shared: { readonly replicas: { readonly all: readonly ShownReplica[] | undefined } } | undefined
}

/** A gateway, as it said of itself a few seconds ago. */
export interface ShownReplica {
  /** Machine and port. */
  readonly name: string
  readonly version: string
  readonly generation: number
  readonly hash: string
  readonly sessions: number
}

export interface ShownOverview {
  /** The machine's. */
  readonly name: string
  readonly version: string
  /** Of the configuration in force. */
  readonly generation: number
  readonly hash: string
  readonly draining: boolean
  readonly sessions: number
  readonly services: readonly { readonly path: string; readonly sessions: number }[]
  readonly brokers: readonly {
    readonly name: string
    /** Whether one of its nodes answers. */
    readonly ready: boolean
    readonly nodes: readonly {
      /** Host and port. */
      readonly name: string
      readonly url: string
      /** As far as is known. */
      readonly up: boolean
      /** Those that are being opened included. */
      readonly sessions: number
    }[]
  }[]
  /** Per second, over the last ten to twenty seconds. */
  readonly rates: Rates
  /** Gateways that share their state, this one included: empty without `state`; `null` while the store is away. */
  readonly replicas: readonly ShownReplica[] | null
  /** Empty while there is one process only. */
  readonly workers: readonly never[]
}

type ShownNode = Pick<BrokerNode, 'name' | 'isUp' | 'sessionCount'>

export function overviewRoutes({ managed, sessions, health, history, shared }: Overseen): readonly ApiRoute[] {
  const overview: ApiRoute = {
    method: 'GET',
    path: '/api/v1/overview',
    role: 'viewer',
    async handle() {
      const { draining, brokers } = await health.readiness()
      const { number, config, brokers: present } = managed.current
      const ofServices = counted(sessions)
      const shown: ShownOverview = {
        name: hostname(),
        version: version(),
        generation: number,
        hash: hashOf(config),
        draining,
        sessions: sessions.count,
        services: config.services.map(({ path }) => ({ path, sessions: ofServices.get(path) ?? 0 })),
        brokers: brokers.map(({ name, ready }) => ({
          name,
          ready,
          nodes: (present.get(name)?.nodes.all ?? []).map(shownNode),
        })),
        rates: history.rates(),
        replicas: shared === undefined ? [] : shownReplicas(shared.replicas.all),
        workers: [],
      }
      return json(200, shown)
    },
  }
  return [
    overview,
    {
      method: 'GET',
      path: '/api/v1/history',
      role: 'viewer',
      handle: () => json(200, { items: history.samples() }),
    },
  ]
}

function shownReplicas(replicas: readonly ShownReplica[] | undefined): readonly ShownReplica[] | null {
  if (replicas === undefined) return null
  return replicas.map(({ name, version: its, generation, hash, sessions }) => ({
    name,
    version: its,
    generation,
    hash,
    sessions,
  }))
}

function shownNode({ name, isUp, sessionCount }: ShownNode) {
  return { name: name.replace(/^amqps?:\/\//, ''), url: name, up: isUp, sessions: sessionCount }
}

/** How many sessions each service has, in one look at all. */
function counted(sessions: Sessions): ReadonlyMap<string, number> {
  const ofServices = new Map<string, number>()
  for (const { record } of sessions.each()) ofServices.set(record.service, (ofServices.get(record.service) ?? 0) + 1)
  return ofServices
}
