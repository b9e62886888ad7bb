/** The beginning of a gateway for programs. What they see of it needs no types of others: see `ports.ts`. */
import { parseConfig } from '../config/reading/load.ts'
import { ConfigError } from '../config/reading/problems.ts'
import type { Config, ConfigInput } from '../config/schema/schema.ts'
import { assembleGateway } from './assemble.ts'
import type { Gateway, GatewayOptions } from './ports.ts'

/**
 * Starts a gateway; it serves in whatever state the brokers are.
 *
 * @throws {ConfigError} with everything that is wrong with the configuration
 * @throws {Error} when an address cannot be had
 */
export async function startGateway(config: ConfigInput | Config, options: GatewayOptions = {}): Promise<Gateway> {
  const { env = process.env, folder } = options
  const loaded = parseConfig(config, { env, folder })
  if (loaded.config.workers !== 1) {
    const message = 'a program runs one process: leave it out here; `gatehouse serve` runs several'
    throw new ConfigError([{ path: 'workers', message }])
  }
  return await assembleGateway(loaded, { input: config, options })
}
