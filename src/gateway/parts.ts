/** What a running gateway is made of. */
import type { BlocksFile } from '../admin/blocks-file.ts'
import type { Config, ConfigInput } from '../config/schema/schema.ts'
import type { SessionLeases } from '../http/upgrade.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { Traffic } from '../ops/traffic.ts'
import type { EntitledSessions } from '../sessions/entitled-sessions.ts'
import type { Sessions } from '../sessions/registry.ts'
import type { SharedStore } from '../state/open.ts'
import type { Berth, Crew } from './crew/crew.ts'
import type { Compiling } from './generation.ts'
import type { GatewayOptions } from './ports.ts'

/** Does something; whatever it asks of what others keep takes no longer than one budget, all together. */
export type WithinBudget = <T>(work: () => Promise<T>) => Promise<T>

/** What outlives generations, made before the first of them. */
export interface GatewayParts {
  readonly log: Log
  readonly sessions: Sessions
  readonly entitled: EntitledSessions
  readonly traffic: Traffic
  readonly metrics: Metrics
  readonly compiling: Omit<Compiling, 'number' | 'before'>
  /** What the gateway was started with. */
  readonly input: ConfigInput | Config
  readonly options: GatewayOptions
  /** Where blocks are kept. */
  readonly blocksFile: BlocksFile | undefined
  /** What several gateways share; undefined where this process keeps everything for itself, or its primary does for it. */
  readonly shared: SharedStore | undefined
  /** Counts sessions over several processes or gateways; undefined where there is one. */
  readonly leases: SessionLeases | undefined
  /** For each request; undefined where it asks nobody. */
  readonly withinBudget: WithinBudget | undefined
  /** Of a gateway of several processes: its workers, in the primary; its place, in a worker. Both undefined: it is one process. */
  readonly crew: Crew | undefined
  readonly berth: Berth | undefined
}
