/**
 * `npm run bench`: Gatehouse beside what one would use instead, in one run and interleaved, in front of a private
 * RabbitMQ. Each run has processes of its own: two of one program differ by more than most changes of it. Prints medians,
 * spreads and ratios; judges nothing. Everything is on this machine.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { prepareBroker } from './broker.ts'
import { chart } from './chart.ts'
import type { BenchBroker } from './gateway.ts'
import { external, type Relay, startRelays, withOther } from './relays.ts'
import { type Measured, rows, table } from './report.ts'
import { consume, type Figures, idle, publish, publishWithConfirms, roundTrip, setUp, storm } from './scenarios.ts'

const USAGE = `npm run bench -- [options]
  --only TEXT      scenarios whose name contains it (may be repeated)
  --relays NAMES   of direct, pipe, native-pipe, websockify, promotion, permissions, everything (default: all), and connect
  --relay SPEC     one more relay that runs already: NAME=ws://127.0.0.1:PORT/PATH,PROCESS_ID (may be repeated)
  --other FOLDER   Gatehouse of another version, too: a checkout that is built
  --runs N         how often each is measured, in turn (default 5)
  --scale X        multiplies how many messages are sent (default 1)
  --sessions N     sessions of the largest idle measurement (default 1000; 9500 needs 20000 file descriptors)
  --json FILE      writes the figures
  --svg FILE       draws processor time for each message
  --profile FOLDER writes a processor profile of each relay that Node.js runs, when it ends`

const RELAY_NAMES = ['direct', 'pipe', 'native-pipe', 'websockify', 'promotion', 'permissions', 'everything']
/** Measured where it is asked for: what it is in front of is measured, too. */
const KNOWN_NAMES = [...RELAY_NAMES, 'connect']

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    relays: { type: 'string', default: RELAY_NAMES.join(',') },
    relay: { type: 'string', multiple: true, default: [] },
    other: { type: 'string' },
    runs: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    sessions: { type: 'string', default: '1000' },
    json: { type: 'string' },
    svg: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(USAGE)
  process.exit()
}

const runs = Number(options.runs)
const scale = Number(options.scale)
const times = (count: number): number => Math.max(1, Math.round(count * scale))

interface Scenario {
  readonly name: string
  readonly measure: (relay: Relay, direct: Relay) => Promise<Figures>
  /** Measured once: it takes long, and its figure hardly varies. */
  readonly once?: boolean
  readonly withDirect?: boolean
}

const KIB = 1024
const SIZES = [
  { name: '16 B', bytes: 16, count: 60_000 },
  { name: '1 KiB', bytes: KIB, count: 40_000 },
  { name: '64 KiB', bytes: 64 * KIB, count: 3000 },
]

const SCENARIOS: readonly Scenario[] = [
  ...SIZES.map(({ name, bytes, count }) => ({
    name: `publish, ${name}`,
    measure: (relay: Relay) => publish(relay, bytes, times(count)),
  })),
  ...SIZES.map(({ name, bytes, count }) => ({
    name: `publish with confirms, ${name}`,
    measure: (relay: Relay) => publishWithConfirms(relay, bytes, times(count / 2)),
  })),
  ...SIZES.map(({ name, bytes, count }) => ({
    name: `consume, ${name}`,
    measure: (relay: Relay, direct: Relay) => consume(relay, direct.door, bytes, times(count), { acknowledged: false }),
  })),
  ...SIZES.map(({ name, bytes, count }) => ({
    name: `consume with acknowledgements, ${name}`,
    measure: (relay: Relay, direct: Relay) =>
      consume(relay, direct.door, bytes, times(count / 2), { acknowledged: true }),
  })),
  { name: 'round trip, 16 B', measure: (relay) => roundTrip(relay, 16, times(3000)), withDirect: true },
  { name: 'set-up', measure: (relay) => setUp(relay, times(800)) },
  { name: 'set-up with a token', measure: (relay) => setUp(relay, times(800), relay.tokenDoor ?? relay.door) },
  {
    name: `idle, ${options.sessions} sessions`,
    measure: (relay) => idle(relay, Number(options.sessions), 40),
    once: true,
  },
  {
    name: `storm of ${options.sessions} sessions`,
    measure: (relay) => storm(relay, Number(options.sessions)),
    once: true,
  },
]

const { only } = options
const chosen = SCENARIOS.filter(({ name }) => only.length === 0 || only.some((text) => name.includes(text)))
if (chosen.length === 0) misused(`--only: no scenario's name contains ${only.map((text) => `'${text}'`).join(' or ')}`)
const relayNames = options.relays.split(',')
const unknown = relayNames.find((name) => !KNOWN_NAMES.includes(name))
if (unknown !== undefined) misused(`--relays: there is no '${unknown}'; there are ${KNOWN_NAMES.join(', ')}`)

const rabbit = await startRabbit({ source: 'private', config: ['log.console = false', 'connection_max = infinity'] })
try {
  console.log(
    `Node.js ${process.version}, RabbitMQ ${rabbit.version}, ${cpus().length} × ${cpus()[0]?.model}; ${runs} runs of each, interleaved`,
  )
  const figures = new Map<Scenario, Map<string, Figures[]>>(chosen.map((scenario) => [scenario, new Map()]))
  const broker = await prepareBroker(rabbit)
  for (let run = 0; run < runs; run++) {
    await measureAll(broker, run, figures)
    process.stderr.write(`run ${run + 1} of ${runs}\n`)
  }
  const measured = chosen.map(
    ({ name }, at): Measured => ({ scenario: name, runs: [...figures.values()][at] ?? new Map() }),
  )
  for (const one of measured) console.log(table(one))
  const all = measured.flatMap(rows)
  if (options.json !== undefined)
    writeFileSync(
      options.json,
      `${JSON.stringify({ node: process.version, rabbitmq: rabbit.version, rows: all }, undefined, 1)}\n`,
    )
  if (options.svg !== undefined) writeFileSync(options.svg, chart(all))
} finally {
  await rabbit.stop()
}

function misused(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

/** One run of every scenario. */
async function measureAll(
  broker: BenchBroker,
  run: number,
  figures: ReadonlyMap<Scenario, Map<string, Figures[]>>,
): Promise<void> {
  const names = relayNames.filter((name) => name !== 'direct')
  const [direct] = await startRelays(broker, ['direct'])
  if (direct === undefined) throw new Error('no broker')
  const relays = await startRelays(broker, options.other === undefined ? names : withOther(names), {
    extra: options.relay.map((spec) => external(broker, spec)),
    options: options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`],
    other: options.other,
  })
  try {
    for (const [scenario, byRelay] of figures) {
      if (scenario.once === true && run > 0) continue
      const all = scenario.withDirect === true ? [direct, ...relays] : relays
      // Whoever comes first meets another broker and another machine than whoever comes last.
      const first = run % all.length
      for (const relay of all) if (!byRelay.has(relay.name)) byRelay.set(relay.name, [])
      for (const relay of [...all.slice(first), ...all.slice(0, first)]) {
        // One measurement that is not counted: compilers and caches warm up at every relay's own expense. The one that counts
        // follows at once: V8 shrinks the heap of a process that idles, and what comes next costs it more.
        if (scenario.once !== true) await scenario.measure(relay, direct)
        byRelay.get(relay.name)?.push(await scenario.measure(relay, direct))
      }
    }
  } finally {
    for (const relay of relays) relay.stop()
  }
}
