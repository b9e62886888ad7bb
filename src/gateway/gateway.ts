/** The wiring: a configuration in, a running gateway out. */
import { MemoryState } from '../../auth/index.ts'
import { BlocksFile } from '../admin/blocks-file.ts'
import type { Environment } from '../config/environment.ts'
import { parseConfig } from '../config/reading/load.ts'
import type { Config, ConfigInput } from '../config/schema/schema.ts'
import { Log } from '../ops/log.ts'
import { Metrics } from '../ops/metrics.ts'
import { linesIn } from '../ops/pretty-lines.ts'
import { Traffic } from '../ops/traffic.ts'
import { EntitledSessions } from '../sessions/entitled-sessions.ts'
import { Sessions } from '../sessions/registry.ts'
import { SharedStore } from '../state/open.ts'
import { STORE_OPS } from '../state/store.ts'
import { moduleLoader } from '../wiring/modules.ts'
import { secretSources } from '../wiring/secret-sources.ts'
import { compileGeneration } from './generation.ts'
import { Lasting } from './lasting.ts'
import { nodeLog } from './node-log.ts'
import type { Gateway, GatewayOptions } from './ports.ts'
import { RunningGateway } from './running-gateway.ts'

/**
 * Starts a gateway; it serves in whatever state the brokers are.
 *
 * @throws {ConfigError} with everything that is wrong with the configuration
 * @throws {Error} when an address cannot be had
 */
export async function startGateway(config: ConfigInput | Config, options: GatewayOptions = {}): Promise<Gateway> {
  const { env = process.env, folder, logTo } = options
  const loaded = parseConfig(config, { env, ...(folder === undefined ? {} : { folder }) })
  const { level, format } = loaded.config.log
  const log = new Log(level, linesIn(format, logTo, env))
  for (const { path, message } of loaded.warnings) log.write('configuration-warning', { detail: `${path}: ${message}` })
  const sessions = new Sessions()
  const traffic = new Traffic()
  const metrics = new Metrics({
    traffic,
    bufferedBytes: () => sessions.bufferedBytes() + traffic.heldBytes,
    auditLostCount: () => log.auditLostCount,
  })
  const where = { env, folder: folder ?? process.cwd() }
  const shared = await openShared(loaded.config, where, { log, metrics })
  const lasting = new Lasting(shared?.authState ?? new MemoryState(), nodeLog(log))
  const compiling = { lasting, metrics, log, ...where }
  try {
    const { generation } = await compileGeneration(loaded.config, { ...compiling, number: 1 })
    const { blocks } = loaded.config
    const blocksFile = blocks === undefined ? undefined : await BlocksFile.open(blocks, lasting.bars)
    const entitled = new EntitledSessions(log)
    metrics.watchEntitlements(() => entitled.questionCount)
    const parts = { log, sessions, entitled, traffic, metrics, compiling, input: config, options, blocksFile, shared }
    const gateway = new RunningGateway(generation, parts)
    await gateway.start()
    return gateway
  } catch (error) {
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
