/** Several processes are one gateway: connections are spread, everything else is as it is with one. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { ConfigError, type ConfigInput, startGateway } from '../../src/index.ts'
import { type AmqplibConnection, connectAmqplib, type UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { type TestBroker, testBroker } from '../support/broker.ts'
import { minimalConfig } from '../support/config-files.ts'
import { basic, startDoor } from '../support/door.ts'
import { call } from '../support/managed.ts'
import { startRedis } from '../support/redis.ts'
import { STATE_KEY } from '../support/state/shared-rig.ts'
import { until } from '../support/until.ts'
import { isAlive, WorkerGateway } from '../support/worker-gateway.ts'

type ServiceInput = Extract<ConfigInput['services'], readonly unknown[]>[number]

/** Machines under test are busy: what is tried here is not how long they take. */
const LONG_MS = 60_000

/** The one service of a configuration. */
function service({ services }: ConfigInput) {
  const [only] = Array.isArray(services) ? (services as readonly ServiceInput[]) : []
  assert.ok(only)
  return only
}

async function leave(clients: readonly AmqplibConnection[]): Promise<void> {
  await Promise.all(clients.map(async ({ connection, closed }) => [await connection.close(), await closed]))
}

/** The first line of the answer to a request; empty where the connection ends without one. */
async function answerOn(client: Socket): Promise<string> {
  return await new Promise((resolve) => {
    let text = ''
    client.write('GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    client.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    client.on('error', () => undefined).once('close', () => resolve(text.split('\r\n')[0] ?? ''))
  })
}

describe('a gateway with two workers', () => {
  let broker: TestBroker
  let gateway: WorkerGateway

  before(async () => {
    broker = await testBroker()
    gateway = await WorkerGateway.start(broker)
  })
  after(async () => {
    await gateway.kill()
    await broker.stop()
  })

  it('spreads sessions evenly, lists all of them, and adds up what they count', async () => {
    await gateway.idle()
    const openedBefore = await gateway.metric('gatehouse_sessions_opened_total')
    const clients = await gateway.connectMany('ann', 10)
    const workers = [...(await gateway.sessions('ann')).values()]
    assert.deepEqual(
      [1, 2].map((one) => workers.filter((worker) => worker === one).length),
      [5, 5],
    )
    const rows = await until(
      async () => {
        const shown = await gateway.workers()
        return shown.every(({ sessions }) => sessions === 5) && shown
      },
      'both counts',
      LONG_MS,
    )
    assert.deepEqual(rows.map(({ number }) => number).sort(), [1, 2])
    assert.equal(await gateway.metric('gatehouse_sessions'), 10)
    assert.equal(await gateway.metric('gatehouse_sessions_opened_total'), openedBefore + 10)
    assert.equal(await gateway.metric('gatehouse_config_generation'), 1)
    assert.equal(
      await gateway.metric('gatehouse_config_info'),
      1,
      'one configuration, whatever part of it a worker has',
    )
    assert.equal(await gateway.metric('gatehouse_build_info'), 1)
    const { json } = await gateway.api('GET', '/overview')
    assert.deepEqual([json['sessions'], json['services']], [10, [{ path: '/amqp', sessions: 10 }]])
    const people = (await gateway.api('GET', '/identities')).json['items'] as readonly Record<string, unknown>[]
    assert.deepEqual(
      people.map(({ subject, sessions }) => [subject, sessions]),
      [['ann', 10]],
    )
    const [rule] =
      ((await gateway.api('GET', '/rules')).json['items'] as { rules: { hits: number }[] }[])[0]?.rules ?? []
    assert.ok((rule?.hits ?? 0) >= 10, JSON.stringify(rule))
    const page = (await gateway.api('GET', '/sessions?subject=ann&pageSize=4&page=2&sort=-openedAt')).json
    assert.deepEqual([page['total'], (page['items'] as unknown[]).length, page['notReached']], [10, 4, []])
    await leave(clients)
    await until(async () => (await gateway.metric('gatehouse_sessions')) === 0, 'the end of all', LONG_MS)
  })

  it('takes a ticket once, at whichever worker, wherever it was issued', async () => {
    const post = await fetch(`${gateway.url.replace('ws', 'http')}/auth/ticket`, {
      method: 'POST',
      headers: { authorization: basic('bob'), 'content-type': 'application/json' },
      body: JSON.stringify({ service: '/amqp' }),
    })
    assert.equal(post.status, 200)
    const { ticket } = (await post.json()) as { ticket: string }
    const use = async () => await connectAmqplib(`${gateway.url}/amqp?ticket=${ticket}`)
    const used = await Promise.allSettled(Array.from({ length: 4 }, use))
    const taken = used.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    assert.equal(taken.length, 1)
    for (const one of used) if (one.status === 'rejected') assert.equal((one.reason as UpgradeRefused).status, 401)
    await leave(taken)
  })

  it('counts the sessions of one identity over all workers', async () => {
    const raced = await Promise.allSettled(Array.from({ length: 24 }, () => gateway.connect('cat')))
    const clients = raced.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    assert.equal(clients.length, 12)
    assert.equal(await gateway.tried('cat'), '429')
    await leave(clients.slice(0, 1))
    await until(async () => (await gateway.tried('cat')) === 'in', 'the place that was given back', LONG_MS)
    await leave(clients.slice(1))
  })

  it('shares what one identity may use among its sessions at all workers', async () => {
    await gateway.idle()
    const clients = await gateway.connectMany('bob', 4)
    assert.deepEqual(new Set((await gateway.sessions('bob')).values()).size, 2)
    /** A refusal ends the channel, and nothing else. */
    const declare = async ({ connection }: AmqplibConnection): Promise<boolean> => {
      const channel = await connection.createChannel()
      channel.on('error', () => undefined)
      return await channel.assertQueue('', { exclusive: true }).then(
        () => true,
        () => false,
      )
    }
    const [first] = clients
    assert.ok(first)
    for (let count = 0; count < 4; count++) assert.equal(await declare(first), true)
    assert.equal(await declare(first), false)
    // Those at the other worker find out within a second or two: until then they may have some, too.
    const isRefused = async () => (await Promise.all(clients.map(declare))).every((isDeclared) => !isDeclared)
    await until(isRefused, 'the refusal at both', LONG_MS)
    await leave(clients)
    const more = await gateway.connectMany('bob', 2)
    for (const client of more) await until(() => declare(client), 'what was given back', LONG_MS)
    await leave(more)
  })

  it('kicks, holds and blocks people at all workers', async () => {
    const clients = await gateway.connectMany('dan', 6)
    const kicked = await gateway.api('POST', '/kick', { match: { subject: 'dan' }, hold: '2s' })
    assert.deepEqual(kicked.json, { matched: 6, ended: 6, notReached: [] })
    const held = await Promise.all(Array.from({ length: 4 }, () => gateway.tried('dan')))
    assert.deepEqual(held, ['403', '403', '403', '403'])
    for (const { closed } of clients) assert.equal((await closed).code, 1012)
    // One of the processes may look at the clock a moment before the other.
    const all = async () => await Promise.all(Array.from({ length: 4 }, () => gateway.tried('dan')))
    await until(async () => (await all()).every((outcome) => outcome === 'in'), 'the end of the hold', LONG_MS)

    const more = await gateway.connectMany('dan', 4)
    const blocked = await gateway.api('PUT', '/blocks', { subject: 'dan', for: '10m', reason: 'a test' })
    assert.deepEqual([blocked.json['ended'], blocked.json['notReached']], [4, []])
    for (const { closed } of more) assert.equal((await closed).code, 4403)
    for (let count = 0; count < 4; count++) assert.equal(await gateway.tried('dan'), '403')
    const refusals = (await gateway.api('GET', '/refusals')).json['items'] as readonly Record<string, unknown>[]
    assert.ok(refusals.filter(({ cause, subject }) => cause === 'blocked' && subject === 'dan').length >= 4)
    assert.equal((await gateway.api('DELETE', `/blocks/${blocked.json['id']}`)).status, 204)
    for (let count = 0; count < 2; count++) assert.equal(await gateway.tried('dan'), 'in')
    const audited = gateway.command.events().filter(({ event }) => event === 'admin.kick')
    assert.deepEqual(
      audited.map(({ count }) => count),
      [6],
    )
  })

  it('writes one log: each line whole, and of a worker its number', async () => {
    await gateway.idle()
    const clients = await gateway.connectMany('eve', 8)
    await leave(clients)
    const ends = () =>
      gateway.command.events().filter(({ event, subject }) => event === 'session-ended' && subject === 'eve')
    await until(() => ends().length === 8, 'a line for each', LONG_MS)
    assert.deepEqual([...new Set(ends().map(({ worker }) => worker))].sort(), [1, 2])
    const audited = gateway.command
      .events()
      .filter(({ event, subject }) => event === 'session.opened' && subject === 'eve')
    assert.deepEqual([...new Set(audited.map(({ worker }) => worker))].sort(), [1, 2])
  })

  it('reloads at all workers or at none', async () => {
    const clients = await gateway.connectMany('fay', 4)
    gateway.write((config) => ({ ...config, services: [{ ...service(config), sessionTimeout: 'never' }] }))
    const refused = await gateway.api('POST', '/reload')
    assert.equal(refused.status, 422, JSON.stringify(refused.json))
    gateway.write((config) => ({ ...config, workers: 3 }))
    const moved = await gateway.api('POST', '/reload')
    assert.equal(moved.status, 422, JSON.stringify(moved.json))
    assert.match(String(moved.json['errors']), /workers: a change needs a restart/)

    const message = '1MiB'
    gateway.write((config) => ({
      ...config,
      services: [{ ...service(config), limits: { ...service(config).limits, message } }],
    }))
    const trial = await gateway.api('POST', '/reload', { dryRun: true })
    assert.deepEqual(trial.json['sessions'], { kept: 0, changed: 4, ended: 0 })
    const done = await gateway.api('POST', '/reload')
    assert.equal(done.status, 200, JSON.stringify(done.json))
    assert.deepEqual([done.json['generation'], done.json['sessions']], [2, { kept: 0, changed: 4, ended: 0 }])

    gateway.write((config) => ({
      ...config,
      services: [{ ...service(config), promote: [{ when: { subject: 'ann' }, to: 'user' }] }],
    }))
    const ended = await gateway.api('POST', '/reload')
    assert.deepEqual(ended.json['sessions'], { kept: 0, changed: 0, ended: 4 })
    for (const { closed } of clients) assert.equal((await closed).code, 4403)
    for (let count = 0; count < 2; count++)
      assert.deepEqual([await gateway.tried('fay'), await gateway.tried('ann')], ['403', 'in'])
    gateway.write((config) => config)
    assert.equal((await gateway.api('POST', '/reload')).status, 200)
    assert.equal(await gateway.metric('gatehouse_config_generation'), 4)
    assert.equal(await gateway.metric('gatehouse_reloads_total'), 5)
  })

  it('leaves no connection hanging for which a worker has no descriptor left, and goes on when it has', async () => {
    await gateway.idle()
    const { hostname, port } = new URL(gateway.url)
    const answers = async (count: number) =>
      await Promise.all(Array.from({ length: count }, async () => await answerOn(connect(Number(port), hostname))))
    const pids = (await gateway.workers()).map(({ pid }) => String(pid))
    const limit = (open: string) => {
      for (const pid of pids) execFileSync('prlimit', ['--pid', pid, `--nofile=${open}:`])
    }
    limit('10')
    try {
      // More than may be on their way to both of them at once.
      assert.deepEqual([...new Set(await answers(40))], [''])
    } finally {
      limit('1024')
    }
    assert.deepEqual([...new Set(await answers(6))], ['HTTP/1.1 404 Not Found'])
  })

  it('loses the sessions of a worker that is killed, and no others, and has another one soon', async () => {
    await gateway.idle()
    const openedBefore = await gateway.metric('gatehouse_sessions_opened_total')
    const clients = await gateway.connectMany('eve', 12)
    assert.equal(await gateway.metric('gatehouse_sessions_opened_total'), openedBefore + 12)
    const before = await gateway.sessions('eve')
    const [victim] = await gateway.workers()
    assert.ok(victim)
    process.kill(victim.pid, 'SIGKILL')
    await gateway.command.event('worker-ended')
    const there = async () =>
      (await gateway.workers()).find(({ number, pid }) => number === victim.number && pid !== victim.pid)
    await until(there, 'another worker', LONG_MS)
    assert.equal(await gateway.metric('gatehouse_workers_ended_total'), 1)
    const left = await gateway.sessions('eve')
    assert.deepEqual(
      [...left.keys()].sort(),
      [...before]
        .filter(([, worker]) => worker !== victim.number)
        .map(([id]) => id)
        .sort(),
    )
    assert.equal(left.size, 6)
    assert.equal(clients.filter(({ socket }) => socket.readyState === socket.OPEN).length, 6)
    // Their places are free again, and the new worker has the room for them.
    const more = await gateway.connectMany('eve', 6)
    assert.equal(await gateway.tried('eve'), '429')
    const workers = [...(await gateway.sessions('eve')).values()]
    assert.equal(workers.filter((worker) => worker === victim.number).length, 6)
    assert.ok((await gateway.metric('gatehouse_sessions_opened_total')) >= openedBefore + 18)
    assert.equal(await gateway.ready(), 200)
    await leave([...clients.filter(({ socket }) => socket.readyState === socket.OPEN), ...more])
  })

  it('leaves no connection hanging that was on its way to a worker that is killed', async () => {
    await gateway.idle()
    const [victim, other] = await gateway.workers()
    assert.ok(victim && other)
    const { hostname, port } = new URL(gateway.url)
    process.kill(victim.pid, 'SIGSTOP')
    const clients = Array.from({ length: 24 }, () => connect(Number(port), hostname))
    const ended = clients.map(answerOn)
    // Half of them are on their way to the one that does nothing any more.
    await Promise.any(ended)
    await Promise.all(clients.map(async (client) => client.connecting && (await once(client, 'connect'))))
    process.kill(victim.pid, 'SIGKILL')
    const answers = await Promise.all(ended)
    const answered = answers.filter((line) => line.startsWith('HTTP/1.1 404')).length
    // Only what the system had passed on before it was killed has no answer.
    assert.ok(answered >= 20, `${answered} of 24 were answered`)
    assert.deepEqual(
      [...new Set(answers)].filter((line) => line !== '' && !line.startsWith('HTTP/1.1 404')),
      [],
    )
    const there = async () =>
      (await gateway.workers()).some(({ number, pid }) => number === victim.number && pid !== victim.pid)
    await until(there, 'another worker', LONG_MS)
  })

  it('drains all workers, and takes people again when that is called off', async () => {
    const clients = await gateway.connectMany('ann', 4)
    const drained = await gateway.api('POST', '/drain', { over: '0s', quiet: '0s', lameDuck: '0s' })
    assert.equal(drained.status, 202)
    for (const { closed } of clients) assert.equal((await closed).code, 1012)
    assert.equal(await gateway.ready(), 503)
    for (let count = 0; count < 2; count++) assert.equal(await gateway.tried('ann'), '503')
    assert.equal((await gateway.api('DELETE', '/drain')).status, 204)
    await until(async () => (await gateway.tried('ann')) === 'in', 'the end of the drain', LONG_MS)
    assert.equal(await gateway.tried('ann'), 'in')
  })

  it('ends with all its processes at SIGTERM, its sessions evenly', async () => {
    const clients = await gateway.connectMany('ann', 4)
    const pids = gateway.children
    assert.ok(pids.length >= 2)
    const exit = await gateway.stop()
    assert.deepEqual([exit.code, gateway.command.stderr], [0, ''])
    for (const { closed } of clients) assert.equal((await closed).code, 1012)
    assert.deepEqual(pids.filter(isAlive), [])
    assert.equal(gateway.command.events().at(-1)?.event, 'gateway-stopped')
  })
})

describe('workers', () => {
  it('are one replica where gateways share a store, and end when their primary is killed', async (t) => {
    const [broker, redis] = await Promise.all([testBroker(), startRedis()])
    const state = { urls: [redis.url], key: STATE_KEY, timeout: '2s' }
    const gateway = await WorkerGateway.start(broker, { state })
    try {
      const admin = { port: 0, authenticate: ['staff'], roles: { administrator: { subject: 'joe.smith' } } }
      const other = await startDoor({ state, admin }, t)
      const ask = async (route: string, body?: unknown) => (await call(other, route, { as: 'joe.smith', body })).json
      const replicas = async () => (await ask('GET /api/v1/overview'))['replicas'] as { name: string }[]
      await until(async () => (await replicas()).length === 2, 'both replicas', LONG_MS)
      const clients = await gateway.connectMany('ann', 4)
      const listed = await ask('GET /api/v1/sessions?subject=ann')
      const items = listed['items'] as readonly { readonly replica: string; readonly worker: number }[]
      assert.deepEqual([items.length, listed['notReached']], [4, []])
      assert.deepEqual([...new Set(items.map(({ worker }) => worker))].sort(), [1, 2])
      assert.equal(new Set(items.map(({ replica }) => replica)).size, 1)

      const kicked = await ask('POST /api/v1/kick', { match: { subject: 'ann' }, hold: '0s' })
      assert.deepEqual(kicked, { matched: 4, ended: 4, notReached: [] })
      for (const { closed } of clients) assert.equal((await closed).code, 1012)
      const block = await ask('PUT /api/v1/blocks', { subject: 'ann', for: '10m', reason: 'a test' })
      for (let count = 0; count < 2; count++) assert.equal(await gateway.tried('ann'), '403')
      await ask(`DELETE /api/v1/blocks/${block['id']}`)

      const raced = await Promise.allSettled(Array.from({ length: 16 }, () => gateway.connect('cat')))
      assert.equal(raced.filter(({ status }) => status === 'fulfilled').length, 12)
      const client = await gateway.connect('ann')
      const pids = gateway.children
      assert.ok(pids.filter(isAlive).length >= 2)
      await gateway.kill()
      await until(() => pids.filter(isAlive).length === 0, 'the end of the workers', LONG_MS)
      assert.equal((await client.closed).code, 1006)
    } finally {
      await gateway.kill()
      await redis.stop()
      await broker.stop()
    }
  })

  it('are none of a program: it is told so', async () => {
    await assert.rejects(
      startGateway({ ...minimalConfig(), workers: 2 }, { env: { WEBUSER_PASSWORD: 'x' } }),
      (error) => error instanceof ConfigError && /workers: a program runs one process/.test(error.message),
    )
  })
})
