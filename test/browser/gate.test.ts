/**
 * `amqp-gatehouse/browser` in a real browser, in front of a real gateway and RabbitMQ, with the client's own session that
 * connects again by itself: passwords, tokens and their renewal, and what the page does when its session is ended.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { hashPassword } from '../../auth/index.ts'
import { type Gateway, startGateway } from '../../src/index.ts'
import { type TestBroker, testBroker } from '../support/broker.ts'
import { launchChromium } from '../support/chromium.ts'
import { basic, PASSWORD } from '../support/door.ts'
import { Front } from '../support/front.ts'
import { gateCode } from '../support/gate-code.ts'
import { forgeKey, publicJwk, signToken } from '../support/token-forge.ts'
import { until } from '../support/until.ts'

const ISSUER = 'https://issuer.example.com'
const key = forgeKey('ES256', 'gate')

interface Noted {
  readonly connects: number
  readonly received: string[]
  readonly stops: string[]
  /** Whether it was asked again, for each question. */
  readonly wanted: boolean[]
}

let folder: string
let chromium: Browser
let front: Front
let broker: TestBroker
let gateway: Gateway
let page: Page
const lines: Record<string, unknown>[] = []

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-gate-'))
  await writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: [publicJwk(key)] }))
  front = new Front(await gateCode())
  await front.start()
  broker = await testBroker()
  const webuser = await broker.user('webuser')
  const password = await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 })
  gateway = await startGateway(
    {
      listen: { host: '127.0.0.1', port: 0 },
      admin: { port: 0, authenticate: ['ops'], roles: { operator: { role: 'operator' } } },
      brokers: { main: { urls: [broker.url], credentials: { webuser } } },
      authenticators: {
        staff: { type: 'basic', realm: 'Staff', users: { 'joe.smith': { password } } },
        ops: { type: 'basic', realm: 'Ops', users: { ann: { password, roles: ['operator'] } } },
        sso: { type: 'jwt', issuer: ISSUER, audience: 'amqp', jwksFile: 'keys.json' },
        tickets: { type: 'ticket' },
      },
      services: [
        {
          path: '/amqp',
          broker: 'main',
          vhost: broker.vhost,
          origins: [front.origin],
          authenticate: ['staff', 'sso', 'tickets'],
          promote: [{ when: { subject: 'joe.smith' }, to: 'webuser' }],
        },
      ],
      drain: '0s',
    },
    { folder, logTo: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) } },
  )
  chromium = await launchChromium()
})

beforeEach(async () => {
  lines.length = 0
  page = await chromium.newPage()
  await page.exposeFunction('freshToken', (seconds: number, sub = 'joe.smith') => token(seconds, sub))
  await page.goto(front.origin)
})

afterEach(async () => {
  await page.close()
  await until(() => gateway.sessionCount === 0, 'no session left')
})

after(async () => {
  await chromium.close()
  await gateway.close()
  await broker.stop()
  front.stop()
  await rm(folder, { recursive: true, force: true })
})

function token(seconds: number, sub: string): string {
  const exp = Date.now() / 1000 + seconds
  return signToken({ alg: 'ES256', kid: key.kid }, { iss: ISSUER, aud: 'amqp', sub, exp }, key)
}

const joe = `async () => basic('joe.smith', ${JSON.stringify(PASSWORD)})`
const url = () => `${gateway.addresses[0]?.url}/amqp`
const noted = () => page.evaluate<Noted>('window.noted')
const refused = (cause: string) =>
  lines.filter((line) => line['event'] === 'authorization-refused' && line['cause'] === cause).length

/** Makes the gate; what happens is noted on `window`. @param credential page code */
async function gate(credential: string): Promise<void> {
  await page.evaluate(`(async () => {
    const { basic, gatehouse } = await import('/gatehouse.js')
    const { AMQPSession, AMQPWebSocketClient } = await import('/amqp-websocket-client.mjs')
    const noted = { connects: 0, received: [], stops: [], wanted: [] }
    const credential = ${credential}
    const gate = gatehouse('${url()}', {
      credential: (again) => (noted.wanted.push(again), credential(again)),
      onstop: ({ code, message }) => noted.stops.push(code + ' ' + message),
    })
    const connect = () => gate.connect((url, hooks) => AMQPSession.connect(url, { ...hooks, onconnect: () => noted.connects++ }))
    Object.assign(window, { noted, gate, connect, AMQPWebSocketClient })
  })()`)
}

/** Connects, and consumes from a queue that is there when it comes back. */
async function connect(): Promise<void> {
  await page.evaluate(`(async () => {
    const session = (window.session = await connect())
    const queue = (window.queue = await session.queue('${randomUUID()}', { durable: true }))
    await queue.subscribe({ noAck: true }, (message) => noted.received.push(message.bodyString()))
  })()`)
}

/** How a promise of the page ended. */
const outcome = (code: string) =>
  page.evaluate<string>(`${code}.then(() => 'connected', ({ code, message }) => code + ' ' + message)`)

async function works(text: string): Promise<void> {
  await page.evaluate(`queue.publish('${text}')`)
  await until(async () => (await noted()).received.includes(text), `the message ${text}`)
}

