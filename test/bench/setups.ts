/**
 * `npm run bench:setups`: what it costs to set a session up. In each run every relay starts anew: its first sessions are
 * those of a young process, and when many have been opened it is measured again, warm. The last two relays hold ten and
 * 10,000 rules and permissions that name one person each. Prints processor time and ratios; judges nothing.
 */
import { parseArgs } from 'node:util'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { prepareBroker } from './broker.ts'
import { startRelays, withOther } from './relays.ts'
import { type Measured, rows, table } from './report.ts'
import { type Figures, setUp } from './scenarios.ts'

const NAMES = ['pipe', 'promotion', 'permissions', 'everything', 'ten of each', '10,000 of each']

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    young: { type: 'string', default: '200' },
    between: { type: 'string', default: '2000' },
    warm: { type: 'string', default: '800' },
    other: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(
    'npm run bench:setups -- [--runs N (5)] [--young SESSIONS (200)] [--between SESSIONS (2000)] [--warm SESSIONS (800)] [--other FOLDER]',
  )
  process.exit()
}

/** A setting of many rules needs a newer version than most that one measures beside. */
const RELAYS = options.other === undefined ? NAMES : withOther(NAMES.filter((name) => !name.endsWith('each')))

const young = new Map<string, Figures[]>()
const warm = new Map<string, Figures[]>()

const rabbit = await startRabbit({ source: 'private', config: ['log.console = false', 'connection_max = infinity'] })
try {
  const broker = await prepareBroker(rabbit)
  for (let run = 0; run < Number(options.runs); run++) {
    const turn = RELAYS.map((_, at) => RELAYS[(at + run) % RELAYS.length] as string)
    for (const name of turn) {
      const [relay] = await startRelays(broker, [name], { other: options.other })
      if (relay === undefined) throw new Error(`${name} did not start`)
      try {
        add(young, relay.name, await setUp(relay, Number(options.young)))
        await setUp(relay, Number(options.between))
        add(warm, relay.name, await setUp(relay, Number(options.warm)))
      } finally {
        relay.stop()
      }
    }
    process.stderr.write(`run ${run + 1} of ${options.runs}\n`)
  }
} finally {
  await rabbit.stop()
}

for (const measured of [
  { scenario: `set-up in a young process (its first ${options.young} sessions)`, runs: young },
  { scenario: 'set-up in a warm process', runs: warm },
]) {
  console.log(table(measured))
  console.log(`  10,000 rules and permissions beside ten: ${ofMany(measured)?.toFixed(2) ?? 'not measured'}`)
}

function add(figures: Map<string, Figures[]>, name: string, one: Figures): void {
  figures.set(name, [...(figures.get(name) ?? []), one])
}

/** Median beside median. */
function ofMany(measured: Measured): number | undefined {
  const spent = rows(measured).filter(({ figure }) => figure.startsWith('µs'))
  const [ten, many] = ['ten of each', '10,000 of each'].map((name) => spent.find(({ relay }) => relay.endsWith(name)))
  return ten === undefined || many === undefined ? undefined : many.median / ten.median
}
