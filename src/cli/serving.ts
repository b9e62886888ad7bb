/**
 * The gateway as a process: what signals do to it, and how it ends. Nothing else in the program listens to signals.
 */
import type { Config } from '../config/schema/schema.ts'
import { startGateway } from '../gateway/gateway.ts'
import type { Gateway, GatewayOptions } from '../gateway/ports.ts'
import { HeapGrowth } from '../ops/heap-growth.ts'
import { CommandFailed } from './exit.ts'
import { complain, type Terminal } from './terminal.ts'

export interface Served {
  readonly config: Config
  /** Told when signals are already heeded. */
  readonly warnings: readonly string[]
}

/**
 * Serves until SIGTERM or SIGINT, then drains. Resolves when nothing is left.
 * @throws what `startGateway` throws; CommandFailed after an error that nobody caught
 */
export async function serveUntilStopped(
  { config, warnings }: Served,
  options: GatewayOptions,
  terminal: Terminal,
): Promise<void> {
  // Without a listener Node opens its inspector at SIGUSR1, and with it everything this process knows.
  const ignore = () => {}
  process.on('SIGUSR1', ignore)
  let stop: (() => void) | undefined
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  let gateway: Gateway | undefined
  let stopLooking = () => {}
  let stopCount = 0
  const onStop = () => {
    stopCount += 1
    if (stopCount > 1) gateway?.cut()
    stop?.()
  }
  const onReload = () => gateway?.requestReload()
  let hasFailed = false
  const onFault = (error: unknown) => {
    if (hasFailed) return
    complain(terminal, `gatehouse: internal error, stopping: ${error instanceof Error ? error.stack : String(error)}`)
    hasFailed = true
    stop?.()
  }
  process.on('SIGTERM', onStop)
  process.on('SIGINT', onStop)
  process.on('SIGHUP', onReload)
  process.on('uncaughtException', onFault)
  try {
    for (const warning of warnings) complain(terminal, `warning: ${warning}`)
    const started = await startGateway(config, options)
    gateway = started
    stopLooking = new HeapGrowth(started).start()
    await stopped
    await gateway.close()
  } finally {
    stopLooking()
    process.off('SIGTERM', onStop)
    process.off('SIGINT', onStop)
    process.off('SIGHUP', onReload)
    process.off('SIGUSR1', ignore)
    process.off('uncaughtException', onFault)
  }
  if (hasFailed) throw new CommandFailed('stopped after an internal error')
}
