/**
 * `npm run test:rolling`: three gateways behind HAProxy, with Redis and RabbitMQ, are replaced one after the other while
 * clients publish with confirms and consume with acknowledgements. One more is started before each that stops, as the
 * Deployment of deploy/kubernetes does it. ROLLING_SESSIONS says how many clients (300; at most 5,000), a tenth of them at
 * work, ROLLING_PER_SECOND how many are sent away in a second (10), and ROLLING_PUBLISH_MS how often each of those at work
 publishes (100).
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hashPassword } from '../../auth/index.ts'
import { freePorts } from '../../src/demo/processes.ts'
import { type Rabbit, startRabbit } from '../../src/demo/rabbitmq.ts'
import type { ConfigInput } from '../../src/index.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { basic, PASSWORD } from '../support/door.ts'
import { type DrainDoor, drainReport } from '../support/drain-load.ts'
import { FRONT_ADDRESS } from '../support/front-file.ts'
import { quantile } from '../support/quantile.ts'
import { Random } from '../support/random.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { STATE_KEY } from '../support/state/shared-rig.ts'
import { until } from '../support/until.ts'
import { Balancer, type BalancerPorts } from './balancer.ts'
import { RollingClient } from './client.ts'
import { Fleet } from './fleet.ts'

const MOST = 5_000
const SESSIONS = Math.min(MOST, Number(process.env['ROLLING_SESSIONS'] ?? '300'))
/** Each gateway asks so many clients in a second to reconnect: what two cores can open again, with everything on them. */
const PER_SECOND = Number(process.env['ROLLING_PER_SECOND'] ?? '10')
const OVER_SECONDS = Math.max(3, Math.ceil(SESSIONS / 3 / PER_SECOND))
const [QUIET_SECONDS, LAME_DUCK_SECONDS] = [5, 6]
const STOP_DEADLINE_MS = (OVER_SECONDS + QUIET_SECONDS + LAME_DUCK_SECONDS + 30) * 1000
const GAP_MS = 2_000
/** All of them share the machine with what they measure: many clients at work have to be slower. */
const PUBLISH_EVERY_MS = Number(process.env['ROLLING_PUBLISH_MS'] ?? '100')
const AT_ONCE = 30
/** Confirms that each client at work has seen before the next step. */
const TRAFFIC = 10

/** Of clients that should be at work: whether they have a session, its confirms, and why they were not let in last. */
function whatIsMissing(idle: readonly RollingClient[]): string {
  const lines = idle.slice(0, 20).map(({ isOpen, sessions, failures }) => {
    const { published = 0, confirmed = new Set() } = sessions.at(-1) ?? {}
    return `${isOpen ? 'open' : 'out'}, session ${sessions.length}, ${confirmed.size} of ${published} confirmed, ${failures.length} failures, the last: ${failures.at(-1)}`
  })
  return `${idle.length} clients are not at work:\n${lines.join('\n')}`
}

