/**
 * `npm run test:races`: what three gateways with one store may do once, or so often, raced at all of them: tickets, guesses,
 * sessions. Between tickets the store fails over. The gateways are processes of their own.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hashPassword } from '../../auth/index.ts'
import type { ConfigInput } from '../../src/index.ts'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { basic, PASSWORD, sendRaw, upgradeRequest } from '../support/door.ts'
import { type FakeBroker, startFakeBroker } from '../support/fake-broker.ts'
import { type SentinelGroup, startSentinels } from '../support/redis-group.ts'
import { GatewayFleet } from '../support/state/fleet.ts'
import { STATE_KEY } from '../support/state/shared-rig.ts'
import { until } from '../support/until.ts'

const number = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise)
const TICKETS = number('RACE_TICKETS', 60)
const FAILOVERS = number('RACE_FAILOVERS', 1)
const GUESSES = number('RACE_GUESSES', 120)
const ROUNDS = number('RACE_ROUNDS', 2)

const GATEWAYS = 3
const AT_ONCE = 8
/** Guesses without any delay; then each waits twice as long as the one before. */
const FREE_GUESSES = 10
const MOST_SESSIONS = 5
/** Tickets of before that are tried again after a failover. */
const KEPT = 20

describe('three gateways', () => {
  let folder: string
  let broker: FakeBroker
  let store: SentinelGroup
  let fleet: GatewayFleet
  let urls: readonly string[]

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-races-'))
    broker = await startFakeBroker()
    store = await startSentinels()
    const password = await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 })
    const users = Object.fromEntries(['joe.smith', 'guest', 'few'].map((name) => [name, { password }]))
    const config: ConfigInput = {
      listen: { host: '127.0.0.1', port: 0 },
      state: { ...store.keys, key: STATE_KEY, timeout: '1s' },
      log: { level: 'info', format: 'json' },
      brokers: { main: { urls: [broker.url], credentials: { user: { username: 'user', password: PASSWORD } } } },
      authenticators: { staff: { type: 'basic', users }, tickets: { type: 'ticket' } },
      services: [
        {
          path: '/amqp',
          broker: 'main',
          vhost: '/',
          authenticate: ['staff', 'tickets'],
          promote: [{ to: 'user' }],
        },
        {
          path: '/few',
          broker: 'main',
          vhost: '/',
          authenticate: ['staff'],
          promote: [{ to: 'user' }],
          limits: { sessionsPerIdentity: MOST_SESSIONS },
        },
      ],
      drain: '0s',
    }
    fleet = await GatewayFleet.start(config, GATEWAYS, folder)
    urls = await fleet.urls()
    // Hundreds of thousands of lines are no use to anybody.
    await fleet.reload({ ...config, log: { level: 'error', format: 'json' } })
  })
  after(async () => {
    await fleet?.stop()
    await store?.stop()
    await broker?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const urlAt = (index: number): string => urls[index % GATEWAYS] ?? ''

  /** Undefined while there is no store. */
  async function issued(index: number): Promise<string | undefined> {
    const headers = { authorization: basic('guest') }
    const response = await fetch(`${urlAt(index)}/auth/ticket?service=/amqp`, { method: 'POST', headers })
    const text = await response.text()
    return response.ok ? (JSON.parse(text) as { ticket: string }).ticket : undefined
  }

  /** Shown at all gateways at once: how often it was taken. */
  async function raced(ticket: string): Promise<number> {
    const statuses = await Promise.all(
      urls.map(async (url) => {
        const { status, socket } = await sendRaw(Number(new URL(url).port), upgradeRequest(`/amqp?ticket=${ticket}`))
        socket.destroy()
        return status
      }),
    )
    return statuses.filter((status) => status === 101).length
  }

  async function failOver(): Promise<void> {
    const [primary] = await store.primaries()
    assert.ok(primary)
    await primary.kill()
    const next = await until(
      async () => (await store.primaries()).find((one) => one !== primary),
      'another primary',
      60_000,
    )
    for (let index = 0; index < GATEWAYS; index += 1) await until(() => issued(index), 'tickets again', 60_000)
    await primary.start()
    await primary.command('REPLICAOF', '127.0.0.1', String(next.port))
    await until(() => store.isWhole(), 'a standby', 60_000)
  }

  it('take each ticket once, and none of before a failover', async (t) => {
    const every = Math.ceil(TICKETS / (FAILOVERS + 1))
    let [once, never] = [0, 0]
    for (let failover = 0; failover <= FAILOVERS; failover += 1) {
      const before: string[] = []
      let left = Math.min(every, TICKETS - failover * every)
      const one = async (worker: number): Promise<void> => {
        while (left > 0) {
          left -= 1
          const ticket = await until(() => issued(worker + left), 'a ticket', 60_000)
          const taken = await raced(ticket)
          assert.ok(taken <= 1, `${taken} times`)
          if (taken === 1) once += 1
          else never += 1
          before.push(ticket)
          if (before.length > KEPT) before.shift()
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, (_, worker) => one(worker)))
      if (failover === FAILOVERS) break
      const unused = await Promise.all(
        urls.map(async (_, index) => await until(() => issued(index), 'a ticket', 60_000)),
      )
      await failOver()
      for (const ticket of [...before, ...unused]) assert.equal(await raced(ticket), 0, 'a ticket of before')
    }
    t.diagnostic(`${once} tickets taken once, ${never} not at all, none twice; ${FAILOVERS} failovers`)
    assert.equal(never, 0, 'a store that is there loses none')
  })

  it('let no more guesses pass than one gateway would', async (t) => {
    const startedMs = performance.now()
    let left = GUESSES
    let passed = 0
    const guess = async (): Promise<void> => {
      while (left > 0) {
        left -= 1
        const headers = { authorization: basic('joe.smith', `wrong-${left}`) }
        const { status, body } = await fetch(`${urlAt(left)}/auth/whoami?service=/amqp`, { headers })
        await body?.cancel()
        assert.ok(status === 401 || status === 429, String(status))
        if (status === 401) passed += 1
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, guess))
    const seconds = (performance.now() - startedMs) / 1000
    // One more after 1 s, 3 s, 7 s, 15 s, …
    const later = Math.floor(Math.log2(seconds + 1))
    t.diagnostic(`${passed} of ${GUESSES} guesses passed in ${Math.round(seconds)} s`)
    assert.ok(passed >= FREE_GUESSES && passed <= FREE_GUESSES + later + GATEWAYS, `${passed} in ${seconds} s`)
  })

  it('admit no session above the limit of an identity', async (t) => {
    const headers = { authorization: basic('few') }
    const enter = async (index: number) =>
      await connectAmqplib(`${urlAt(index).replace(/^http/, 'ws')}/few`, { websocket: { headers } })
    let fullCount = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const all = await Promise.allSettled(
        Array.from({ length: 4 * MOST_SESSIONS }, (_, index) => enter(round + index)),
      )
      const admitted = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      assert.ok(admitted.length <= MOST_SESSIONS, `${admitted.length} sessions`)
      if (admitted.length === MOST_SESSIONS) fullCount += 1
      await Promise.all(admitted.map(({ connection }) => connection.close()))
      // Their places are free when the gateways have seen their ends: one is waited for, others may take a moment longer.
      await until(async () => await (await enter(round)).connection.close().then(() => true), 'a place', 30_000)
    }
    t.diagnostic(`${ROUNDS} rounds of ${4 * MOST_SESSIONS} for ${MOST_SESSIONS} places, all taken in ${fullCount}`)
    assert.ok(fullCount >= ROUNDS * 0.8, `all places were taken in ${fullCount} rounds only`)
  })
})
