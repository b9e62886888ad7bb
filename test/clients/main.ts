/**
 * `npm run test:clients [-- NAME …] [--suite NAME=DIR …] [--through connect]`: runs the own test suites of AMQP clients twice, straight at a
 * RabbitMQ and through the gateway, and compares test by test. Differences that docs/clients.md does not explain make it
 * fail, and so do figures that are not those of docs/clients.md.
 *
 * With `--through connect` the clients' way to the gateway is `gatehouse connect`, which speaks a little AMQP itself; without,
 * a bridge that moves bytes.
 *
 * It is a command of its own and no part of CI: the suites are other people's. Those of npm and Debian are installed, the
 * others lie in folders that `--suite` names. One that is not there is skipped, and the report says what it takes.
 */
import { parseArgs } from 'node:util'
import { hashPassword, Secret } from '../../auth/index.ts'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { startGateway } from '../../src/index.ts'
import { Connect } from '../../src/tunnel/connect/connect.ts'
import { passwordLogin } from '../../src/tunnel/connect/login/constant.ts'
import { compare, eitherPassed, staleFigures, unexplained } from './compare.ts'
import { findSuite } from './find-suite.ts'
import { PORT, toTcp, toWebSocket, type Way } from './front-port.ts'
import type { Outcomes } from './outcomes.ts'
import { runSuite } from './run-suite.ts'
import { SUITES } from './suites.ts'

const GUEST = 'guest'
/** Most of the time it starts within seconds; machines that are busy with other tests take longer. */
const BROKER_START_MS = 300_000
/** So often a suite is run again: some tests have limits of milliseconds, which a busy machine exceeds. */
const AGAIN_MAX = 2
const USAGE = 2

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    suite: { type: 'string', multiple: true, default: [] },
    through: { type: 'string', default: 'bridge' },
  },
})
if (values.through !== 'bridge' && values.through !== 'connect') {
  say(`--through ${values.through}: expected bridge or connect`)
  process.exit(USAGE)
}
const folders = new Map(
  values.suite.map((text): [string, string | undefined] => {
    const [name = '', folder] = text.split(/=(.*)/s, 2)
    return [name, folder]
  }),
)
const known = SUITES.map(({ name }) => name)
for (const name of [...positionals, ...folders.keys()]) {
  if (known.includes(name) && (!folders.has(name) || folders.get(name) !== undefined)) continue
  say(`${name}: expected one of ${known.join(', ')}, and a folder as --suite NAME=DIR`)
  process.exit(USAGE)
}

const rabbit = await startRabbit({ source: 'private', startDeadlineMs: BROKER_START_MS })
await rabbit.management.addUser(GUEST, GUEST, ['administrator'])
await rabbit.management.permit(GUEST, '/')
const gateway = await startGateway({
  listen: { host: '127.0.0.1', port: 0 },
  brokers: {
    main: {
      urls: [`amqp://${rabbit.host}:${rabbit.port}`],
      credentials: { guest: { username: GUEST, password: GUEST, allowLoopbackUser: true } },
    },
  },
  authenticators: {
    people: { type: 'basic', users: { guest: { password: await hashPassword(GUEST, { ln: 10, r: 8, p: 1 }) } } },
  },
  services: [{ path: '/amqp', broker: 'main', vhosts: ['/'], authenticate: ['people'], promote: [{ to: 'guest' }] }],
  log: { level: 'silent' },
  drain: '0s',
})
const url = `${gateway.addresses[0]?.url}/amqp`
const connect = values.through === 'connect' ? await startConnect(url) : undefined
const authorization = `Basic ${Buffer.from(`${GUEST}:${GUEST}`).toString('base64')}`
const ways: readonly [Way, Way] = [
  toTcp(rabbit.port, rabbit.host),
  connect === undefined ? toWebSocket(url, { authorization }) : toTcp(connect.port ?? 0, '127.0.0.1'),
]

async function startConnect(to: string): Promise<Connect> {
  return await Connect.start({
    url: new URL(to),
    listen: { host: '127.0.0.1', port: 0 },
    login: passwordLogin(GUEST, new Secret(GUEST)),
    secureContext: async () => undefined,
    localPassword: undefined,
    status: undefined,
    write: () => undefined,
    clientEnded: () => undefined,
  })
}

/** Runs a suite, and again while its outcomes are wrong: a test passes if it does so in one of the runs. */
async function runAgain(
  name: string,
  once: () => Promise<Outcomes>,
  wrong: (outcomes: Outcomes) => string | undefined,
): Promise<Outcomes> {
  let outcomes = await once()
  for (let again = 0; again < AGAIN_MAX; again++) {
    const why = wrong(outcomes)
    if (why === undefined) break
    say(`${name}: once more: ${why}`)
    outcomes = eitherPassed(outcomes, await once())
  }
  return outcomes
}

let mistakes = 0
let skipped = 0
try {
  for (const suite of SUITES.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
    const found = await findSuite(suite, folders.get(suite.name), say).catch((error: Error) => error)
    if (found instanceof Error) {
      skipped++
      say(`${suite.name}: SKIPPED: ${found.message}`)
      continue
    }
    const [bare, gatewayed] = ways
    const straight = await runAgain(
      suite.name,
      () => runSuite(suite, found.folder, bare),
      (outcomes) => staleFigures(suite.name, found.version, outcomes),
    )
    const through = await runAgain(
      suite.name,
      () => runSuite(suite, found.folder, gatewayed),
      (outcomes) => unexplained(suite.name, straight, outcomes).join(', ') || undefined,
    )
    const comparison = compare(suite.name, found.version, straight, through)
    mistakes += comparison.mistakes
    for (const line of comparison.lines) say(line)
  }
} finally {
  await connect?.close()
  await gateway.close()
  await rabbit.stop()
}
const left = skipped === 0 ? '' : `; ${skipped} suites skipped`
say(mistakes === 0 ? `every difference on port ${PORT} is intended${left}` : `${mistakes} mistakes${left}`)
process.exitCode = mistakes === 0 ? 0 : 1
