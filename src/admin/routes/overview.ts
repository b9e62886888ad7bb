/** The gateway at a glance: what is in force, and how many sessions each service and broker node has. */
import { hostname } from 'node:os'
import { hashOf } from '../../config/effective/hash.ts'
import type { Config } from '../../config/schema/schema.ts'
import type { Health } from '../../ops/health.ts'
import { version } from '../../ops/version.ts'
import { json } from '../answer.ts'
import type { Rates } from '../live/history.ts'
import type { Lately } from '../live/lately.ts'
import type { Counts } from '../replicas/counts.ts'
import type { Everywhere } from '../replicas/everywhere.ts'
import type { ApiRoute } from '../route.ts'

export interface Overseen {
  readonly managed: {
    readonly current: {
      readonly number: number
      readonly config: Config
      readonly brokers: ReadonlyMap<string, { readonly nodes: { readonly all: readonly KnownNode[] } }>
    }
  }
  readonly everywhere: Everywhere
  readonly health: Health
  readonly lately: Lately
  /** What several gateways share; undefined where this one keeps everything for itself. */
  readonly shared: { readonly replicas: { readonly all: readonly ShownReplica[] | undefined } } | undefined
  /** The processes that serve; undefined where there is one process only. */
  readonly crew: { readonly workers: readonly ShownWorker[] } | undefined
}

/** One process of several. */
export interface ShownWorker {
  readonly number: number
  readonly pid: number
  readonly sessions: number
  /** RFC 3339 in UTC. */
  readonly startedAt: string
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
  /** A service refuses what it cannot record, and nothing can be recorded: it refuses everybody. */
  readonly audit: 'failing' | null
  /** Of all gateways together, as those of services and nodes, and rates. */
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
  /** Names of gateways that did not answer: theirs is missing in what is summed. */
  readonly notReached: readonly string[]
  /** Empty where there is one process only. */
  readonly workers: readonly ShownWorker[]
}

interface KnownNode {
  readonly name: string
  readonly isUp: boolean
}

export function overviewRoutes({ managed, everywhere, health, lately, shared, crew }: Overseen): readonly ApiRoute[] {
  const overview: ApiRoute = {
    method: 'GET',
    path: '/api/v1/overview',
    role: 'viewer',
    async handle() {
      const [{ draining, audit, brokers }, counts] = await Promise.all([health.readiness(), everywhere.counts()])
      const { number, config, brokers: present } = managed.current
      const { sessions, services, rates, notReached } = counts
      const shown: ShownOverview = {
        name: hostname(),
        version: version(),
        generation: number,
        hash: hashOf(config),
        draining,
        audit: audit ?? null,
        sessions,
        services,
        brokers: brokers.map(({ name, ready }) => ({
          name,
          ready,
          nodes: (present.get(name)?.nodes.all ?? []).map((node) => shownNode(node, name, counts)),
        })),
        rates,
        replicas: shared === undefined ? [] : shownReplicas(shared.replicas.all),
        notReached,
        workers: crew?.workers ?? [],
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
      handle: () => json(200, { items: lately.history.samples() }),
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

function shownNode({ name: url, isUp: up }: KnownNode, broker: string, { nodes }: Counts) {
  const sessions = nodes.find((one) => one.broker === broker && one.node === url)?.sessions ?? 0
  return { name: url.replace(/^amqps?:\/\//, ''), url, up, sessions }
}
