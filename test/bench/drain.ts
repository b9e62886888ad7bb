/**
 * `npm run bench:drain`: drains a gateway of many sessions, of which a tenth publish with confirms and consume with
 * acknowledgements, ten messages a second each, answered within 100 ms. Says what became of their messages, where the
 * sessions ended, and how long it took. Ends with 1 where a confirmed message is lost, one would come again, a frame is
 * cut, fewer than 99 % end at a quiet point, or it takes longer than `over` and `quiet`.
 */
import { parseArgs } from 'node:util'
import { hashPassword } from '../../auth/index.ts'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { basic, PASSWORD } from '../support/door.ts'
import { DrainLoad } from '../support/drain-load.ts'
import { startMeasuredGateway } from '../support/measured-gateway.ts'
import { until } from '../support/until.ts'

const { values: options } = parseArgs({
  options: {
    sessions: { type: 'string', default: '5000' },
    over: { type: 'string', default: '10' },
    quiet: { type: 'string', default: '2' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log('npm run bench:drain -- [--sessions N (5000)] [--over SECONDS (10)] [--quiet SECONDS (2)]')
  process.exit()
}

const [sessions, over, quiet] = [Number(options.sessions), Number(options.over), Number(options.quiet)]
const busy = Math.round(sessions / 10)
const [most, share] = [(over + quiet) * 1000, 0.99]
const TRAFFIC_MESSAGES = 20

const rabbit = await startRabbit({ source: 'private', config: ['log.console.level = warning'] })
await rabbit.management.addUser('load', 'load')
await rabbit.management.permit('load', '/')
const gateway = await startMeasuredGateway({
  listen: { host: '127.0.0.1', port: 0 },
  admin: {
    port: 0,
    authenticate: ['staff'],
    roles: { operator: { subject: 'ada' } },
  },
  brokers: {
    main: {
      urls: [`amqp://${rabbit.host}:${rabbit.port}`],
      credentials: { load: { username: 'load', password: 'load' } },
    },
  },
  authenticators: {
    staff: { type: 'basic', users: { ada: { password: await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 }) } } },
  },
  services: [
    {
      path: '/amqp',
      broker: 'main',
      vhost: '/',
      authenticate: ['staff'],
      limits: { handshakesPerAddress: 1000, sessionsPerIdentity: 100_000 },
      promote: [{ to: 'load' }],
    },
  ],
})
let isMissed = false
try {
  const headers = { authorization: basic('ada') }
  const startedMs = performance.now()
  const load = await DrainLoad.open(
    { url: `${gateway.url}/amqp`, headers },
    { busy, idle: sessions - busy, 'never acknowledges': 0 },
  )
  console.log(
    `${sessions} sessions after ${((performance.now() - startedMs) / 1000).toFixed()} s, ${busy} of them at work`,
  )
  await until(
    () => load.clients.every(({ habit, confirmed }) => habit === 'idle' || confirmed.size >= TRAFFIC_MESSAGES),
    'traffic of all',
    120_000,
  )
  load.begins()
  const response = await fetch(`${gateway.adminUrl}/api/v1/drain`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ over: `${over}s`, quiet: `${quiet}s` }),
  })
  console.log(`POST /api/v1/drain: ${response.status} ${(await response.text()).trim()}`)
  await load.isOver()
  const counters = await gateway.counters()
  const { confirmed, lost, redelivered, cut, medianMs, lastMs } = await load.report(rabbit.url)
  const atQuiet = counters.get('gatehouse_drained_total{at="quiet"}') ?? 0
  const atDeadline = counters.get('gatehouse_drained_total{at="deadline"}') ?? 0
  console.log(`confirmed ${confirmed}, lost ${lost}, would come again ${redelivered}, clients with a cut frame ${cut}`)
  console.log(
    `ended at a quiet point ${atQuiet}, at the deadline ${atDeadline}; half of them after ${(medianMs / 1000).toFixed(2)} s, the last after ${(lastMs / 1000).toFixed(2)} s`,
  )
  isMissed = lost + redelivered + cut > 0 || atQuiet < share * sessions || lastMs > most
} finally {
  await gateway.stop()
  await rabbit.stop()
}
process.exit(isMissed ? 1 : 0)
