/**
 * The whole way in a real browser, with a real OpenID provider and a real broker, by the page code of docs/browsers.md:
 * login page, cookie, session as the promoted user, its end in band, a refresh, logging out.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { type Gateway, startGateway } from '../../src/index.ts'
import { type BrokerUser, type TestBroker, testBroker } from '../support/broker.ts'
import { launchChromium } from '../support/chromium.ts'
import { Front } from '../support/front.ts'
import { gateCode } from '../support/gate-code.ts'
import { type OpenidProvider, startOpenidProvider } from '../support/openid-provider.ts'
import { until } from '../support/until.ts'

const CLIENT_SECRET = 'CANARY secret of the gateway'
const ACCESS_TOKEN_SECONDS = 8

let chromium: Browser
let context: BrowserContext
let page: Page
let front: Front
let provider: OpenidProvider
let broker: TestBroker
let webuser: BrokerUser
let gateway: Gateway
/** How the page's sessions ended; outlives its navigations. */
const ends: string[] = []

before(async () => {
  front = new Front(await gateCode())
  await front.start()
  provider = await startOpenidProvider({
    accessTokenSeconds: ACCESS_TOKEN_SECONDS,
    robotSecret: 'secret of the robot',
    robotRoles: [],
    people: { 'joe.smith': { roles: ['trader'] }, eve: { roles: [] } },
    gateway: { publicUrl: front.origin, secret: CLIENT_SECRET },
  })
  broker = await testBroker()
  webuser = await broker.user('webuser')
  gateway = await startGateway(
    {
      listen: { host: '127.0.0.1', port: 0, trustedProxies: ['127.0.0.1'] },
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
      },
      services: [
        {
          path: '/amqp',
          broker: 'main',
          vhost: broker.vhost,
          origins: [front.origin],
          authenticate: 'login',
          promote: [{ when: { role: 'trader' }, to: 'webuser' }],
        },
      ],
      drain: '0s',
    },
    { logTo: { write: () => undefined } },
  )
  front.gatewayPort = gateway.addresses[0]?.port
  chromium = await launchChromium()
})

beforeEach(async () => {
  await context?.close()
  context = await chromium.newContext()
  page = await context.newPage()
  ends.length = 0
  await page.exposeFunction('noteEnd', (text: string) => ends.push(text))
  await page.goto(front.origin)
})

after(async () => {
  await chromium.close()
  await gateway.close()
  await provider.stop()
  await broker.stop()
  front.stop()
})

/** Runs page code with the functions of docs/browsers.md's login.js as `app`; what outlives it is kept on `window`. */
async function run<T>(body: string): Promise<T> {
  return await page.evaluate<T>(`(async () => { const app = await import('/login.js'); ${body} })()`)
}

async function logIn(name = 'joe.smith'): Promise<void> {
  await run('app.logIn()')
  await page.waitForURL(`${provider.issuer}/**`)
  await page.fill('input[name=name]', name)
  await page.click('button')
  await page.waitForURL(`${front.origin}/**`)
}

/** Connects, consumes from a queue of its own, and notes what happens on `window`. */
async function connect(): Promise<void> {
  await run(`
    const noted = (window.noted = { messages: [], connects: 0 })
    const options = {
      reconnectInterval: 200,
      onconnect: () => noted.connects++,
      ondisconnect: (error) => window.noteEnd(String(error?.message ?? error)),
      onloggedout: () => window.noteEnd('logged out for good'),
    }
    const session = (window.session = await app.connect(options))
    const queue = await session.queue('', { exclusive: true })
    await queue.subscribe({ noAck: true }, (message) => noted.messages.push(message.bodyString()))
    await queue.publish('hello')
  `)
}

const noted = <T>(name: string) => page.evaluate<T>(`window.noted.${name}`)
const brokerUsers = async () => (await broker.connections()).map(({ user }) => user)

