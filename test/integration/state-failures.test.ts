/**
 * The table of docs/scaling.md, row by row, under load: what becomes of everything that gateways share while the store is away,
 * slow or emptied. Tickets, orders and failovers have tests of their own (state-tickets, state-news, state-failovers).
 */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { HandshakeRefused } from '../support/amqplib-over-websocket.ts'
import { CookieBrowser } from '../support/cookie-browser.ts'
import { basic, type Door, type DoorOptions, ORIGIN } from '../support/door.ts'
import { FakeOpenidProvider } from '../support/fake-openid-provider.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { type SlowLink, startSlowLink } from '../support/slow-link.ts'
import { ask, connectTo, sharing, startGateways, ticketOf, tried } from '../support/state/gateways.ts'
import { until } from '../support/until.ts'

const MOST = 6
/** Where everybody logs in as the user of the fake provider. */
const APP = 'http://127.0.0.1'
/** A store that takes so long is away for whoever waits for `TIMEOUT_MS`. */
const SLOW_MS = 10_000
const TIMEOUT_MS = 1_000

const provider = new FakeOpenidProvider()

describe('what gateways share', () => {
  let redis: Redis

  before(async () => {
    redis = await startRedis()
    await provider.start()
  })
  after(async () => {
    provider.stop()
    await redis.stop()
  })

  const options = (port = redis.port): DoorOptions =>
    sharing(
      { urls: [`redis://127.0.0.1:${port}`], timeout: `${TIMEOUT_MS}ms` },
      {
        authenticators: {
          login: { type: 'oidc', issuer: provider.issuer, clientId: 'gatehouse', publicUrl: APP },
        },
        service: {
          origins: [ORIGIN, APP],
          authenticate: ['staff', 'tickets', 'login'],
          promote: [{ to: 'smithj' }],
          limits: { sessionsPerIdentity: MOST },
        },
      },
    )
  async function pair(t: TestContext, port?: number): Promise<readonly [Door, Door]> {
    await redis.command('FLUSHALL')
    const [one, two] = await startGateways(options(port), 2, t)
    assert.ok(one && two)
    return [one, two]
  }
  /** Nobody answers; a session that lives and people who come and go are there all the time. */
  async function whileAway(doors: readonly Door[], work: () => Promise<void>): Promise<void> {
    const lives = await Promise.all(doors.map((door) => connectTo(door, '/amqp', { authorization: basic('guest') })))
    const ends: unknown[] = []
    for (const { closed } of lives) void closed.then((close) => ends.push(close))
    await redis.pause()
    try {
      for (const door of doors) await door.line('state-away')
      await work()
      for (const door of doors) assert.equal(await tried(door, '/amqp', { authorization: basic('guest') }), 'in')
      assert.deepEqual(ends, [], 'no live session ends')
    } finally {
      await redis.resume()
    }
    await Promise.all(lives.map(({ connection }) => connection.close()))
  }

  it('failed attempts: each gateway has its part of the free guesses; an emptied store begins again', async (t) => {
    const doors = await pair(t)
    const guess = async (door: Door) => await tried(door, '/amqp', { authorization: basic('joe.smith', 'wrong') })
    const guesses = async (door: Door): Promise<number> => {
      for (let count = 0; ; count += 1) if ((await guess(door)) === '429') return count
    }
    await whileAway(doors, async () => {
      assert.deepEqual([await guesses(doors[0]), await guesses(doors[1])], [5, 5])
    })
    await until(() => doors.every((door) => backCount(door) === 2), 'the store at both', 30_000)
    // In the store nobody has guessed as yet.
    const shared = [await guess(doors[0]), await guess(doors[1])]
    assert.deepEqual(shared, ['401', '401'])
    assert.equal(await guesses(doors[0]), 8)
    assert.equal(await guess(doors[1]), '429')
    await redis.command('FLUSHALL')
    assert.equal(await guesses(doors[1]), 10)
  })

  it('sessionsPerIdentity: each gateway has its part; an emptied store knows again within a renewal', async (t) => {
    const doors = await pair(t)
    const admitted = async () => {
      const all = await Promise.allSettled(
        Array.from({ length: 4 * MOST }, (_, index) => connectTo(doors[index % 2] as Door)),
      )
      return all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    }
    await whileAway(doors, async () => {
      const clients = await admitted()
      assert.equal(clients.length, MOST)
      await Promise.all(clients.map(({ connection }) => connection.close()))
    })
    await until(() => doors.every((door) => backCount(door) === 2), 'the store at both', 30_000)
    await until(async () => (await ask(doors[0], 'GET', '/sessions')).total === 0, 'the end of all')
    const clients = await admitted()
    assert.equal(clients.length, MOST)
    await redis.command('FLUSHALL')
    await until(async () => (await tried(doors[0])) === '429', 'the places that are taken', 30_000)
    assert.equal(await tried(doors[1]), '429')
  })

  it('replicas: nobody can tell; the gateway says that it is degraded, and stays ready', async (t) => {
    const doors = await pair(t)
    await whileAway(doors, async () => {
      const { replicas, sessions, notReached } = await ask(doors[0], 'GET', '/overview')
      assert.deepEqual([replicas, sessions, notReached.length], [null, 1, 1])
      const ready = await fetch(`${doors[0].gateway.adminAddress?.url}/health/ready`)
      assert.deepEqual([ready.status, ((await ready.json()) as { state: string }).state], [200, 'degraded'])
      const metrics = await (await fetch(`${doors[0].gateway.adminAddress?.url}/metrics`)).text()
      assert.match(metrics, /^gatehouse_state_up 0$/m)
    })
    const shown = async () => (await ask(doors[1], 'GET', '/overview')).replicas?.length
    await until(async () => (await shown()) === 2, 'both again', 30_000)
    await redis.command('FLUSHALL')
    await until(async () => (await shown()) === 2, 'both in an emptied store', 30_000)
  })

  it('OpenID logins: live sessions go on, new ones wait with their cookie; an emptied store forgets them', async (t) => {
    const doors = await pair(t)
    const cookie = await loggedIn(doors)
    const live = await connectTo(doors[0], '/amqp', { cookie, origin: APP })
    let isOpen = true
    void live.closed.then(() => {
      isOpen = false
    })
    await whileAway(doors, async () => {
      for (const door of doors) {
        assert.equal(await asPage(door, cookie), '541 1013')
        // One that begins needs no store; a refresh does.
        assert.equal((await fetch(door.http('/auth/login'), { redirect: 'manual' })).status, 303)
        const headers = { cookie, origin: APP }
        const refreshed = await fetch(door.http('/auth/refresh'), { method: 'POST', headers })
        assert.deepEqual([refreshed.status, refreshed.headers.getSetCookie()], [503, []])
        const shown = await fetch(door.http('/auth/whoami'), { headers })
        assert.deepEqual([shown.status, shown.headers.getSetCookie()], [503, []])
      }
      assert.ok(isOpen)
    })
    await until(async () => (await asPage(doors[1], cookie)) === 'in', 'the login again', 30_000)
    await redis.command('FLUSHALL')
    assert.equal(await asPage(doors[1], cookie), '403 4401')
    assert.ok(isOpen)
    assert.equal(await asPage(doors[0], await loggedIn(doors)), 'in')
  })

  it('a slow store: no request waits for it longer than once, and no cookie is lost', async (t) => {
    const link = await startSlowLink({ host: '127.0.0.1', port: redis.port }, 0)
    t.after(() => link.close())
    const doors = await pair(t, link.port)
    const cookie = await loggedIn(doors)
    const path = `/amqp?ticket=${await ticketOf(doors[0])}`
    const slow = await outcomesOf(link, [
      // Each of these asks the store several times: attempts, logins, tickets, places.
      async () => await tried(doors[0], '/amqp', { authorization: basic() }),
      async () => await asPage(doors[1], cookie),
      async () => await tried(doors[1], path, {}),
      async () => {
        const headers = { authorization: basic() }
        const { status } = await fetch(doors[0].http('/auth/ticket'), { method: 'POST', headers })
        return String(status)
      },
      async () => {
        const { status, headers } = await fetch(doors[1].http('/auth/whoami'), { headers: { cookie } })
        return `${status} ${headers.getSetCookie().length}`
      },
    ])
    assert.deepEqual(slow, ['in', '541 1013', '503', '503', '503 0'])
    await until(async () => (await asPage(doors[1], cookie)) === 'in', 'the login again', 60_000)
  })
})

