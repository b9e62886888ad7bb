/**
 * A gateway in a process of its own that says how it fares: the program behind `measured-gateway.ts`. It takes its
 * configuration as a message from its parent, and ends with it. What it says of itself costs it next to nothing.
 */
import { readdirSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type ConfigInput, startGateway } from '../../src/gateway.ts'
import type { Fare, Question } from './measured-gateway.ts'

/** A timer of this period is what late means: it is part of every delay that is told. */
const RESOLUTION_MS = 1

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })

process.on('disconnect', () => process.exit())
process.once('message', (config: ConfigInput) => void serve(config))

async function serve(config: ConfigInput): Promise<void> {
  const gateway = await startGateway(config, { env: {}, logTo: { write: () => {} } })
  process.on('message', (question: Question) => process.send?.(fare(question)))
  delay.enable()
  process.send?.({ url: gateway.addresses[0]?.url, adminUrl: gateway.adminAddress?.url.replace('ws:', 'http:') })
}

function fare({ collects }: Question): Fare {
  const longestDelayMs = delay.max / 1e6
  if (collects) globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const told = {
    longestDelayMs,
    residentBytes: rss,
    heapBytes: heapUsed,
    bufferBytes: external,
    descriptors: readdirSync('/proc/self/fd').length,
    processorMs: (user + system) / 1000,
  }
  // The question itself, a collection above all, is no delay of the gateway's.
  setImmediate(() => delay.reset())
  return told
}
