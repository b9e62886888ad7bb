/**
 * `npm run bench:workers`: what several processes cost as one gateway. The same gateway runs as one process and with workers,
 * beside one another, and both are measured in turn; processor time is that of all processes. Beside them stand as many gateways
 * of one process each, which share nothing: what several processes on one machine cost in any case. Then sessions are opened at
 * the one with workers, a worker is killed, and others take its place. Ends with 1 where a message or a set-up takes more than 1.05
 * of the processor time of one process, a worker has 5 % more or fewer sessions than the mean, or the next worker takes longer
 * than a second.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { type Door, Peer } from '../support/load-peer.ts'
import { quantile } from '../support/quantile.ts'
import { until } from '../support/until.ts'
import { prepareBroker } from './broker.ts'
import { spawnGateway } from './gateway.ts'
import { processorMicroseconds } from './process.ts'
import { publish } from './scenarios.ts'

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    workers: { type: 'string', default: '2' },
    messages: { type: 'string', default: '100000' },
    'set-ups': { type: 'string', default: '400' },
    warm: { type: 'string', default: '4000' },
    sessions: { type: 'string', default: '400' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(
    'npm run bench:workers -- [--runs N (5)] [--workers N (2)] [--messages N (100000)] [--set-ups N (400)] [--warm N (4000)] [--sessions N (400)]',
  )
  process.exit()
}
const [runs, workers, messages, setUps, warm, sessions] = [
  options.runs,
  options.workers,
  options.messages,
  options['set-ups'],
  options.warm,
  options.sessions,
].map(Number) as [number, number, number, number, number, number]

const MOST_PROCESSOR = 1.05
const MOST_SPREAD = 0.05
const MOST_MS = 1_000
const KIB = 1024
/** As many clients at once as keep all processes at work. */
const CLIENTS = 8
/** For each process to be there. */
const START_MS = 120_000

interface Measured {
  readonly pids: readonly number[]
  /** One of each gateway; clients take turns. */
  readonly doors: readonly Door[]
  readonly tokenDoors: readonly Door[]
}

