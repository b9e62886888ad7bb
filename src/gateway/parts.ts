/** What a running gateway is made of. */
import type { BlocksFile } from '../admin/blocks-file.ts'
import type { Config, ConfigInput } from '../config/schema/schema.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { Traffic } from '../ops/traffic.ts'
import type { EntitledSessions } from '../sessions/entitled-sessions.ts'
import type { Sessions } from '../sessions/registry.ts'
import type { SharedStore } from '../state/open.ts'
import type { Compiling } from './generation.ts'
import type { GatewayOptions } from './ports.ts'

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
  /** What several gateways share; undefined where this one keeps everything for itself. */
  readonly shared: SharedStore | undefined
}
