/** The gateway's own login with a real OpenID provider and a real broker; in a real browser in test/browser/oidc.test.ts. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { freePorts } from '../../src/demo/processes.ts'
import { type Gateway, startGateway } from '../../src/index.ts'
import { type AmqplibConnection, connectAmqplib, HandshakeRefused } from '../support/amqplib-over-websocket.ts'
import { type TestBroker, testBroker } from '../support/broker.ts'
import { CookieBrowser } from '../support/cookie-browser.ts'
import { Front } from '../support/front.ts'
import { type OpenidProvider, startOpenidProvider } from '../support/openid-provider.ts'
import { until, within } from '../support/until.ts'

const CLIENT_SECRET = 'CANARY secret of the gateway'
const ACCESS_TOKEN_SECONDS = 5

let front: Front
let provider: OpenidProvider
let broker: TestBroker
let gateway: Gateway
let browser: CookieBrowser
const lines: Record<string, unknown>[] = []

before(async () => {
  front = new Front({ '/app': { type: 'text/html', body: '<!doctype html><title>App</title>' } })
  await front.start()
  provider = await startOpenidProvider({
    accessTokenSeconds: ACCESS_TOKEN_SECONDS,
    robotSecret: 'secret of the robot',
    robotRoles: [],
    people: { 'joe.smith': { roles: ['trader'] }, eve: { roles: [] } },
    gateway: { publicUrl: front.origin, secret: CLIENT_SECRET },
  })
  broker = await testBroker()
  const webuser = await broker.user('webuser')
  gateway = await startGateway(
    {
      listen: { host: '127.0.0.1', port: 0, trustedProxies: ['127.0.0.1'] },
      admin: { port: 0 },
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
      log: { level: 'debug' },
      drain: '0s',
    },
    { logTo: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) } },
  )
  front.gatewayPort = gateway.addresses[0]?.port
})

beforeEach(() => {
  browser = new CookieBrowser()
  lines.length = 0
})

after(async () => {
  await gateway.close()
  await provider.stop()
  await broker.stop()
  front.stop()
})

/** Visits the login, fills in the provider's form, and is sent back. */
async function logIn(name = 'joe.smith', returnTo = '/app?page=1') {
  const form = await browser.visit(`${front.origin}/auth/login?returnTo=${encodeURIComponent(returnTo)}`)
  assert.match(form.body, /<form/, form.body)
  return await browser.visit(form.url, { name })
}

async function enter(cookie = browser.cookies(front.origin)): Promise<AmqplibConnection> {
  const url = `${front.origin.replace('http', 'ws')}/amqp`
  return await connectAmqplib(url, { websocket: { headers: { cookie }, origin: front.origin } })
}

async function post(path: string, origin: string | undefined = front.origin): Promise<Response> {
  return await browser.fetch(`${front.origin}${path}`, {
    method: 'POST',
    headers: origin === undefined ? {} : { origin },
  })
}

/** What amqplib and the WebSocket say at the end. */
async function endOf({ connection, closed }: AmqplibConnection): Promise<{ text: string; code: number }> {
  const said = new Promise<string>((resolve) => {
    connection.once('close', (error?: Error) => resolve(error?.message ?? ''))
  })
  const [text, { code }] = await within(Promise.all([said, closed]), 'the end of the session', 15_000)
  return { text, code }
}

const line = (event: string) => until(() => lines.find((one) => one['event'] === event), `log line ${event}`)

