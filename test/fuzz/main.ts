/**
 * `npm run fuzz`: spoilt frames, tables, handshakes, upgrades, claims, headers and policies, and closings that cross, until
 * enough have been judged, then connections that stop anywhere. A find is kept as a fixture and told with its seed; the exit code
 * is 1 then. The same seed does the same again.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Random } from '../support/random.ts'
import { fuzzConnections } from './connections-target.ts'
import { CRASHES, corpus, crashesOf, spoiltInput } from './corpus.ts'
import { FED_ONE, type Fed } from './feed.ts'
import { leastProcessorMs } from './slowness.ts'
import { TARGETS, type Target } from './targets.ts'

/** Not of the table: it takes its time. */
const CONNECTIONS = 'connections'
const NAMES = [...Object.keys(TARGETS), CONNECTIONS]

const { values: options } = parseArgs({
  options: {
    frames: { type: 'string', default: '200000' },
    connections: { type: 'string', default: '600' },
    seed: { type: 'string', default: String(Date.now() % 0x1_0000_0000) },
    only: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(
    `npm run fuzz -- [--frames N (200000)] [--connections N (600)] [--seed N] [--only TARGET, may be repeated]`,
  )
  console.log(`targets: ${NAMES.join(', ')}`)
  process.exit()
}

const HANG_MS = 50
/** Rounds between two turns of the event loop. */
const YIELD_ROUNDS = 500
const GROWTH_BYTES = 64 * 1024 * 1024

const seeds = corpus()
const wanted = Number(options.frames)
const { only } = options
const unknown = only.filter((name) => !NAMES.includes(name))
if (unknown.length > 0) {
  console.error(`--only ${unknown.join(', ')}: no such target; expected ${NAMES.join(', ')}`)
  process.exit(2)
}
const chosen = Object.entries(TARGETS).filter(([name]) => only.length === 0 || only.includes(name))
let finds = 0

if (chosen.length > 0)
  console.log(`seed ${options.seed}, ${wanted} frames over ${chosen.map(([name]) => name).join(', ')}`)
for (const [name, target] of chosen) {
  const random = new Random(Number(options.seed))
  for (const input of crashesOf(name)) await run(name, target, input, random)
  const share = Math.ceil(wanted / chosen.length)
  const startedMs = performance.now()
  let longestMs = 0
  let settledBytes = 0
  let judged = 0
  let inParts = 0
  for (let round = 0; judged < share; round++) {
    const input = spoiltInput(seeds, random)
    const chance = random.copy()
    const beganMs = performance.now()
    const fed = await run(name, target, input, random)
    judged += fed.frames
    inParts += fed.inParts
    let tookMs = performance.now() - beganMs
    // One look is not enough: the collector, or a neighbour on this machine, may have had the processor.
    if (tookMs > HANG_MS) tookMs = await leastProcessorMs(() => target(input, chance.copy()))
    if (tookMs > HANG_MS) find(name, input, new Error(`took ${Math.round(tookMs)} ms`))
    longestMs = Math.max(longestMs, tookMs)
    // Sessions leave work for the next turn of the event loop: it gets one.
    if (round % YIELD_ROUNDS === 0) await nextTurn()
    if (round === 20_000) settledBytes = heapBytes()
  }
  const grownBytes = settledBytes === 0 ? 0 : heapBytes() - settledBytes
  if (grownBytes > GROWTH_BYTES) find(name, Buffer.alloc(0), new Error(`the heap grew by ${grownBytes} bytes`))
  const seconds = (performance.now() - startedMs) / 1000
  const rate = Math.round(judged / seconds)
  console.log(
    `${name}: ${judged} frames${inParts > 0 ? ` (${inParts} bodies in parts)` : ''}, ${rate} each second, longest ${longestMs.toFixed(1)} ms, heap ${(grownBytes / 1e6).toFixed(1)} MB`,
  )
}
if (only.length === 0 || only.includes(CONNECTIONS)) await connections(Number(options.connections))
console.log(finds === 0 ? 'nothing found' : `${finds} found, seed ${options.seed}`)
process.exitCode = finds === 0 ? 0 : 1

/** These have sockets and deadlines, so there is no one input to keep: the seed is. */
async function connections(count: number): Promise<void> {
  const startedMs = performance.now()
  try {
    const outcomes = await fuzzConnections(new Random(Number(options.seed)), count)
    const told = Object.entries(outcomes).map(([what, many]) => `${many} ${what}`)
    console.log(
      `${CONNECTIONS}: ${count} in ${((performance.now() - startedMs) / 1000).toFixed(0)} s, ${told.join(', ')}`,
    )
  } catch (error) {
    find(CONNECTIONS, Buffer.alloc(0), error)
  }
}

async function run(name: string, target: Target, input: Buffer, random: Random): Promise<Fed> {
  try {
    return await target(input, random)
  } catch (error) {
    find(name, input, error)
    return FED_ONE
  }
}

function find(name: string, input: Buffer, error: unknown): void {
  finds++
  if (finds > 20) throw new Error('too many finds to be worth going on', { cause: error })
  const file = `${name}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}.hex`
  if (input.length > 0) writeFileSync(new URL(file, CRASHES), `${input.toString('hex')}\n`)
  const kept = input.length > 0 ? `kept as fixtures/fuzz/${file}` : `seed ${options.seed}`
  console.error(`${name}: ${error instanceof Error ? error.stack : String(error)}\n  ${kept}`)
}

function heapBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
