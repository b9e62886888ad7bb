/** A gateway as `gatehouse serve` runs it: one process, or a primary with workers. */
import { availableParallelism } from 'node:os'
import type { Config } from '../config/schema/schema.ts'
import { assembleGateway, type CrewParts } from '../gateway/assemble.ts'
import type { Gateway, GatewayOptions } from '../gateway/ports.ts'

/** @throws what `startGateway` throws */
export async function startProcesses(config: Config, options: GatewayOptions): Promise<Gateway> {
  const count = config.workers === 'auto' ? availableParallelism() : config.workers
  return await assembleGateway(
    { config, warnings: [] },
    { input: config, options, crewOf: await crewOf(count, options) },
  )
}

/** One process does not even load what several need. */
async function crewOf(count: number, { folder = process.cwd() }: GatewayOptions) {
  if (count === 1) return undefined
  const { WorkerCrew } = await import('./primary/crew.ts')
  return (parts: CrewParts) => new WorkerCrew(parts, { count, folder })
}
