/**
 * `npm run test:clients [-- NAME …]`: runs the own test suites of AMQP clients twice, straight at a RabbitMQ and through
 * the gateway, and compares test by test. Differences that docs/clients.md does not explain make it fail.
 *
 * It is a command of its own and no part of CI: the suites are other people's, and have to lie on the machine. Those in
 * folders of `CLIENT_SUITES` are found by the client's name. One that is not there is skipped, and the report says so.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashPassword } from '../../auth/index.ts'
import { spawnGuarded } from '../../src/demo/processes.ts'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { startGateway } from '../../src/index.ts'
import { DIFFERENCES } from './differences.ts'
import { FrontPort, PORT, toTcp, toWebSocket, type Way } from './front-port.ts'
import type { Outcomes } from './outcomes.ts'
import { SUITES, type Suite } from './suites.ts'

const GUEST = 'guest'
/** A suite that hangs is ended after this. */
const SUITE_TIMEOUT_MS = 600_000
const SAID_LENGTH = 600

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** One run of a suite. Its processes end with it, and with us. */
async function run(suite: Suite, folder: string, way: Way): Promise<Outcomes> {
  const scratch = await mkdtemp(join(tmpdir(), 'gatehouse-clients-'))
  const report = join(scratch, 'report.xml')
  const port = await FrontPort.open(way)
  try {
    let output = ''
    const child = await spawnGuarded(suite.command(report), {
      cwd: folder,
      env: { ...process.env, ...suite.env },
      folder: scratch,
      output: (text) => {
        output += text
      },
    })
    const timer = setTimeout(() => void child.kill(), SUITE_TIMEOUT_MS)
    await child.ended
    clearTimeout(timer)
    await child.kill()
    return read(suite, report, output)
  } finally {
    await port.close()
    await rm(scratch, { recursive: true, force: true })
  }
}

/** @throws Error with the end of what the suite printed, where no test of it passes: that compares nothing */
function read(suite: Suite, report: string, output: string): Outcomes {
  const outcomes = suite.read(report, output)
  if ([...outcomes.values()].some(({ outcome }) => outcome === 'pass')) return outcomes
  throw new Error(`${suite.name}: no test passes:\n${output.slice(-4_000)}`)
}

/** What passes straight and not through the gateway. @returns how many of them nothing explains */
function compare(name: string, straight: Outcomes, through: Outcomes): number {
  const count = (of: Outcomes, outcome: string) => [...of.values()].filter((one) => one.outcome === outcome).length
  say(
    `${name}: ${count(straight, 'pass')} of ${straight.size} pass straight, ${count(through, 'pass')} through the gateway`,
  )
  let unexplained = 0
  for (const [test, { outcome }] of straight) {
    const gateway = through.get(test)
    if (outcome !== 'pass' || gateway?.outcome === 'pass') continue
    const known = DIFFERENCES.find((one) => one.client === name && one.test === test)
    say(`  ${known === undefined ? 'UNEXPLAINED' : 'intended'}: ${test}${known === undefined ? '' : `: ${known.why}`}`)
    if (known !== undefined) continue
    unexplained++
    say(`    ${(gateway?.said ?? 'it did not run').trim().slice(0, SAID_LENGTH).replaceAll('\n', '\n    ')}`)
  }
  for (const { client, test } of DIFFERENCES) {
    if (client === name && through.get(test)?.outcome === 'pass') say(`  differs no more: ${test}`)
  }
  return unexplained
}

const names = process.argv.slice(2)
const root = process.env['CLIENT_SUITES'] ?? ''
const rabbit = await startRabbit({ source: 'private' })
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
const authorization = `Basic ${Buffer.from(`${GUEST}:${GUEST}`).toString('base64')}`
const ways: readonly [Way, Way] = [
  toTcp(rabbit.port, rabbit.host),
  toWebSocket(`${gateway.addresses[0]?.url}/amqp`, { authorization }),
]
let unexplained = 0
try {
  for (const suite of SUITES.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const folder = suite.folder ?? join(root, suite.name)
    if (!existsSync(join(folder, suite.needs.file))) {
      say(`${suite.name}: SKIPPED: ${folder} has no ${suite.needs.file}; it takes ${suite.needs.remedy}`)
      continue
    }
    const straight = await run(suite, folder, ways[0])
    unexplained += compare(suite.name, straight, await run(suite, folder, ways[1]))
  }
} finally {
  await gateway.close()
  await rabbit.stop()
}
say(
  unexplained === 0
    ? `every difference on port ${PORT} is intended`
    : `${unexplained} differences that nothing explains`,
)
process.exitCode = unexplained === 0 ? 0 : 1
