/**
 * `npm run bench`: Gatehouse beside what one would use instead, in one run and interleaved, in front of a private
 * RabbitMQ. Prints medians, spreads and ratios; judges nothing. Everything is on this machine.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { prepareBroker } from './broker.ts'
import { chart } from './chart.ts'
import { external, type Relay, startRelays } from './relays.ts'
import { type Measured, rows, table } from './report.ts'
import { consume, type Figures, idle, publish, publishWithConfirms, roundTrip, setUp, storm } from './scenarios.ts'

const USAGE = `npm run bench -- [options]
  --only TEXT      scenarios whose name contains it (may be repeated)
  --relays NAMES   of direct, pipe, native-pipe, websockify, promotion, permissions, everything (default: all), and connect
  --relay SPEC     one more relay that runs already: NAME=ws://127.0.0.1:PORT/PATH,PROCESS_ID (may be repeated)
  --runs N         how often each is measured, in turn (default 5)
  --scale X        multiplies how many messages are sent (default 1)
  --sessions N     sessions of the largest idle measurement (default 1000; 9500 needs 20000 file descriptors)
  --json FILE      writes the figures
  --svg FILE       draws processor time for each message
  --profile FOLDER writes a processor profile of each relay that Node.js runs, when it ends`

const RELAY_NAMES = ['direct', 'pipe', 'native-pipe', 'websockify', 'promotion', 'permissions', 'everything']

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    relays: { type: 'string', default: RELAY_NAMES.join(',') },
    relay: { type: 'string', multiple: true, default: [] },
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
const unknown = relayNames.find((name) => !RELAY_NAMES.includes(name))
if (unknown !== undefined) misused(`--relays: there is no '${unknown}'; there are ${RELAY_NAMES.join(', ')}`)

const started: Relay[] = []
const rabbit = await startRabbit({ source: 'private', config: ['log.console = false', 'connection_max = infinity'] })
try {
  const broker = await prepareBroker(rabbit)
  const [direct] = await startRelays(broker, ['direct'], [])
  const relays = await startRelays(
    broker,
    relayNames.filter((name) => name !== 'direct'),
    options.relay.map((spec) => external(broker, spec)),
    options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`],
  )
  started.push(...relays)
  if (direct === undefined) throw new Error('no broker')
  console.log(
    `Node.js ${process.version}, RabbitMQ ${rabbit.version}, ${cpus().length} × ${cpus()[0]?.model}; ${runs} runs of each, interleaved`,
  )
  const measured: Measured[] = []
  for (const scenario of chosen) {
    const figures = await measure(scenario, relays, direct)
    measured.push(figures)
    console.log(table(figures))
  }
  const all = measured.flatMap(rows)
  if (options.json !== undefined)
    writeFileSync(
      options.json,
      `${JSON.stringify({ node: process.version, rabbitmq: rabbit.version, rows: all }, undefined, 1)}\n`,
    )
  if (options.svg !== undefined) writeFileSync(options.svg, chart(all))
} finally {
  for (const relay of started) relay.stop()
  await rabbit.stop()
}

function misused(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

async function measure(scenario: Scenario, relays: readonly Relay[], direct: Relay): Promise<Measured> {
  const all = scenario.withDirect === true ? [direct, ...relays] : relays
  const figures = new Map<string, Figures[]>(all.map(({ name }) => [name, []]))
  // One run that is not counted: compilers and caches warm up at every relay's own expense.
  if (scenario.once !== true) for (const relay of all) await scenario.measure(relay, direct)
  for (let run = 0; run < (scenario.once === true ? 1 : runs); run++) {
    // Whoever comes first meets another broker and another machine than whoever comes last.
    const first = run % all.length
    for (const relay of [...all.slice(first), ...all.slice(0, first)])
      figures.get(relay.name)?.push(await scenario.measure(relay, direct))
  }
  return { scenario: scenario.name, runs: figures }
}