/** One after the other, with a store that is slow. @throws where one waits for more than one answer that is late */
async function outcomesOf(link: SlowLink, requests: readonly (() => Promise<string>)[]): Promise<readonly string[]> {
  link.delayMs = SLOW_MS / 2
  try {
    return await Promise.all(
      requests.map(async (request) => {
        const startedMs = performance.now()
        const outcome = await request()
        const tookMs = performance.now() - startedMs
        assert.ok(tookMs < SLOW_MS, `${outcome} after ${Math.round(tookMs)} ms`)
        return outcome
      }),
    )
  } finally {
    link.delayMs = 0
  }
}

function backCount({ lines }: Door): number {
  return lines.filter(({ event }) => event === 'state-back').length
}

/** Of a browser whose requests go to both in turn. */
async function loggedIn(doors: readonly Door[]): Promise<string> {
  let turn = 0
  const browser = new CookieBrowser(async (url, init) => {
    const door = doors[turn++ % doors.length] as Door
    return await fetch(url.replace(APP, door.http('')), init)
  })
  const begun = await browser.fetch(`${APP}/auth/login`)
  const query = provider.authorize(begun.headers.get('location') ?? '')
  const finished = await browser.fetch(`${APP}/auth/callback?${query}`)
  assert.equal(finished.status, 303, await finished.text())
  return browser.cookies(APP)
}

/** What a page with this cookie reads: `in`, or the AMQP code and that of the WebSocket's close. */
async function asPage(door: Door, cookie: string): Promise<string> {
  try {
    const client = await connectTo(door, '/amqp', { cookie, origin: APP })
    await client.connection.close()
    await client.closed
    return 'in'
  } catch (error) {
    if (!(error instanceof HandshakeRefused)) throw error
    return `${/\b[345]\d\d\b/.exec(error.message)?.[0]} ${error.close?.code}`
  }
}
