/** The wiring: a judged configuration in, a running gateway out; one process, a primary, or a worker. */
import { type AuthState, type Login, MemoryState } from '../../auth/index.ts'
import { BlocksFile } from '../admin/blocks-file.ts'
import type { Environment } from '../config/environment.ts'
import type { LoadedConfig } from '../config/reading/load.ts'
import type { Config, ConfigInput } from '../config/schema/schema.ts'
import type { SessionLeases } from '../http/upgrade.ts'
import { type Lines, Log } from '../ops/log.ts'
import { Metrics } from '../ops/metrics.ts'
import { linesIn } from '../ops/pretty-lines.ts'
import { Traffic } from '../ops/traffic.ts'
import { EntitledSessions } from '../sessions/entitled-sessions.ts'
import { Sessions } from '../sessions/registry.ts'
import { SharedStore } from '../state/open.ts'
import { STORE_OPS } from '../state/store.ts'
import { moduleLoader } from '../wiring/modules.ts'
import { secretSources } from '../wiring/secret-sources.ts'
import type { Berth, Crew, Present } from './crew/crew.ts'
import { compileGeneration } from './generation.ts'
import { Lasting } from './lasting.ts'
import { nodeLog } from './node-log.ts'
import type { WithinBudget } from './parts.ts'
import type { GatewayOptions } from './ports.ts'
import { RunningGateway } from './running-gateway.ts'

/** What the primary of several processes has, and what a worker has. */
export interface CrewParts {
  readonly log: Log
  /** Where the log's lines go. */
  readonly lines: Lines
  readonly env: Environment
  readonly state: AuthState
  /** Counts sessions over several gateways; undefined where there is one. */
  readonly leases: SessionLeases | undefined
  readonly withinBudget: WithinBudget | undefined
}

/** A worker's place, and what it has from its primary. */
export interface WorkerParts {
  readonly berth: Berth
  readonly present: Present
  readonly state: AuthState
  readonly leases: SessionLeases
  readonly withinBudget: WithinBudget | undefined
}

export interface Assembling {
  readonly input: ConfigInput | Config
  readonly options: GatewayOptions
  /** In the primary of several processes: makes its workers. */
  readonly crewOf?: ((parts: CrewParts) => Crew) | undefined
  readonly worker?: WorkerParts | undefined
}

/** Makes a gateway of a configuration that was judged, and starts it. */
export async function assembleGateway(
  { config, warnings }: LoadedConfig,
  { input, options, crewOf, worker }: Assembling,
): Promise<RunningGateway> {
  const { env = process.env, folder, logTo } = options
  const { level, format } = config.log
  const lines = linesIn(format, logTo, env)
  const log = new Log(level, lines)
  for (const { path, message } of warnings) log.write('configuration-warning', { detail: `${path}: ${message}` })
  const sessions = new Sessions()
  const traffic = new Traffic()
  const metrics = new Metrics({
    traffic,
    bufferedBytes: () => sessions.bufferedBytes() + traffic.heldBytes,
    auditLostCount: () => log.auditLostCount,
  })
  log.observe({ wrote: (event) => event === 'worker-ended' && metrics.workerEnded() })
  const where = { env, folder: folder ?? process.cwd() }
  const shared = await openShared(config, where, { log, metrics })
  let crew: Crew | undefined
  const loginEnded = (scope: string, { hash, endsAtMs }: Login): void =>
    crew?.publish({ kind: 'logins', scope, logins: [[hash, endsAtMs]] })
  const state = worker?.state ?? shared?.authState ?? new MemoryState(undefined, loginEnded)
  const leases = worker?.leases ?? shared?.leases
  const withinBudget =
    worker?.withinBudget ??
    (shared && (async <T>(work: () => Promise<T>): Promise<T> => await shared.store.withinBudget(work)))
  const lasting = new Lasting(state, nodeLog(log))
  for (const block of worker?.present.blocks ?? []) lasting.bars.restore(block)
  for (const [key, untilMs] of worker?.present.holds ?? []) lasting.bars.holdKey(key, untilMs - Date.now())
  const compiling = { lasting, metrics, log, ...where }
  try {
    crew = crewOf?.({ log, lines, env, state, leases, withinBudget })
    const { generation } = await compileGeneration(config, { ...compiling, number: worker?.present.number ?? 1 })
    const { blocks } = config
    const blocksFile = blocks === undefined ? undefined : await BlocksFile.open(blocks, lasting.bars)
    const entitled = new EntitledSessions(log)
    metrics.watchEntitlements(() => entitled.questionCount)
    const berth = worker?.berth
    const own = { log, sessions, entitled, traffic, metrics, compiling, input, options, blocksFile }
    const gateway = new RunningGateway(generation, { ...own, shared, leases, withinBudget, crew, berth })
    await gateway.start()
    return gateway
  } catch (error) {
    await crew?.stop()
    shared?.close()
    throw error
  }
}

/** What this gateway shares with others; undefined where it keeps everything for itself. @throws {ConfigError} */
async function openShared(
  config: Config,
  { env, folder }: { readonly env: Environment; readonly folder: string },
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): Promise<SharedStore | undefined> {
  if (config.state === undefined) return undefined
  const load = moduleLoader(folder)
  const sources = secretSources(config, env, load)
  return await SharedStore.open(config.state, { sources, load, log, metrics: metrics.watchState(STORE_OPS) })
}
