/**
 * `npm run bench:admin`: what the management API costs while nobody looks, and how quick it is with as many sessions as file
 * descriptors allow. Two gateways, one with and one without it, hold idle sessions in turn. Then the one with it has many: pages of
 * 100 are listed, and 1,000 of one person are kicked. Ends with 1 where a page in the order of age takes more than 20 ms (p99), listing leaves memory
 * behind, somebody who was kicked gets a frame after 1 s, or an idle session costs more with the API than without.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { hashPassword } from '../../auth/index.ts'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import type { ConfigInput } from '../../src/index.ts'
import { basic, PASSWORD } from '../support/door.ts'
import { DrainLoad } from '../support/drain-load.ts'
import { type MeasuredGateway, startMeasuredGateway } from '../support/measured-gateway.ts'
import { quantile } from '../support/quantile.ts'
import { SOURCE_OPTIONS } from '../support/source-options.ts'
import { within } from '../support/until.ts'

const { values: options } = parseArgs({
  options: {
    sessions: { type: 'string', default: '9000' },
    idle: { type: 'string', default: '3000' },
    seconds: { type: 'string', default: '20' },
    listings: { type: 'string', default: '1000' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(
    'npm run bench:admin -- [--sessions N (9000)] [--idle N (3000)] [--seconds N_IDLE (20)] [--listings N (1000)]',
  )
  process.exit()
}
const [sessions, idle, seconds, listings] = [options.sessions, options.idle, options.seconds, options.listings].map(
  Number,
) as [number, number, number, number]

const [KICKED, PAGE_MS, KICK_MS] = [1_000, 20, 1_000]
/** What two runs of the same gateway differ by. */
const [NOISE_BYTES, NOISE_PROCESSOR_MS] = [512, 5]
const MIB = 1024 * 1024
/** By age, as the console and the command line begin; by what everybody has another one of, and by what all have the same of. */
const SORTS = ['-openedAt', 'id', '-bytesToClient', 'subject']
const run = promisify(execFile)

// Nobody reads this broker's statistics. Those of 9,000 connections would take processor time from the gateway, which a
// broker on another machine does not.
const rabbit = await startRabbit({
  source: 'private',
  config: [
    'log.console.level = warning',
    'collect_statistics_interval = 600000',
    'management_agent.disable_metrics_collector = true',
  ],
})
await rabbit.management.addUser('load', 'load')
await rabbit.management.permit('load', '/')
const password = await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 })

function config(admin: ConfigInput['admin']): ConfigInput {
  return {
    listen: { host: '127.0.0.1', port: 0 },
    ...(admin !== undefined && { admin }),
    brokers: {
      main: {
        urls: [`amqp://${rabbit.host}:${rabbit.port}`],
        credentials: { load: { username: 'load', password: 'load' } },
      },
    },
    authenticators: { staff: { type: 'basic', users: { ada: { password }, bob: { password } } } },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost: '/',
        authenticate: ['staff'],
        limits: { handshakesPerAddress: 1_000, sessionsPerIdentity: 100_000 },
        promote: [{ to: 'load' }],
      },
    ],
  }
}

async function open(gateway: MeasuredGateway, user: string, count: number): Promise<DrainLoad> {
  const door = { url: `${gateway.url}/amqp`, headers: { authorization: basic(user) } }
  return await DrainLoad.open(door, { busy: 0, idle: count, 'never acknowledges': 0 })
}

/** Bytes of one idle session, and processor time of all of them in a second, ms. */
async function idleCost(gateway: MeasuredGateway): Promise<{ readonly bytes: number; readonly processorMs: number }> {
  await (await open(gateway, 'bob', idle)).vanish()
  await pause(2_000)
  const before = await gateway.measure()
  await open(gateway, 'bob', idle)
  await pause(2_000)
  const after = await gateway.measure()
  await pause(seconds * 1_000)
  const later = await gateway.measure({ collects: false })
  const held = ({ heapBytes, bufferBytes }: typeof before): number => heapBytes + bufferBytes
  return {
    bytes: (held(after) - held(before)) / idle,
    processorMs: (later.processorMs - after.processorMs) / seconds,
  }
}

