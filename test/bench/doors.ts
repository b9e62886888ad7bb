/**
 * `npm run bench:door`: what a door costs. One gateway has two listeners, one of its own with TLS and one behind a door; both are
 * measured in turn. Then many clients arrive at each. Everything is on this machine. Ends with 1 where the gateway's
 * processor time for a byte is more than 1.2 of that at its own listener, a round trip takes 100 µs longer, or a client was
 * not served.
 */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { Peer } from '../support/load-peer.ts'
import { quantile } from '../support/quantile.ts'
import { until } from '../support/until.ts'
import { Wall } from '../support/wall.ts'
import { COMMAND, spawnGateway } from './gateway.ts'
import type { Relay } from './relays.ts'
import { consume, type Figures, publish, roundTrip } from './scenarios.ts'

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    sessions: { type: 'string', default: '2000' },
    rate: { type: 'string', default: '200' },
    spare: { type: 'string', default: '32' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(
    `npm run bench:door -- [--runs N (3)] [--scale X (1)] [--sessions N (2000)] [--rate PER_SECOND (200)] [--spare N (32)]`,
  )
  process.exit()
}
const [runs, scale, sessions, rate, spare] = [
  options.runs,
  options.scale,
  options.sessions,
  options.rate,
  options.spare,
].map(Number) as [number, number, number, number, number]
const times = (count: number): number => Math.max(1, Math.round(count * scale))

const MOST_PROCESSOR = 1.2
const MOST_MICROSECONDS = 100
const KIB = 1024
/** For each process to be there. */
const START_MS = 120_000