let isMissed = false
const rabbit = await startRabbit({ source: 'private', config: ['log.console = false', 'connection_max = infinity'] })
const stops: (() => unknown)[] = []
try {
  const broker = await prepareBroker(rabbit)
  const start = async (count: number): Promise<Measured> => {
    const { child, port, token } = await spawnGateway('promotion', broker, { workers: count })
    stops.push(() => child.kill('SIGTERM'))
    const door = { url: `ws://127.0.0.1:${port}/amqp`, vhost: '/', user: 'nobody', password: 'nothing' }
    const withCredential = (authorization: string): Door => ({ ...door, headers: { authorization } })
    const tokenDoor = withCredential(`Bearer ${token}`)
    await until(async () => (await Peer.open(tokenDoor)).close().then(() => true), 'the gateway', START_MS)
    const basic = withCredential(`Basic ${Buffer.from('joe.smith:welcome').toString('base64')}`)
    return { pids: [child.pid ?? 0], doors: [basic], tokenDoors: [tokenDoor] }
  }
  const one = await start(1)
  const several = await start(workers)
  const alone: Measured[] = []
  while (alone.length < workers) alone.push(await start(1))
  const apart: Measured = {
    pids: alone.flatMap(({ pids }) => pids),
    doors: alone.flatMap(({ doors }) => doors),
    tokenDoors: alone.flatMap(({ tokenDoors }) => tokenDoors),
  }

  const spent = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + processorMicroseconds(pid), 0)
  const each = async ({ pids }: Measured, count: number, work: () => Promise<unknown>): Promise<number> => {
    const before = spent(pids)
    await work()
    return (spent(pids) - before) / count
  }
  const clients = async (work: (client: number) => Promise<unknown>): Promise<void> => {
    await Promise.all(Array.from({ length: CLIENTS }, async (_, client) => await work(client)))
  }
  const open = async (doors: readonly Door[], count: number, first = 0): Promise<void> => {
    for (let opened = first; opened < first + count; opened++)
      await (await Peer.open(doors[opened % doors.length] as Door)).close()
  }
  // The first sessions of a process cost more, and each worker has a part of them.
  for (const [gateway, count] of [
    [one, warm],
    [several, warm * workers],
    [apart, warm * workers],
  ] as const)
    await clients((client) => open(gateway.tokenDoors, Math.ceil(count / CLIENTS), client))
  const share = Math.ceil(setUps / CLIENTS)
  const scenarios: readonly (readonly [name: string, measure: (gateway: Measured) => Promise<number>])[] = [
    // One client: of several, fewer are with each worker, and each turn of its event loop has less to put together.
    [
      'publish, 1 KiB',
      async ({ pids: [pid = 0], doors: [door] }) =>
        (await publish({ name: '', pid, door: door as Door, stop: () => undefined }, KIB, messages))[
          'µs of processor each'
        ] ?? Number.NaN,
    ],
    [
      'set-up with a token, one after the other',
      async (gateway) => await each(gateway, setUps, () => open(gateway.tokenDoors, setUps)),
    ],
    [
      `set-up with a token, ${CLIENTS} clients`,
      async (gateway) =>
        await each(gateway, share * CLIENTS, () => clients((client) => open(gateway.tokenDoors, share, client))),
    ],
    [
      `set-up with a password, ${CLIENTS} clients`,
      async (gateway) =>
        await each(gateway, share * CLIENTS, () => clients((client) => open(gateway.doors, share, client))),
    ],
  ]
  for (const [name, measure] of scenarios) {
    const measured = new Map<Measured, number[]>([
      [one, []],
      [several, []],
      [apart, []],
    ])
    // For nothing at first: code that never ran is slow, and one client at a time is with one worker at a time.
    for (const gateway of measured.keys())
      for (let run = 0; run < (gateway === several ? 2 * workers : 2); run++) await measure(gateway)
    for (let run = 0; run < runs; run++) for (const [gateway, figures] of measured) figures.push(await measure(gateway))
    const median = (gateway: Measured): number => quantile([...(measured.get(gateway) ?? [])].sort(ascending), 0.5)
    const [single, together, besides] = [median(one), median(several), median(apart)]
    const isTooMuch = together / single > MOST_PROCESSOR
    isMissed ||= isTooMuch
    console.log(
      `${name}: ${single.toFixed(1)} → ${together.toFixed(1)} µs of processor each; ratio ${(together / single).toFixed(3)}${isTooMuch ? ' (too much)' : ''}; ${workers} gateways that share nothing: ${(besides / single).toFixed(3)}`,
    )
  }

  const peers: Peer[] = []
  await clients(async () => {
    while (peers.length < sessions) peers.push(await Peer.open(several.tokenDoors[0] as Door))
  })
  const children = childrenOf(several.pids[0] ?? 0).filter((pid) => socketCount(pid) > 0)
  const counts = children.map(socketCount)
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
  const spread = Math.max(...counts.map((count) => Math.abs(count - mean) / mean))
  isMissed ||= spread > MOST_SPREAD
  console.log(
    `sockets of ${peers.length} sessions, both legs: ${counts.join(', ')}; at most ${(spread * 100).toFixed(1)} % from the mean`,
  )

  for (const peer of peers.splice(0)) await peer.close()
  const [victim = 0] = children
  const killedMs = performance.now()
  process.kill(victim, 'SIGKILL')
  const isBack = async (): Promise<boolean> => {
    const there = childrenOf(several.pids[0] ?? 0).filter((pid) => !children.includes(pid))
    const peer = there.length === 0 ? undefined : await Peer.open(several.tokenDoors[0] as Door)
    if (peer === undefined) return false
    peers.push(peer)
    return there.some((pid) => socketCount(pid) >= 2)
  }
  await until(isBack, 'another worker', START_MS)
  const backMs = performance.now() - killedMs
  isMissed ||= backMs > MOST_MS
  console.log(`a killed worker: another one has sessions after ${Math.round(backMs)} ms`)
  for (const peer of peers) peer.end()
} finally {
  for (const stop of stops.reverse()) stop()
  await rabbit.stop()
}
process.exitCode = isMissed ? 1 : 0

function ascending(one: number, other: number): number {
  return one - other
}

/** Processes that the primary has started. */
function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

/** TCP sockets of a process: of a worker, two for each session. */
function socketCount(pid: number): number {
  const lines = (file: string): readonly string[] =>
    readFileSync(`/proc/${pid}/net/${file}`, 'utf8').split('\n').slice(1)
  const established = new Set([...lines('tcp'), ...lines('tcp6')].flatMap((line) => inodeOf(line.trim().split(/\s+/))))
  return descriptorsOf(pid).filter((inode) => established.has(inode)).length
}

function inodeOf(fields: readonly string[]): readonly string[] {
  return fields[3] === '01' && fields[9] !== undefined ? [fields[9]] : []
}

function descriptorsOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
    } catch {
      return []
    }
  })
}
