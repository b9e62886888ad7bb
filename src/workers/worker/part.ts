/** The part of a configuration that one worker of several has: what the primary does for all is left out, and limits are divided. */
import type { Config, DoorListenerConfig, ListenerConfig } from '../../config/schema/schema.ts'

export function partOf(config: Config, workerCount: number): Config {
  const share = (whole: number): number => Math.ceil(whole / workerCount)
  return {
    ...config,
    // Each dials the doors itself.
    listen: config.listen.map((one) =>
      isBehindDoors(one) ? { ...one, door: { ...one.door, spare: share(one.door.spare) } } : one,
    ),
    // The primary writes it, as people want to read it.
    log: { ...config.log, format: 'json' },
    services: config.services.map((service) => ({
      ...service,
      limits: { ...service.limits, handshakesPerAddress: share(service.limits.handshakesPerAddress) },
    })),
    // The primary keeps them.
    state: undefined,
    blocks: undefined,
    watch: false,
  }
}

function isBehindDoors(listener: ListenerConfig): listener is DoorListenerConfig {
  return listener.door !== undefined
}