/** As the operator, by the management API. */
async function order(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${gateway.adminAddress?.url}/api/v1${path}`, {
    method,
    headers: { authorization: basic('ann') },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  assert.ok(answer.ok, text)
  return (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
}

describe('a page with a password', () => {
  it('asks for it once, and knows who it is', async () => {
    await gate(joe)
    await connect()
    await works('hello')
    assert.equal(await page.evaluate('gate.who.word'), 'joe%2Esmith')
    assert.deepEqual((await noted()).wanted, [false])
  })

  it('asks again when it is wrong, and stops when it is wrong again', async () => {
    await gate(`async () => basic('joe.smith', 'wrong')`)
    assert.match(await outcome('connect()'), /^4401 not authenticated/)
    assert.deepEqual((await noted()).wanted, [false, true])
    assert.equal((await noted()).stops.length, 1)
  })

  it('may use the client without a session around it', async () => {
    await gate(joe)
    const open = `gate.ready().then(() => (window.client = new AMQPWebSocketClient({ url: '${url()}' })).connect())`
    assert.equal(await outcome(open), 'connected')
    await page.evaluate('client.close()')
    assert.equal(await outcome(open), 'connected')
    await page.evaluate('client.close()')
  })

  it('ends its session when it logs out', async () => {
    await gate(joe)
    await connect()
    await page.evaluate('gate.logout()')
    await until(() => gateway.sessionCount === 0, 'no session left')
    assert.deepEqual((await noted()).stops, ['4400 logged out'])
  })
})

describe('a page that logs out while its session connects again', () => {
  /** Ends the session, and holds up what the page does next: `hold` is page code, and calls `held` when it is there. */
  async function interrupt(hold: string): Promise<void> {
    await gate(joe)
    await connect()
    await page.evaluate(`(() => {
      window.isHeld = new Promise((resolve) => (window.held = resolve))
      const released = new Promise((resolve) => (window.release = resolve))
      ${hold}
    })()`)
    await order('POST', '/kick', { match: { subject: 'joe.smith' }, hold: '0s', reason: 'a new contract' })
    await page.evaluate('isHeld')
  }

  /** Whoever logs in next has the only connection. */
  async function leftNothing(): Promise<void> {
    assert.equal(await outcome('connect()'), 'connected')
    await until(() => gateway.sessionCount === 1, 'the new session alone')
    assert.deepEqual((await noted()).stops, ['4400 logged out'])
  }

  it('connects with no ticket that was on its way', async () => {
    await interrupt(`
      const fetch = window.fetch
      window.fetch = async (...request) => {
        const answer = await fetch(...request)
        held()
        await released
        return answer
      }`)
    await page.evaluate('gate.logout()')
    await page.evaluate('release()')
    await leftNothing()
  })

  it('closes the connection that the session was opening', async () => {
    await interrupt(`
      const Gate = window.WebSocket
      window.WebSocket = class extends Gate {
        constructor(...address) {
          super(...address)
          this.addEventListener('open', held)
        }
      }`)
    await page.evaluate('gate.logout()')
    await leftNothing()
  })
})

describe('a page with a token', () => {
  it('renews it while the session goes on', async () => {
    await gate(`async () => 'Bearer ' + await freshToken(4)`)
    await connect()
    await until(async () => (await noted()).wanted.length === 3, 'two renewals', 20_000)
    await works('still here')
    assert.equal((await noted()).connects, 1)
    assert.equal(lines.filter(({ event }) => event === 'session-ended').length, 0)
  })

  it('comes once with another when its own has run out, and stops when that is no good', async () => {
    await gate(`async (again) => again ? 'Bearer nonsense' : 'Bearer ' + await freshToken(3)`)
    await page.evaluate('connect()')
    await until(async () => (await noted()).stops.length > 0, 'the page is told to stop', 30_000)
    const { stops, wanted, connects } = await noted()
    assert.match(stops.join(), /^4401 /)
    assert.ok(wanted.length <= 3, `${wanted.length} questions`)
    assert.equal(connects, 1)
  })
})

describe('a page whose session is ended', () => {
  it('is out until the hold of a kick is over, and is back by itself', async () => {
    await gate(joe)
    await connect()
    const startedAtMs = performance.now()
    await order('POST', '/kick', { match: { subject: 'joe.smith' }, hold: '6s', reason: 'a new contract' })
    await until(async () => (await noted()).connects === 2, 'a new connection', 40_000)
    assert.ok(performance.now() - startedAtMs > 5_900)
    await works('back')
    assert.ok(refused('held') <= 2, `asked ${refused('held')} times in vain: Retry-After says how long it takes`)
    assert.deepEqual((await noted()).stops, [])
  })

  it('stops at a block, and gets in when somebody begins again after it was lifted', async () => {
    await gate(joe)
    await connect()
    const block = await order('PUT', '/blocks', { subject: 'joe.smith', for: '10m', reason: 'a new contract' })
    await until(async () => (await noted()).stops.length === 1, 'the page is told to stop')
    assert.match((await noted()).stops.join(), /^4403 /)
    assert.match(await outcome('connect()'), /^4403 this login is blocked/)
    assert.equal(refused('blocked'), 1)

    await order('DELETE', `/blocks/${String(block['id'])}`)
    await connect()
    await works('back')
    assert.equal(refused('blocked'), 1)
  })

  it('is back after a drain', async () => {
    await gate(joe)
    await connect()
    await order('POST', '/drain', { over: '0s', quiet: '0s', lameDuck: '0s' })
    await until(() => gateway.sessionCount === 0, 'no session left')
    await order('DELETE', '/drain')
    await until(async () => (await noted()).connects === 2, 'a new connection', 30_000)
    await works('back')
  })
})