describe('a page with a login at the gateway', () => {
  it('logs in, and is the promoted user to the broker', async () => {
    assert.equal(await run('return await app.whoami()'), undefined)
    await logIn()
    assert.equal(page.url(), `${front.origin}/`)
    const who = await run<Record<string, unknown>>('return await app.whoami()')
    assert.equal(who['subject'], 'joe.smith')

    await connect()

    await until(async () => (await noted<string[]>('messages')).includes('hello'), 'the message')
    await until(async () => (await brokerUsers()).join() === webuser.username, 'the promoted user')
  })

  it('keeps nothing that its scripts could read', async () => {
    await logIn()
    const cookies = await context.cookies(front.origin)
    const login = cookies.find(({ name }) => /^gatehouse-[0-9a-f]{8}$/.test(name))
    assert.ok(login?.httpOnly)
    assert.equal(login.sameSite, 'Strict')
    assert.match(login.value, /^[\w-]{43}$/)
    assert.equal(await page.evaluate('document.cookie'), '')
    assert.equal(/code=|state=/.test(page.url()), false)
  })

  it('sees its session end with the token, and is back by itself', async () => {
    await logIn()
    await connect()

    const [end = ''] = await until(() => ends.length > 0 && ends, 'the end of the token', 20_000)

    assert.match(end, /credential expired/)
    await until(async () => (await noted<number>('connects')) === 2, 'the next session')
    await until(async () => (await brokerUsers()).join() === webuser.username, 'the promoted user')
  })

  it('goes on beyond the end of the token when it refreshes in time', async () => {
    await logIn()
    await connect()
    await run('window.stop = app.keepAlive()')
    const endsAtMs = Date.now() + (ACCESS_TOKEN_SECONDS + 3) * 1000

    await until(() => Date.now() > endsAtMs, 'the end of the first token', 20_000)

    assert.deepEqual(ends, [])
    assert.equal(await noted('connects'), 1)
    await run('window.stop()')
  })

  it('logs out, which ends its session at once, in other tabs too', async () => {
    await logIn()
    await connect()
    const other = await context.newPage()
    await other.goto(front.origin)
    const startedMs = Date.now()

    const endSessionUrl = await other.evaluate(`import('/login.js').then((app) => app.logOut())`)

    assert.equal(endSessionUrl, `${provider.issuer}/session/end?client_id=gatehouse`)
    const [end = ''] = await until(() => ends.length > 0 && ends, 'the end of the session')
    assert.match(end, /logged out/)
    assert.ok(Date.now() - startedMs < 1000)
    await until(async () => (await brokerUsers()).length === 0, 'no session at the broker')
    // The page's next attempt finds no login. It stays, as the provider would log in the same person without a question.
    await until(() => ends.includes('logged out for good'), 'the next attempt')
    assert.equal(await noted('connects'), 1)
    assert.equal(page.url(), `${front.origin}/`)
  })

  it('connects by a login that cannot be renewed, however long the page takes to load', async () => {
    await logIn()
    await page.route('**/auth/refresh**', (route) => route.fulfill({ status: 401, body: '{}' }))
    await connect()
    await until(async () => (await noted<string[]>('messages')).includes('hello'), 'the message')
    assert.equal(page.url(), `${front.origin}/`)
  })

  it('is told in AMQP when its user may not use the service', async () => {
    await logIn('eve')
    const said = await run<string>("return await app.connect().then(() => 'connected', (error) => error.message)")
    assert.match(said, /may not use this service/)
  })

  it('reads in plain words that the provider refused a login', async () => {
    await run('app.logIn()')
    await page.waitForURL(`${provider.issuer}/**`)
    await page.fill('input[name=name]', 'nobody')
    await page.click('button')
    await page.waitForURL(`${front.origin}/auth/callback**`)
    assert.match(
      (await page.textContent('body')) ?? '',
      /The login was cancelled, or the login service does not let you use this application/,
    )
  })
})

describe('the same page by amqp-gatehouse/browser', () => {
  /** Makes the gate anew, as each load of the page does. */
  async function gate(): Promise<void> {
    await page.evaluate(`(async () => {
      const { gatehouse } = await import('/gatehouse.js')
      const { AMQPSession } = await import('/amqp-websocket-client.mjs')
      const gate = gatehouse('${front.origin.replace('http', 'ws')}/amqp', { onstop: ({ code }) => window.noteEnd('' + code) })
      const noted = { connects: 0 }
      const connect = () => gate.connect((url, hooks) =>
        AMQPSession.connect(url, { ...hooks, onconnect: () => noted.connects++, ondisconnect: (error) => window.noteEnd(error.message) }))
      Object.assign(window, { gate, noted, connect })
    })()`)
  }

  it('is told that somebody has to log in, leaves for it, and returns', async () => {
    await gate()
    assert.equal(await page.evaluate('connect().catch(({ code }) => code)'), 4401)
    assert.deepEqual(ends, ['4401'])
    await page.evaluate('gate.login()')
    await page.waitForURL(`${provider.issuer}/**`)
    await page.fill('input[name=name]', 'joe.smith')
    await page.click('button')
    await page.waitForURL(`${front.origin}/**`)
    await gate()
    await page.evaluate('connect().then(() => undefined)')
    assert.equal(await page.evaluate('gate.who.subject'), 'joe.smith')
  })

  it('goes on beyond the end of the token, and ends when it logs out', async () => {
    await logIn()
    await gate()
    await page.evaluate('connect().then(() => undefined)')
    const endsAtMs = Date.now() + (ACCESS_TOKEN_SECONDS + 1) * 1000
    await until(() => Date.now() > endsAtMs, 'the end of the first token', 20_000)
    assert.deepEqual([ends, await noted('connects')], [[], 1])

    assert.equal(
      await page.evaluate('gate.logout().then((answer) => answer.endSessionUrl)'),
      `${provider.issuer}/session/end?client_id=gatehouse`,
    )
    await until(async () => (await brokerUsers()).length === 0, 'no session at the broker')
    assert.equal(ends[0], '4400')
    assert.equal(await page.evaluate('connect().catch(({ code }) => code)'), 4401)
  })
})
