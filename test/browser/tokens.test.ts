/**
 * Pages that have a token: tickets in a cookie and in the URL, connecting again, renewing, by the page code of
 * docs/browsers.md. The page is on another origin than the gateway, as a page on a host of its own is.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { type Gateway, startGateway } from '../../src/index.ts'
import { type TestBroker, testBroker } from '../support/broker.ts'
import { launchChromium } from '../support/chromium.ts'
import { Front } from '../support/front.ts'
import { pageCode } from '../support/page-code.ts'
import { forgeKey, publicJwk, signToken } from '../support/token-forge.ts'
import { until } from '../support/until.ts'

const ISSUER = 'https://issuer.example.com'
const key = forgeKey('ES256', 'key')

let folder: string
let chromium: Browser
let context: BrowserContext
let page: Page
/** The page's own host; and one that the service does not list. */
let app: Front
let foreign: Front
let broker: TestBroker
let gateway: Gateway
let gatewayUrl: string
const ends: string[] = []

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-tokens-'))
  await writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: [publicJwk(key)] }))
  const files = await pageCode()
  app = new Front(files)
  foreign = new Front(files)
  await Promise.all([app.start(), foreign.start()])
  broker = await testBroker()
  const webuser = await broker.user('webuser')
  gateway = await startGateway(
    {
      listen: { host: '127.0.0.1', port: 0 },
      brokers: { main: { urls: [broker.url], credentials: { webuser } } },
      authenticators: {
        sso: {
          type: 'jwt',
          issuer: ISSUER,
          audience: 'amqp',
          jwksFile: 'keys.json',
          from: ['bearer', 'subprotocol', 'cookie:at'],
        },
        tickets: { type: 'ticket' },
      },
      services: [
        {
          path: '/amqp',
          broker: 'main',
          vhost: broker.vhost,
          origins: [app.origin],
          authenticate: ['sso', 'tickets'],
          promote: [{ when: { subject: 'joe.smith' }, to: 'webuser' }],
        },
      ],
      drain: '0s',
    },
    { folder, logTo: { write: () => undefined } },
  )
  gatewayUrl = `http://127.0.0.1:${gateway.addresses[0]?.port}`
  chromium = await launchChromium()
})

beforeEach(async () => {
  await context?.close()
  context = await chromium.newContext()
  page = await context.newPage()
  ends.length = 0
  await page.exposeFunction('noteEnd', (text: string) => ends.push(text))
  await page.exposeFunction('freshToken', (lifeSeconds: number, subject: string) => token(lifeSeconds, subject))
  await page.goto(app.origin)
})

after(async () => {
  await chromium.close()
  await gateway.close()
  await broker.stop()
  app.stop()
  foreign.stop()
  await rm(folder, { recursive: true, force: true })
})

function token(lifeSeconds = 60, sub = 'joe.smith'): string {
  const exp = Date.now() / 1000 + lifeSeconds
  return signToken({ alg: 'ES256', kid: key.kid }, { iss: ISSUER, aud: 'amqp', sub, exp }, key)
}

/** Runs page code with a file of docs/browsers.md as `code` and the gateway's address as `gateway`. */
async function run<T>(file: string, body: string): Promise<T> {
  return await page.evaluate<T>(
    `(async () => { const code = await import('${file}'); const gateway = '${gatewayUrl}'; ${body} })()`,
  )
}

const isThere = async () => (await broker.connections()).length > 0

describe('a ticket in a cookie', () => {
  it('opens a session, and another one whenever the client connects again', async () => {
    await run(
      '/ticket.js',
      `
        window.connects = 0
        const credential = async () => ({ Authorization: 'Bearer ' + await window.freshToken(3, 'joe.smith') })
        window.session = await code.connect(gateway, credential, {
          reconnectInterval: 200,
          onconnect: () => window.connects++,
          ondisconnect: (error) => window.noteEnd(String(error?.message ?? error)),
        })
      `,
    )
    await until(isThere, 'the session')

    await until(async () => (await page.evaluate<number>('window.connects')) === 3, 'two sessions more', 20_000)

    assert.match(ends[0] ?? '', /credential expired/)
    await page.evaluate('window.session.stop()')
  })

  it('is good once, and readable by no script', async () => {
    await run(
      '/ticket.js',
      `window.session = await code.connect(gateway, async () => ({ Authorization: 'Bearer ' + await window.freshToken(60, 'joe.smith') }))`,
    )
    assert.equal(await page.evaluate('document.cookie'), '')
    const again = await run<string>(
      '/renew.js',
      `const { AMQPWebSocketClient } = await import('/amqp-websocket-client.mjs')
       const client = new AMQPWebSocketClient({ url: gateway.replace('http', 'ws') + '/amqp' })
       return await client.connect().then(() => 'connected', (error) => error.message)`,
    )
    assert.match(again, /not authenticated/)
    await page.evaluate('window.session.stop()')
  })

  it('is refused with a text that the page can read', async () => {
    const said = await run<string>(
      '/ticket.js',
      `const credential = async () => ({ Authorization: 'Bearer ' + await window.freshToken(-1, 'joe.smith') })
       return await code.connect(gateway, credential).then(() => 'connected', (error) => error.message)`,
    )
    assert.match(said, /not authenticated/)
  })

  it('is not for pages of another origin', async () => {
    await page.goto(foreign.origin)
    const said = await run<string>(
      '/ticket.js',
      `const credential = async () => ({ Authorization: 'Bearer ' + await window.freshToken(60, 'joe.smith') })
       return await code.connect(gateway, credential).then(() => 'connected', (error) => error.message)`,
    )
    assert.match(said, /Failed to fetch/)
  })
})

describe('a ticket in the URL', () => {
  const connect = (lifeSeconds: number) =>
    run(
      '/renew.js',
      `window.client = await code.connect(gateway, () => window.freshToken(${lifeSeconds}, 'joe.smith'))
       window.client.ondisconnect = (error) => window.noteEnd(String(error?.message ?? error))`,
    )

  it('opens a session that goes on as long as the page renews', async () => {
    await connect(3)
    const startedMs = Date.now()

    await run('/renew.js', `await code.renew(window.client, () => window.freshToken(6, 'joe.smith'))`)

    const [end = ''] = await until(() => ends.length > 0 && ends, 'the end of the second token', 20_000)
    assert.ok(Date.now() - startedMs > 5000)
    assert.match(end, /credential expired/)
  })

  it('opens a session that ends when the page renews as somebody else', async () => {
    await connect(60)
    await run('/renew.js', `await code.renew(window.client, () => window.freshToken(60, 'eve'))`)
    const [end = ''] = await until(() => ends.length > 0 && ends, 'the end of the session')
    assert.match(end, /NOT_ALLOWED/)
  })
})

describe('a token in a cookie of the application', () => {
  it('opens a session from a listed origin, and from no other', async () => {
    const { hostname } = new URL(app.origin)
    await context.addCookies([{ name: 'at', value: token(), domain: hostname, path: '/', sameSite: 'Strict' }])
    const connect = `
      const { AMQPWebSocketClient } = await import('/amqp-websocket-client.mjs')
      const client = new AMQPWebSocketClient({ url: gateway.replace('http', 'ws') + '/amqp' })
      const said = await client.connect().then(() => 'connected', (error) => error.message)
      if (said === 'connected') await client.close()
      return said`
    assert.equal(await run<string>('/renew.js', connect), 'connected')
    await page.goto(foreign.origin)
    assert.notEqual(await run<string>('/renew.js', connect), 'connected')
  })
})