describe(`a rolling restart under ${SESSIONS} sessions`, () => {
  let folder: string
  let certificates: Certificates
  let rabbit: Rabbit
  let redis: Redis
  let ports: BalancerPorts
  let fleet: Fleet
  let balancer: Balancer
  const clients: RollingClient[] = []
  let publishing: NodeJS.Timeout | undefined

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-rolling-'))
    certificates = await createCertificates()
    const { cert, key } = certificates.server
    const pem = join(folder, 'gate.pem')
    await writeFile(pem, cert + key, { mode: 0o600 })
    rabbit = await startRabbit({ source: 'private', config: ['log.console.level = warning'] })
    await rabbit.management.addUser('load', 'load')
    await rabbit.management.permit('load', '/')
    redis = await startRedis()
    const [front = 0, gateway = 0, admin = 0] = await freePorts(3)
    ports = { front, gateway, admin }
    fleet = new Fleet({ folder, ports, config: await config(), trustedProxies: [FRONT_ADDRESS] })
    for (const place of [0, 1, 2]) await fleet.start(place)
    balancer = await Balancer.start(ports, pem, join(folder, 'haproxy.sock'))
    for (const place of [0, 1, 2]) await balancer.sees(place, true)
    await balancer.sees(3, false)
  })
  after(async () => {
    clearInterval(publishing)
    for (const client of clients) client.stop()
    await balancer?.stop()
    await fleet?.kill()
    await redis?.stop()
    await rabbit?.stop()
    await certificates?.remove()
    await rm(folder, { recursive: true, force: true })
  })

  async function config(): Promise<Omit<ConfigInput, 'listen' | 'admin'>> {
    return {
      drain: { over: `${OVER_SECONDS}s`, quiet: `${QUIET_SECONDS}s`, lameDuck: `${LAME_DUCK_SECONDS}s` },
      state: { urls: [redis.url], key: STATE_KEY, timeout: '5s' },
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
          limits: { handshakesPerAddress: MOST, sessionsPerIdentity: 2 * MOST },
          promote: [{ to: 'load' }],
        },
      ],
    }
  }

  async function open(): Promise<void> {
    const door: DrainDoor = {
      url: `wss://localhost:${ports.front}/amqp`,
      headers: { authorization: basic('ada') },
      ca: certificates.authority.ca,
    }
    const random = new Random(17)
    const name = `rolling-${randomUUID()}`
    let next = 0
    const opening = Array.from({ length: AT_ONCE }, async () => {
      while (next < SESSIONS) {
        const number = next++
        const habit = number % 10 === 0 ? 'busy' : 'idle'
        clients.push(await RollingClient.start({ door, habit, queue: `${name}-${number}`, random }))
      }
    })
    await Promise.all(opening)
    let turn = 0
    publishing = setInterval(() => {
      for (let at = turn % 10; at < clients.length; at += 10) clients[at]?.publish()
      turn += 1
    }, PUBLISH_EVERY_MS / 10)
  }

  /** Everybody has a session, and those at work have confirms in it. */
  async function allAtWork(): Promise<void> {
    const isAtWork = ({ isOpen, sessions }: RollingClient): boolean => {
      const last = sessions.at(-1)
      return isOpen && (last?.habit === 'idle' || (last?.confirmed.size ?? 0) >= TRAFFIC)
    }
    try {
      await until(() => clients.every(isAtWork), 'traffic of all', 120_000)
    } catch (cause) {
      throw new Error(whatIsMissing(clients.filter((client) => !isAtWork(client))), { cause })
    }
  }

  it('loses no confirmed message, cuts no frame, and moves each client once, in no time', async () => {
    await open()
    await allAtWork()
    for (const [old, next] of [
      [0, 3],
      [1, 0],
      [2, 1],
    ] as const) {
      await fleet.start(next)
      await balancer.sees(next, true)
      const { sessions } = await fleet.stop(old, STOP_DEADLINE_MS)
      await balancer.sees(old, false)
      await allAtWork()
      process.stderr.write(`gate${old + 1} was replaced by gate${next + 1}; ${sessions} sessions moved\n`)
    }
    clearInterval(publishing)
    const moved = clients.map(({ gapsMs }) => gapsMs.length)
    const gapsMs = clients.flatMap((client) => client.gapsMs).toSorted((one, other) => one - other)
    const failures = clients.reduce((sum, client) => sum + client.failures.length, 0)
    const ended = clients.flatMap(({ sessions }) => sessions.slice(0, -1))
    for (const client of clients) client.stop()
    await until(() => clients.every(({ isOpen }) => !isOpen), 'the end of all sessions', 60_000)

    const { confirmed, lost, redelivered, cut } = await drainReport(ended, rabbit.url)

    const [half, most, last] = [0.5, 0.99, 1].map((part) => Math.round(quantile(gapsMs, part)))
    process.stderr.write(
      `${gapsMs.length} reconnects of ${clients.length} clients, ${failures} more tries; gaps: half within ${half} ms, 99 of 100 within ${most} ms, the longest ${last} ms; ${confirmed} confirmed messages\n`,
    )
    assert.deepEqual({ lost, redelivered, cut }, { lost: 0, redelivered: 0, cut: 0 })
    assert.ok(confirmed > (SESSIONS / 10) * TRAFFIC)
    assert.deepEqual([...new Set(ended.map(({ closeCode }) => closeCode))], [1012])
    assert.deepEqual([...new Set(moved)], [1])
    const load = `a load of ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} processors`
    assert.ok((most ?? 0) <= GAP_MS, `99 of 100 gaps within ${most} ms, not ${GAP_MS} ms; the machine has ${load}`)
  })
})