describe('the login', () => {
  it('leads through the provider and back, to a session as the promoted user', async () => {
    const arrived = await logIn()

    assert.equal(arrived.url, `${front.origin}/app?page=1`)
    assert.equal(arrived.status, 200)
    const { connection } = await enter()
    const channel = await connection.createConfirmChannel()
    const { queue } = await channel.assertQueue('', { exclusive: true })
    channel.sendToQueue(queue, Buffer.from('hello'))
    await channel.waitForConfirms()
    assert.equal((await until(() => channel.get(queue, { noAck: true }))).content.toString(), 'hello')
    const opened = await line('login-opened')
    assert.equal(opened['subject'], 'joe.smith')
    assert.equal(opened['issuer'], provider.issuer)
    await connection.close()
  })

  it('is known to whoami', async () => {
    await logIn()
    const answer = await browser.fetch(`${front.origin}/auth/whoami`)
    const who = (await answer.json()) as Record<string, unknown>
    assert.equal(who['subject'], 'joe.smith')
    assert.deepEqual(who['roles'], ['trader'])
    assert.equal(who['authenticator'], 'login')
  })

  it('buys tickets', async () => {
    await logIn()
    const answer = await post('/auth/ticket')
    const { ticket } = (await answer.json()) as { ticket: string }
    const url = `${front.origin.replace('http', 'ws')}/amqp?ticket=${ticket}`
    const { connection } = await connectAmqplib(url, { websocket: { origin: front.origin } })
    await connection.close()
  })

  it('of somebody without a rule opens no session', async () => {
    await logIn('eve')
    await assert.rejects(enter(), (error: unknown) => {
      assert.ok(error instanceof HandshakeRefused)
      assert.equal(error.close?.code, 4403)
      return true
    })
  })

  it('that the provider refuses is none', async () => {
    const refused = await logIn('nobody')
    assert.equal(refused.status, 403)
    assert.equal(browser.cookies(front.origin), '')
    const refusal = await line('authentication-refused')
    assert.match(String(refusal['detail']), /access_denied/)
    assert.equal(refusal['authenticator'], 'login', 'which of several providers it was')
  })

  it('whose provider is away is refused, and the log says which provider it was', async (t) => {
    const [nobody = 0] = await freePorts(1)
    const publicUrl = 'http://localhost:8080'
    const away = await startGateway(
      {
        listen: { host: '127.0.0.1', port: 0 },
        brokers: { main: { urls: [broker.url], credentials: { webuser: { username: 'webuser', password: 'x' } } } },
        authenticators: {
          partners: {
            type: 'oidc',
            issuer: `http://127.0.0.1:${nobody}`,
            clientId: 'gatehouse',
            clientSecret: CLIENT_SECRET,
            publicUrl,
          },
        },
        services: [
          { path: '/amqp', broker: 'main', vhost: '/', authenticate: 'partners', promote: [{ to: 'webuser' }] },
        ],
      },
      { logTo: { write: (text) => void lines.push(JSON.parse(text) as Record<string, unknown>) } },
    )
    t.after(() => away.close())
    const answer = await fetch(`http://localhost:${away.addresses[0]?.port}/auth/login?returnTo=/`, {
      headers: { host: 'localhost:8080' },
    })
    assert.equal(answer.status, 503)
    const { cause, authenticator } = await line('authentication-failed')
    assert.deepEqual([cause, authenticator], ['authentication-unavailable', 'partners'])
  })

  it('of a blocked person is none, neither one that is under way nor one that is to be renewed', async () => {
    await logIn('eve')
    const block = (subject: string) => gateway.block({ subject, for: '2s', reason: 'a test' })
    await block('eve')
    const { until: untilAt } = await block('joe.smith')
    assert.equal((await post('/auth/refresh')).status, 403)
    browser = new CookieBrowser()
    const refused = await logIn('joe.smith')
    assert.equal(refused.status, 403)
    assert.equal(browser.cookies(front.origin), '')
    assert.equal((await line('authorization-refused'))['cause'], 'blocked')
    await until(() => Date.now() > Date.parse(untilAt))
    browser = new CookieBrowser()
    assert.equal((await logIn('joe.smith')).status, 200)
  })

  it('leads to no other host', async () => {
    const answer = await browser.fetch(`${front.origin}/auth/login?returnTo=//evil.example`)
    assert.equal(answer.status, 400)
  })

  it('shows no secret in logs or answers', async () => {
    const arrived = await logIn()
    await post('/auth/refresh')
    const said = JSON.stringify(lines) + arrived.body
    assert.equal(said.includes('CANARY'), false)
    for (const pair of browser.cookies(front.origin).split('; ')) {
      assert.equal(said.includes(pair.split('=')[1] ?? ''), false)
    }
    assert.equal(/eyJ[A-Za-z0-9_-]{8}|[?&]code=/.test(said), false)
  })
})

