/**
 * The gateway, or a door, as a process: what signals do to it, and how it ends. Nothing else in the program listens to signals.
 */
import type { Config } from '../config/schema/schema.ts'
import type { GatewayOptions } from '../gateway/ports.ts'
import { HeapGrowth } from '../ops/heap-growth.ts'
import { startProcesses } from '../workers/start.ts'
import { CommandFailed } from './exit.ts'
import { complain, type Terminal } from './terminal.ts'

export interface Served {
  readonly config: Config
  /** Told when signals are already heeded. */
  readonly warnings: readonly string[]
}

/** What signals act on. */
export interface Running {
  /** SIGHUP. */
  requestReload(): void
  /** SIGTERM, SIGINT. Resolves when nothing is left. */
  close(): Promise<void>
  /** The second of them. */
  cut(): void
}

/**
 * Serves until SIGTERM or SIGINT, then drains. Resolves when nothing is left.
 * @throws what `startProcesses` throws; CommandFailed after an error that nobody caught
 */
export async function serveUntilStopped(
  { config, warnings }: Served,
  options: GatewayOptions,
  terminal: Terminal,
): Promise<void> {
  let stopLooking = () => {}
  const start = async () => {
    const gateway = await startProcesses(config, options)
    stopLooking = new HeapGrowth(gateway).start()
    return gateway
  }
  try {
    await runUntilStopped(start, warnings, terminal)
  } finally {
    stopLooking()
  }
}

/**
 * The same for whatever is started.
 * @throws what `start` throws; CommandFailed after an error that nobody caught
 */
export async function runUntilStopped(
  start: () => Promise<Running>,
  warnings: readonly string[],
  terminal: Terminal,
): Promise<void> {
  // Without a listener Node opens its inspector at SIGUSR1, and with it everything this process knows.
  const ignore = () => {}
  process.on('SIGUSR1', ignore)
  let stop: (() => void) | undefined
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  let running: Running | undefined
  let stopCount = 0
  const onStop = () => {
    stopCount += 1
    if (stopCount > 1) running?.cut()
    stop?.()
  }
  const onReload = () => running?.requestReload()
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
    running = await start()
    await stopped
    await running.close()
  } finally {
    process.off('SIGTERM', onStop)
    process.off('SIGINT', onStop)
    process.off('SIGHUP', onReload)
    process.off('SIGUSR1', ignore)
    process.off('uncaughtException', onFault)
  }
  if (hasFailed) throw new CommandFailed('stopped after an internal error')
}