const faults: string[] = []
const measured = { built: true, watchesDelay: false }
const without = await startMeasuredGateway(config(undefined), measured)
const managed = await startMeasuredGateway(
  config({ port: 0, authenticate: ['staff'], roles: { operator: { subject: 'ada' } } }),
  measured,
)
try {
  const [bare, looked] = [await idleCost(without), await idleCost(managed)]
  await without.stop()
  console.log(
    `an idle session: ${bare.bytes.toFixed()} bytes without, ${looked.bytes.toFixed()} with the management API; ${idle} of them: ${bare.processorMs.toFixed(2)} and ${looked.processorMs.toFixed(2)} ms of processor time in a second`,
  )
  if (looked.bytes > bare.bytes + NOISE_BYTES) faults.push('an idle session takes more memory with the API')
  if (looked.processorMs > bare.processorMs + NOISE_PROCESSOR_MS)
    faults.push('idle sessions take more of a processor with the API')

  const ada = await open(managed, 'ada', KICKED)
  await open(managed, 'bob', Math.max(0, sessions - idle - KICKED))
  const headers = { authorization: basic('ada') }
  const ask = async (path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const request = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
    return (await (await fetch(`${managed.adminUrl}/api/v1${path}`, request)).json()) as Record<string, unknown>
  }
  const list = async (sort: string, count: number): Promise<readonly number[]> => {
    const url = `${managed.adminUrl}/api/v1/sessions?sort=${sort}&pageSize=100`
    const args = [...SOURCE_OPTIONS, join(import.meta.dirname, 'lister.ts'), url, String(count)]
    const env = { ...process.env, AUTHORIZATION: headers.authorization }
    const { stdout } = await run(process.execPath, args, { env, maxBuffer: 64 * MIB })
    const { totals, timesMs } = JSON.parse(stdout) as { totals: readonly unknown[]; timesMs: readonly number[] }
    if (totals.some((total) => total !== sessions)) faults.push(`${String(totals)} sessions are listed of ${sessions}`)
    return timesMs.toSorted((one, other) => one - other)
  }
  for (const sort of SORTS) await list(sort, 100)
  const heapBefore = (await managed.measure()).heapBytes
  for (const sort of SORTS) {
    const times = await list(sort, listings)
    const p99 = quantile(times, 0.99)
    console.log(
      `${sessions} sessions, a page of 100 of them by ${sort}: p50 ${quantile(times, 0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
    )
    // Where each session has to be looked at, the processor's memory sets the pace: said, and not judged.
    if (sort === SORTS[0] && p99 > PAGE_MS) faults.push(`a page by ${sort} within ${PAGE_MS} ms`)
  }
  const grownBytes = (await managed.measure()).heapBytes - heapBefore
  console.log(`the heap grew by ${(grownBytes / listings / SORTS.length).toFixed()} bytes for each page`)
  if (grownBytes > MIB) faults.push('listing leaves memory behind')

  ada.begins()
  const startedMs = performance.now()
  const kicked = await ask('/kick', { match: { subject: 'ada' }, hold: '0s', reason: 'a measurement' })
  const answeredMs = performance.now() - startedMs
  await within(ada.isOver(), 'the last frame', 60_000)
  const goneMs = performance.now() - startedMs
  const toldMs = Math.max(...ada.clients.map(({ toldAtMs }) => toldAtMs)) - startedMs
  console.log(
    `kick of ${KICKED} of one person: ${JSON.stringify(kicked)} after ${answeredMs.toFixed()} ms, the last one got its last frame after ${toldMs.toFixed()} ms and was gone after ${goneMs.toFixed()} ms`,
  )
  if (kicked['ended'] !== KICKED) faults.push(`${KICKED} are kicked`)
  if (toldMs > KICK_MS) faults.push(`the last frame within ${KICK_MS} ms`)
} finally {
  await managed.stop()
  await without.stop()
  await rabbit.stop()
}
for (const fault of faults) console.log(`NOT AS IT SHOULD BE: ${fault}`)
process.exit(faults.length > 0 ? 1 : 0)