describe('a session of a login', () => {
  it('ends with the access token, and opens again by the refresh token', async () => {
    await logIn()
    const ended = endOf(await enter())

    const { text, code } = await ended

    assert.match(text, /320.*credential expired/)
    assert.equal(code, 4401)
    const { connection } = await enter()
    await connection.close()
  })

  it('goes on where the page refreshes in time', async () => {
    await logIn()
    const startedMs = performance.now()
    const ended = endOf(await enter())
    await until(() => performance.now() - startedMs > 2500)

    const answer = await post('/auth/refresh')

    assert.equal(answer.status, 200)
    const { subject, expiresAt } = (await answer.json()) as { subject: string; expiresAt: string }
    assert.equal(subject, 'joe.smith')
    assert.ok(Date.parse(expiresAt) > Date.now() + (ACCESS_TOKEN_SECONDS - 2) * 1000)
    await ended
    assert.ok(performance.now() - startedMs > (ACCESS_TOKEN_SECONDS + 2) * 1000)
  })

  it('ends at once when the page logs out', async () => {
    await logIn()
    const cookie = browser.cookies(front.origin)
    const ended = endOf(await enter())
    const startedMs = performance.now()

    const revokedBefore = provider.revokedCount()
    const answer = await post('/auth/logout')

    const { text, code } = await ended
    assert.ok(performance.now() - startedMs < 1000)
    assert.match(text, /320.*logged out/)
    assert.equal(code, 4401)
    assert.deepEqual(await answer.json(), { endSessionUrl: `${provider.issuer}/session/end?client_id=gatehouse` })
    assert.equal(browser.cookies(front.origin), '')
    await until(() => provider.revokedCount() > revokedBefore, 'the revocation at the provider')
    await assert.rejects(enter(cookie), HandshakeRefused)
    await until(async () => (await broker.connections()).length === 0)
  })

  it('ends at once when the provider says so, server to server', async () => {
    await logIn()
    const ended = endOf(await enter())
    const form = await browser.visit(`${provider.issuer}/session/end`)
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(form.body)?.[1] ?? ''

    await browser.visit(`${provider.issuer}/session/end/confirm`, { xsrf, logout: 'yes' })

    assert.match((await ended).text, /320.*logged out/)
    assert.equal((await browser.fetch(`${front.origin}/auth/whoami`)).status, 401)
  })

  it('is not renewed, nor ended, for a page of another origin or for no page', async () => {
    await logIn()
    const client = await enter()
    for (const path of ['/auth/logout', '/auth/refresh']) {
      assert.equal((await post(path, 'https://evil.example')).status, 403)
      const headers = { cookie: browser.cookies(front.origin) }
      assert.equal((await fetch(`${front.origin}${path}`, { method: 'POST', headers })).status, 403)
    }
    await client.connection.close()
  })
})

describe('the routes', () => {
  it('answer what they should not be asked with a status', async () => {
    for (const [method, path, status] of [
      ['POST', '/auth/login', 405],
      ['POST', '/auth/callback', 405],
      ['GET', '/auth/logout', 405],
      ['GET', '/auth/refresh', 405],
      ['GET', '/auth/backchannel-logout', 405],
      ['GET', '/auth/callback', 400],
      ['GET', '/auth/callback?code=x&state=y', 400],
      ['GET', '/auth/login?with=other', 404],
      ['GET', '/auth/login?service=/other', 404],
      ['POST', '/auth/refresh', 401],
      ['POST', '/auth/backchannel-logout', 400],
    ] as const) {
      const answer = await fetch(`${front.origin}${path}`, { method, headers: { origin: front.origin } })
      assert.equal(answer.status, status, `${method} ${path}`)
      assert.equal(answer.headers.get('cache-control'), 'no-store')
    }
  })

  it('take logout tokens in a form only, and one at a time', async () => {
    for (const body of [
      new URLSearchParams({ logout_token: 'x.y.z' }),
      new URLSearchParams([
        ['logout_token', 'a'],
        ['logout_token', 'b'],
      ]),
      JSON.stringify({ logout_token: 'x' }),
    ]) {
      const answer = await fetch(`${front.origin}/auth/backchannel-logout`, { method: 'POST', body })
      assert.equal(answer.status, 400)
      assert.deepEqual(await answer.json(), { error: 'invalid_request' })
    }
  })
})
