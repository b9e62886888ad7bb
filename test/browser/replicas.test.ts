/**
 * Three gateways as processes of their own, with one store, behind HAProxy that gives each request to the next of them: a real
 * browser logs in, gets tickets, refreshes and logs out, and the provider logs people out. No request has to come back to the
 * gateway of the one before.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { type BrokerUser, type TestBroker, testBroker } from '../support/broker.ts'
import { launchChromium } from '../support/chromium.ts'
import { Front } from '../support/front.ts'
import { gateCode } from '../support/gate-code.ts'
import { type OpenidProvider, startOpenidProvider } from '../support/openid-provider.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { GatewayFleet } from '../support/state/fleet.ts'
import { STATE_KEY } from '../support/state/shared-rig.ts'
import { until } from '../support/until.ts'

const CLIENT_SECRET = 'CANARY secret of the gateway'
const GATEWAYS = 3

describe('a page behind three gateways', () => {
  let folder: string
  let chromium: Browser
  let context: BrowserContext
  let page: Page
  let front: Front
  let provider: OpenidProvider
  let broker: TestBroker
  let webuser: BrokerUser
  let redis: Redis
  let fleet: GatewayFleet

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-fleet-'))
    front = new Front(await gateCode())
    await front.start()
    provider = await startOpenidProvider({
      accessTokenSeconds: 300,
      robotSecret: 'secret of the robot',
      robotRoles: [],
      people: { 'joe.smith': { roles: ['trader'] } },
      gateway: { publicUrl: front.origin, secret: CLIENT_SECRET },
    })
    broker = await testBroker()
    webuser = await broker.user('webuser')
    redis = await startRedis()
    fleet = await GatewayFleet.start(
      {
        listen: { host: '127.0.0.1', port: 0, trustedProxies: ['127.0.0.1'] },
        // A busy machine is no reason to be away.
        state: { urls: [redis.url], key: STATE_KEY, timeout: '2s' },
        log: { level: 'debug', format: 'json' },
        brokers: { main: { urls: [broker.url], credentials: { webuser } } },
        authenticators: {
          login: {
            type: 'oidc',
            issuer: provider.issuer,
            clientId: 'gatehouse',
            clientSecret: CLIENT_SECRET,
            publicUrl: front.origin,
            roles: 'roles',
          },
          tickets: { type: 'ticket' },
        },
        services: [
          {
            path: '/amqp',
            broker: 'main',
            vhost: broker.vhost,
            origins: [front.origin],
            authenticate: ['login', 'tickets'],
            promote: [{ when: { role: 'trader' }, to: 'webuser' }],
          },
        ],
        drain: '0s',
      },
      GATEWAYS,
      folder,
    )
    front.gatewayPort = fleet.port
    chromium = await launchChromium()
  })

  beforeEach(async () => {
    await context?.close()
    context = await chromium.newContext()
    page = await context.newPage()
    await page.goto(front.origin)
  })

  after(async () => {
    await chromium?.close()
    await fleet?.stop()
    await redis?.stop()
    await provider?.stop()
    await broker?.stop()
    front?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** Runs page code with the functions of docs/browsers.md's login.js as `app`. */
  async function run<T>(body: string, where = page): Promise<T> {
    return await where.evaluate<T>(`(async () => { const app = await import('/login.js'); ${body} })()`)
  }

  async function logIn(): Promise<void> {
    await run('app.logIn()')
    await page.waitForURL(`${provider.issuer}/**`)
    await page.fill('input[name=name]', 'joe.smith')
    await page.click('button')
    await page.waitForURL(`${front.origin}/**`)
  }

  /** Sessions of one page, one at each gateway; their ends are counted in the page. */
  async function connectAll(): Promise<void> {
    const before = fleet.counts('session-opened')
    for (let turn = 1; turn <= GATEWAYS; turn += 1) {
      // Each attempt of the page asks who it is first, so the turns of upgrades are not those of sessions.
      await until(
        async () => {
          await run(`
          window.ends ??= 0
          const options = { maxRetries: 0, ondisconnect: () => { window.ends += 1 } }
          ;(window.sessions ??= []).push(await app.connect(options))
        `)
          const here = fleet.counts('session-opened').map((count, index) => count - (before[index] ?? 0))
          return here.filter((count) => count > 0).length >= turn
        },
        `a session at gateway ${turn}`,
        60_000,
      )
    }
  }
  const opened = () => page.evaluate<number>('window.sessions.length')
  const ended = () => page.evaluate<number>('window.ends')

  it('logs in by a login that goes through all of them, and connects to each', async () => {
    for (let turn = 0; turn <= GATEWAYS; turn += 1) {
      await context.clearCookies()
      await page.goto(front.origin)
      await logIn()
      for (let again = 0; again < GATEWAYS; again += 1) {
        const who = await run<{ subject?: string } | undefined>('return await app.whoami()')
        assert.equal(who?.subject, 'joe.smith')
      }
    }
    await connectAll()
    // The broker's books are some seconds behind.
    const users = async () => [...new Set((await broker.connections()).map(({ user }) => user))]
    await until(async () => (await users()).join() === webuser.username, 'the promoted user', 60_000)
    assert.equal(await ended(), 0)
    for (let turn = 0; turn < 2 * GATEWAYS; turn += 1) assert.equal(await run('return await app.refresh()'), true)
    assert.equal(await ended(), 0, 'a refresh at one renews the sessions of all')
  })

  it('takes each ticket once, at whichever gateway', async () => {
    await logIn()
    const tickets = await run<string[]>(`
      const tickets = []
      for (let turn = 0; turn < ${GATEWAYS + 1}; turn += 1) {
        const answer = await fetch('/auth/ticket?service=/amqp', { method: 'POST' })
        tickets.push((await answer.json()).ticket)
      }
      return tickets
    `)
    // From now on there is nothing but them.
    await context.clearCookies()
    const outcomes = await page.evaluate<string[]>(`(async () => {
      const { AMQPWebSocketClient } = await import('/amqp-websocket-client.mjs')
      const enter = async (ticket) => {
        const url = location.origin.replace(/^http/, 'ws') + '/amqp?ticket=' + ticket
        const client = new AMQPWebSocketClient({ url, vhost: '/', username: 'any', password: 'any' })
        try {
          await client.connect()
          await client.close()
          return 'in'
        } catch {
          return 'out'
        }
      }
      const outcomes = []
      for (const ticket of ${JSON.stringify(tickets)}) outcomes.push(await Promise.all([ticket, ticket].map(enter)))
      return outcomes.map((both) => both.sort().join(' '))
    })()`)
    assert.deepEqual(
      outcomes,
      Array.from({ length: GATEWAYS + 1 }, () => 'in out'),
    )
  })

  it('logs out at all of them at once', async () => {
    await logIn()
    await connectAll()
    await run('await app.logOut()')
    const all = await opened()
    await until(async () => (await ended()) === all, 'the end of all sessions', 30_000)
    for (let turn = 0; turn < GATEWAYS; turn += 1) assert.equal(await run('return await app.whoami()'), undefined)
  })

  it('is logged out at all of them by the provider, which tells one', async () => {
    await logIn()
    await connectAll()
    const other = await context.newPage()
    await other.goto(`${provider.issuer}/session/end`)
    await other.click('button[name=logout]')
    const all = await opened()
    await until(async () => (await ended()) === all, 'the end of all sessions', 30_000)
    for (let turn = 0; turn < GATEWAYS; turn += 1) assert.equal(await run('return await app.whoami()'), undefined)
  })
})
