/** What authenticators remember outlives a reload that changes their settings, and nothing that it must not. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { hashPassword } from '../../auth/index.ts'
import { type ConfigInput, type Gateway, startGateway } from '../../src/index.ts'
import { basic, ORIGIN, PASSWORD, sendRaw } from '../support/door.ts'
import { type FakeBroker, startFakeBroker } from '../support/fake-broker.ts'
import { FakeOpenidProvider } from '../support/fake-openid-provider.ts'

const provider = new FakeOpenidProvider()
let broker: FakeBroker
let users: Record<string, { password: string }>
let gateway: Gateway

/** The configuration, with settings of the authenticators that differ. */
function config(more: { realm?: string; ttlSeconds?: number; login?: object; tickets?: boolean } = {}): ConfigInput {
  const { realm = 'Staff', ttlSeconds = 30, login, tickets = true } = more
  return {
    listen: { port: 0 },
    log: { level: 'error' },
    brokers: { main: { urls: [broker.url], credentials: { smithj: { username: 'smithj', password: PASSWORD } } } },
    authenticators: {
      staff: { type: 'basic', realm, users },
      ...(tickets ? { tickets: { type: 'ticket', ttlSeconds } } : {}),
      login: {
        type: 'oidc',
        issuer: provider.issuer,
        clientId: 'gatehouse',
        publicUrl: 'http://127.0.0.1',
        ...login,
      },
    },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost: '/',
        origins: [ORIGIN, 'http://127.0.0.1'],
        refusal: 'http',
        authenticate: ['staff', 'login', ...(tickets ? ['tickets'] : [])],
        promote: [{ to: 'smithj' }],
      },
    ],
    drain: '0s',
  }
}

const http = (path: string) => `${gateway.addresses[0]?.url}${path}`.replace(/^ws/, 'http')
const ticket = async () => {
  const response = await fetch(http('/auth/ticket'), { method: 'POST', headers: { authorization: basic() } })
  return ((await response.json()) as { ticket: string }).ticket
}
/** The status of an upgrade. */
const upgrade = async (query: string) => {
  const head = [
    `GET /amqp${query} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Protocol: amqp',
  ]
  return (await sendRaw(gateway.addresses[0]?.port ?? 0, `${head.join('\r\n')}\r\n\r\n`)).status
}
const whoami = async (headers: Record<string, string>) => (await fetch(http('/auth/whoami'), { headers })).status
const cookieOf = (response: Response) =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0] ?? '')
    .filter((pair) => !pair.endsWith('='))
    .join('; ')

/** Logs in at the provider; returns the cookie. */
async function logIn(): Promise<string> {
  const begun = await fetch(http('/auth/login'), { redirect: 'manual' })
  const query = provider.authorize(begun.headers.get('location') ?? '')
  const headers = { cookie: cookieOf(begun) }
  const finished = await fetch(http(`/auth/callback?${query}`), { redirect: 'manual', headers })
  assert.equal(finished.status, 303, await finished.text())
  return cookieOf(finished)
}

before(async () => {
  await provider.start()
  broker = await startFakeBroker()
  users = { 'joe.smith': { password: await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 }) } }
})
beforeEach(async () => {
  gateway = await startGateway(config(), { logTo: { write: () => undefined } })
})
afterEach(() => gateway.close())
after(async () => {
  provider.stop()
  await broker.close()
})

describe('a reload that changes an authenticator', () => {
  it('keeps tickets, and takes each once', async () => {
    const issued = await ticket()
    await gateway.reload({ config: config({ ttlSeconds: 60 }) })
    assert.equal(await upgrade(`?ticket=${issued}`), 101)
    assert.equal(await upgrade(`?ticket=${issued}`), 401)
  })

  it('keeps logins, as long as they would be read the same way', async () => {
    const cookie = await logIn()
    assert.equal(await whoami({ cookie }), 200)
    await gateway.reload({ config: config({ login: { loginTimeout: '1h', logins: 10 } }) })
    assert.equal(await whoami({ cookie }), 200)
    await gateway.reload({ config: config({ login: { roles: 'groups' } }) })
    assert.equal(await whoami({ cookie }), 401)
  })

  it('keeps what was guessed', async () => {
    for (let turn = 0; turn < 10; turn += 1) await whoami({ authorization: basic('joe.smith', `wrong${turn}`) })
    await gateway.reload({ config: config({ realm: 'Others' }) })
    assert.equal(await whoami({ authorization: basic() }), 429)
  })

  it('forgets what an authenticator that left has remembered, and nothing when it is only tried', async () => {
    const [first, second] = [await ticket(), await ticket()]
    await gateway.reload({ config: config({ tickets: false }), dryRun: true })
    assert.equal(await upgrade(`?ticket=${first}`), 101)
    await gateway.reload({ config: config({ tickets: false }) })
    await gateway.reload({ config: config() })
    assert.equal(await upgrade(`?ticket=${second}`), 401)
  })
})
