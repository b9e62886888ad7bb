/**
 * A gateway in a process of its own that measures itself: the program behind `measured-gateway.ts`. It takes its
 * configuration as a message from its parent, and ends with it. With the argument `built` it is what was built, as users
 * have it: what runs the sources gives every function a name of its own, which is a third of a session's memory. With
 * `watches-delay` it measures how late its timers are.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type * as gatewayModule from '../../src/index.ts'
import type * as heapGrowthModule from '../../src/ops/heap-growth.ts'
import type { Measurement, Question } from './measured-gateway.ts'

const EVERY_MS = 5

const isBuilt = process.argv.includes('built')
const { startGateway } = (await load('index')) as typeof gatewayModule
const { HeapGrowth } = (await load('ops/heap-growth')) as typeof heapGrowthModule

async function load(module: string): Promise<unknown> {
  return await import(isBuilt ? `../../dist/src/${module}.js` : `../../src/${module}.ts`)
}

let longest = { delayMs: 0, ownDelayMs: 0 }
/** Whether the clock of the delays begins anew at its next turn: a question, a collection above all, is no delay of the gateway's. */
let isAnew = false

process.on('disconnect', () => process.exit())
process.once('message', (config: gatewayModule.ConfigInput) => void serve(config))

async function serve(config: gatewayModule.ConfigInput): Promise<void> {
  const gateway = await startGateway(config, { env: {}, logTo: { write: () => {} } })
  // As `gatehouse serve` does.
  if (isBuilt) new HeapGrowth(gateway).start()
  process.on('message', (question: Question) => {
    if (question.reload === undefined) process.send?.(measure(question))
    else void reloaded(gateway, question)
  })
  if (process.argv.includes('watches-delay')) watchDelay()
  const urls = gateway.addresses.map(({ url }) => url)
  process.send?.({ urls, adminUrl: gateway.adminAddress?.url.replace('ws:', 'http:') })
}

/** How late a timer is, and how much of that the process was at work and not kept from it by others on the machine. */
function watchDelay(): void {
  let [lastMs, lastRanMs] = [performance.now(), account().ranMs]
  setInterval(() => {
    const [nowMs, { ranMs }] = [performance.now(), account()]
    const delayMs = Math.max(0, nowMs - lastMs - EVERY_MS)
    if (isAnew) isAnew = false
    else
      longest = {
        delayMs: Math.max(longest.delayMs, delayMs),
        ownDelayMs: Math.max(longest.ownDelayMs, Math.min(delayMs, ranMs - lastRanMs)),
      }
    ;[lastMs, lastRanMs] = [nowMs, ranMs]
  }, EVERY_MS)
}

/** How long the main thread has run, and been ready to run and not been let, so far. */
function account(): { ranMs: number; waitedMs: number } {
  const [ranNs, waitedNs] = readFileSync('/proc/self/schedstat', 'latin1').split(' ')
  return { ranMs: Number(ranNs) / 1e6, waitedMs: Number(waitedNs) / 1e6 }
}

/** Measures from the order to a moment after it was carried out. */
async function reloaded(gateway: gatewayModule.Gateway, question: Question): Promise<void> {
  longest = { delayMs: 0, ownDelayMs: 0 }
  await new Promise<void>((resolve) => {
    const waiting = setInterval(() => {
      if (isAnew) return
      clearInterval(waiting)
      resolve()
    }, EVERY_MS)
  })
  const report = await gateway.reload({ config: question.reload })
  setTimeout(() => process.send?.({ ...measure(question), reloaded: report }), 4 * EVERY_MS)
}

function measure({ collects }: Question): Measurement {
  const { delayMs, ownDelayMs } = longest
  if (collects) globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const measurement = {
    longestDelayMs: delayMs,
    longestOwnDelayMs: ownDelayMs,
    waitedMs: account().waitedMs,
    residentBytes: rss,
    heapBytes: heapUsed,
    bufferBytes: external,
    descriptors: readdirSync('/proc/self/fd').length,
    processorMs: (user + system) / 1000,
  }
  longest = { delayMs: 0, ownDelayMs: 0 }
  isAnew = true
  return measurement
}