const wall = await Wall.build()
const rabbit = await startRabbit({ source: 'private', config: ['log.console = false', 'connection_max = infinity'] })
const stops: (() => unknown)[] = []
let isMissed = false
try {
  const broker = { rabbit, vhost: 'bench', user: 'bench', password: 'bench' }
  await rabbit.management.addVhost(broker.vhost)
  await rabbit.management.addUser(broker.user, broker.password)
  await rabbit.management.permit(broker.user, broker.vhost)
  const plain = { url: `amqp://${rabbit.host}:${rabbit.port}`, ...broker }
  const setUp = await Peer.open(plain)
  const none = { passive: false, durable: false, autoDelete: false, internal: false, noWait: false, arguments: [] }
  await setUp.call('exchange.declare', { exchange: 'bench.drop', type: 'fanout', ...none }, 'exchange.declare-ok')
  await setUp.close()

  const doorFile = join(wall.certificates.folder, 'door.yaml')
  const limits = { connectionsPerAddress: 100_000 }
  writeFileSync(doorFile, JSON.stringify({ ...wall.input({ limits }), log: { level: 'info' } }), { mode: 0o600 })
  const door = spawn(process.execPath, [COMMAND, 'door', '-c', doorFile], { stdio: ['ignore', 'pipe', 'inherit'] })
  stops.push(() => door.kill('SIGTERM'))
  // For a run that ends by an uncaught error.
  process.once('exit', () => door.kill())
  const urls = new Map<string, URL>()
  createInterface({ input: door.stdout }).on('line', (line) => {
    const { event, url } = JSON.parse(line) as { event: string; url?: string }
    if (url !== undefined) urls.set(event, new URL(url))
  })
  const inner = await until(() => urls.get('door-ready'), 'the door', START_MS)
  const outer = await until(() => urls.get('door-started'), 'the door', START_MS)
  const admin = await until(() => urls.get('admin-started'), 'the door', START_MS)

  const { server, authority } = wall.certificates
  const gateway = await spawnGateway('promotion', broker, {
    listen: (port) => [
      { host: '127.0.0.1', port, tls: { cert: server.certFile, key: server.keyFile } },
      wall.listener([`tls://${inner.host}`], spare),
    ],
  })
  stops.push(() => gateway.child.kill('SIGTERM'))
  const spareNow = async (): Promise<number> => {
    const text = await (await fetch(new URL('/metrics', admin))).text()
    return Number(/^gatehouse_door_spare\{site="\*"\} (\d+)/m.exec(text)?.[1] ?? 0)
  }
  await until(async () => (await spareNow()) === spare, 'spare connections', START_MS)
  const headers = { authorization: `Bearer ${gateway.token}` }
  const relay = (name: string, port: string | number, pid: number | undefined): Relay => ({
    name,
    pid,
    door: {
      url: `wss://localhost:${port}/amqp`,
      vhost: '/',
      user: 'nobody',
      password: 'nothing',
      headers,
      ca: authority.ca,
    },
    stop: () => undefined,
  })
  const own = relay('its own listener', gateway.port, gateway.child.pid)
  const behind = relay('behind the door', outer.port, gateway.child.pid)

  const scenarios: readonly (readonly [name: string, measure: (relay: Relay) => Promise<Figures>])[] = [
    ['publish, 1 KiB', (one) => publish(one, KIB, times(20_000))],
    ['publish, 64 KiB', (one) => publish(one, 64 * KIB, times(1_500))],
    ['consume, 1 KiB', (one) => consume(one, plain, KIB, times(20_000), { acknowledged: false })],
    ['consume, 64 KiB', (one) => consume(one, plain, 64 * KIB, times(1_500), { acknowledged: false })],
    ['round trip, 16 B', (one) => roundTrip(one, 16, times(2_000))],
  ]
  for (const [name, measure] of scenarios) {
    const measured = new Map<Relay, Figures[]>([
      [own, []],
      [behind, []],
    ])
    // Once for nothing: code that never ran is slow.
    for (let run = 0; run <= runs; run++)
      for (const [one, figures] of measured) {
        const found = await measure(one)
        if (run > 0) figures.push(found)
      }
    const figure = name.startsWith('round') ? 'µs p50' : 'µs of processor each'
    const median = (one: Relay): number =>
      quantile(
        (measured.get(one) ?? []).map((found) => found[figure] ?? Number.NaN).sort((a, b) => a - b),
        0.5,
      )
    const [before, after] = [median(own), median(behind)]
    const isTooMuch = name.startsWith('round') ? after - before > MOST_MICROSECONDS : after / before > MOST_PROCESSOR
    isMissed ||= isTooMuch
    console.log(
      `${name}: ${before.toFixed(1)} → ${after.toFixed(1)} ${figure}; ratio ${(after / before).toFixed(2)}${isTooMuch ? ' (too much)' : ''}`,
    )
  }

  for (const [one, through] of [
    [own, 'without a door'],
    [behind, `through ${spare} spare connections`],
  ] as const) {
    const { openMs, lostCount, seconds } = await arrive(one)
    console.log(
      `${openMs.length} sessions in ${seconds.toFixed(1)} s (asked: ${rate} a second) ${through}, ${lostCount} lost; ` +
        `until open: ${quantile(openMs, 0.5).toFixed()} ms p50, ${quantile(openMs, 0.99).toFixed()} ms p99`,
    )
    isMissed ||= lostCount > 0
  }
} finally {
  for (const stop of stops) stop()
  await rabbit.stop()
  await wall.remove()
}
process.exitCode = isMissed ? 1 : 0

interface Arrived {
  /** Sorted. */
  readonly openMs: readonly number[]
  readonly lostCount: number
  readonly seconds: number
}

/** So many clients at this pace; they stay until all are there. */
async function arrive({ door }: Relay): Promise<Arrived> {
  const openMs: number[] = []
  const peers: Peer[] = []
  let lostCount = 0
  const startedMs = performance.now()
  const arriving: Promise<void>[] = []
  const open = async (): Promise<void> => {
    const sinceMs = performance.now()
    try {
      peers.push(await Peer.open(door))
      openMs.push(performance.now() - sinceMs)
    } catch {
      lostCount += 1
    }
  }
  for (let count = 0; count < sessions; count++) {
    const dueMs = startedMs + (count * 1000) / rate
    if (dueMs > performance.now()) await pause(dueMs - performance.now())
    arriving.push(open())
  }
  await Promise.all(arriving)
  const seconds = (performance.now() - startedMs) / 1000
  for (const peer of peers) peer.end()
  return { openMs: openMs.sort((a, b) => a - b), lostCount, seconds }
}
