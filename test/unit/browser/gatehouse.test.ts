/** The page's side, with a clock, an HTTP and a WebSocket of the test's own. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { build } from 'esbuild'
import { basic, type Gate, type GateOptions, gatehouse } from '../../../browser/gatehouse.ts'
import { FakePage, PageSession, type PageSocket, SERVICE_URL } from '../../support/fake-page.ts'

let page: FakePage
beforeEach(() => {
  page = FakePage.open()
})
afterEach(() => page.close())

interface Rig {
  readonly gate: Gate
  readonly session: PageSession
  readonly stops: string[]
  /** How often the page was page.asked, and whether again. */
  readonly wanted: boolean[]
}

/** A gate with a token of its own for each question, and a session behind it. */
async function connected(options: GateOptions = {}): Promise<Rig> {
  const stops: string[] = []
  const wanted: boolean[] = []
  const gate = gatehouse(SERVICE_URL, {
    credential: (again) => `Bearer token${wanted.push(again)}`,
    onstop: ({ code, message }) => stops.push(`${code} ${message}`),
    ...options,
  })
  const session = await gate.connect(PageSession.connect)
  return { gate, session, stops, wanted }
}

describe('a gate with a credential', () => {
  it('asks for it once, buys a ticket for each connection, and says who one is', async () => {
    const { gate, session, wanted } = await connected()
    assert.equal(gate.who?.word, 'joe%2Esmith')
    assert.equal(page.socket.url, `${SERVICE_URL}?ticket=T1`)
    page.socket.end(1012)
    await page.pass(2_500)
    assert.equal(session.connects, 2)
    assert.equal(page.socket.url, `${SERVICE_URL}?ticket=T2`)
    assert.deepEqual(wanted, [false])
    assert.deepEqual(page.routes, ['POST /auth/ticket', 'POST /auth/ticket'])
    assert.deepEqual(
      page.asked.map(({ authorization }) => authorization),
      ['Bearer token1', 'Bearer token1'],
    )
  })

  it('leaves other WebSockets alone', async () => {
    await connected()
    const other = new WebSocket('wss://other.example.com/amqp') as unknown as PageSocket
    assert.equal(other.url, 'wss://other.example.com/amqp')
  })

  it('asks again where the answer is 401, once', async () => {
    page.answers.push({ status: 401, body: { error: 'no' } })
    const connecting = connected()
    await page.pass(1_000)
    const { wanted, stops } = await connecting
    assert.deepEqual([wanted, stops], [[false, true], []])
  })

  it('stops where the second is refused, too', async () => {
    page.usual = () => ({ status: 401, body: { error: 'not authenticated: log in again' } })
    const stops: number[] = []
    const gate = gatehouse(SERVICE_URL, { credential: () => 'Bearer bad', onstop: ({ code }) => stops.push(code) })
    const connecting = assert.rejects(gate.connect(PageSession.connect), { code: 4401, message: /log in again/ })
    await page.pass(1_000)
    await connecting
    assert.deepEqual([stops, page.asked.length], [[4401], 2])
    await assert.rejects(gate.ready(), { code: 4401 })
  })

  it('fails as the client does where nobody answers, as a wrong address looks the same', async () => {
    page.answers.push(new TypeError('Failed to fetch'))
    const connecting = assert.rejects(connected(), /Failed to fetch/)
    await page.pass(500)
    await connecting
  })

  it('encodes passwords in UTF-8', () => {
    assert.equal(basic('joe', 'grüße'), `Basic ${Buffer.from('joe:grüße').toString('base64')}`)
  })

  it('gives a live session the next token when two thirds of its time have passed', async () => {
    page.endsAfter(60_000)
    const { session, wanted } = await connected()
    await page.pass(39_999)
    assert.deepEqual(wanted, [false])
    await page.pass(1)
    assert.deepEqual(wanted, [false, true])
    assert.equal(session.connects, 1)
    const [frame = new Uint8Array()] = page.socket.sent
    const view = new DataView(frame.buffer)
    assert.deepEqual([view.getUint8(0), view.getUint16(1), view.getUint32(3)], [1, 0, frame.length - 8])
    assert.deepEqual([view.getUint16(7), view.getUint16(9), view.getUint32(11)], [10, 70, 'token2'.length])
    assert.equal(Buffer.from(frame.subarray(15, 21)).toString(), 'token2')
    assert.deepEqual([...frame.subarray(21)], [0, 206])
    await page.pass(40_000)
    assert.deepEqual(wanted, [false, true, true])
  })

  it('lets the session end with its token where the page has no other', async () => {
    page.endsAfter(60_000)
    let isAway = false
    const credential = () => (isAway ? Promise.reject(new Error('provider away')) : 'Bearer token')
    const { session, stops } = await connected({ credential })
    isAway = true
    await page.pass(40_000)
    assert.deepEqual([session.connects, page.socket.sent.length, stops.length], [1, 0, 0])
    isAway = false
    page.socket.end(4401)
    await page.pass(1_000)
    assert.equal(session.connects, 2)
  })

  it('goes on asking the page where its provider is away for a while', async () => {
    let isAway = false
    const credential = () => (isAway ? Promise.reject(new Error('provider away')) : 'Bearer token')
    const { session, stops } = await connected({ credential })
    isAway = true
    page.socket.end(4401)
    for (const ms of [500, 1_000, 2_000]) await page.pass(ms + 2)
    isAway = false
    await page.pass(4_000)
    await page.pass(2)
    assert.deepEqual([session.connects, stops], [2, []])
  })

  it('renews as often as before, after a session that ended while it was renewed', async () => {
    page.endsAfter(9_000)
    const { wanted } = await connected()
    let answer = () => {}
    page.network = new Promise((resolve) => {
      answer = resolve
    })
    await page.pass(6_000)
    page.socket.end(1006)
    await page.pass(1_000)
    answer()
    await page.pass(0)
    wanted.length = 0
    await page.pass(6_000)
    assert.equal(wanted.length, 1)
  })

  it('renews nothing that lasts, nor earlier than a timer can count', async () => {
    page.endsAfter(90 * 86_400_000)
    const { wanted } = await connected()
    await page.pass(80_000_000)
    assert.deepEqual(wanted, [false])
  })

  it('forgets all at a logout, and asks again afterwards', async () => {
    const { gate, session, stops, wanted } = await connected()
    assert.equal(await gate.logout(), undefined)
    assert.equal(session.isStopped, true)
    assert.deepEqual(stops, ['4400 logged out'])
    page.socket.end(1000)
    const next = gate.connect(PageSession.connect)
    await page.pass(1_000)
    await next
    assert.deepEqual(wanted, [false, false])
  })

  it('closes a connection that opens while one logs out', async () => {
    let isOpened = false
    const gate = gatehouse(SERVICE_URL, { credential: () => 'Bearer token' })
    void gate
      .connect(async (url, { beforeConnect }) => {
        await beforeConnect()
        void new WebSocket(url)
        return await new Promise<PageSession>(() => undefined)
      })
      .then(() => {
        isOpened = true
      })
    await page.pass(0)
    await gate.logout()
    assert.deepEqual([page.socket.isClosed, isOpened], [true, false])
  })
})

describe('a logout while something is under way', () => {
  it('closes what a session is just opening again, though the session stops nothing but what is open', async () => {
    const gate = gatehouse(SERVICE_URL, { credential: () => 'Bearer token' })
    let again = async () => {}
    await gate.connect(async (url, { beforeConnect }) => {
      again = async () => {
        await beforeConnect()
        void new WebSocket(url)
      }
      await again()
      return { stop: async () => {} }
    })
    page.socket.end(1012)
    void again()
    await page.pass(2_500)
    await gate.logout()
    await page.pass(0)
    assert.deepEqual([page.sockets.length, page.socket.isClosed], [2, true])
  })

  it('makes no connection with a ticket that was on its way', async () => {
    const { gate } = await connected()
    let answer = () => {}
    page.network = new Promise((resolve) => {
      answer = resolve
    })
    page.socket.end(1006)
    await page.pass(1_000)
    assert.deepEqual(page.routes, ['POST /auth/ticket', 'POST /auth/ticket'])
    await gate.logout()
    answer()
    await page.pass(0)
    assert.equal(page.sockets.length, 1)
  })

  it('takes no credential that somebody gave before it, also not for the next who logs in', async () => {
    const given: ((credential: string) => void)[] = []
    const gate = gatehouse(SERVICE_URL, { credential: () => new Promise((resolve) => given.push(resolve)) })
    const first = assert.rejects(gate.connect(PageSession.connect), { code: 4400 })
    await page.pass(0)
    await gate.logout()
    const second = gate.connect(PageSession.connect)
    await page.pass(0)
    given[0]?.('Bearer first')
    await first
    given[1]?.('Bearer second')
    await second
    assert.deepEqual(
      page.asked.map(({ authorization }) => authorization),
      ['Bearer second'],
    )
    assert.equal(page.sockets.length, 1)
  })
})

describe('close codes', () => {
  it('4401: a fresh credential, then the end if it is refused in band', async () => {
    const { session, stops, wanted } = await connected()
    page.refusals.push([4401, 'not authenticated: log in again'])
    page.socket.end(4401, 'credential expired')
    await page.pass(1_000)
    assert.deepEqual(wanted, [false, true])
    assert.deepEqual(stops, ['4401 not authenticated: log in again'])
    assert.equal(session.isStopped, true)
    const before = page.asked.length
    await page.pass(600_000)
    assert.equal(page.asked.length, before)
  })

  it('4401: again and again, as long as each credential is good for a session', async () => {
    const { session, stops } = await connected()
    for (let times = 0; times < 3; times++) {
      page.socket.end(4401, 'credential expired')
      await page.pass(1_000)
    }
    assert.deepEqual([session.connects, stops], [4, []])
  })

  it('4403: the end, until somebody begins again', async () => {
    const { gate, session, stops } = await connected()
    page.socket.end(4403, 'this login is blocked')
    await page.pass(0)
    assert.deepEqual([session.isStopped, stops], [true, ['4403 this login is blocked']])
    await assert.rejects(gate.ready(), { code: 4403 })
    const next = await gate.connect(PageSession.connect)
    assert.equal(next.connects, 1)
  })

  it('1012: back within 5 s, at a moment of its own', async () => {
    const { session } = await connected()
    page.socket.end(1012)
    await page.pass(2_499)
    assert.equal(session.connects, 1)
    await page.pass(1)
    assert.equal(session.connects, 2)
  })

  it('1013: later, and ever later', async () => {
    const { session } = await connected()
    page.refusals.push([1013, 'too many sessions'], [1013, 'too many sessions'])
    page.socket.end(1013)
    const waits = [500, 1_000, 2_000]
    for (const [index, ms] of waits.entries()) {
      await page.pass(ms - 1)
      assert.equal(page.sockets.length, index + 1)
      await page.pass(2)
    }
    assert.equal(session.connects, 2)
  })

  it('waits as long as Retry-After says', async () => {
    const { session } = await connected()
    page.answers.push({ status: 403, body: { error: 'not at the moment' }, retryAfter: 30 })
    page.socket.end(1012)
    await page.pass(2_500)
    await page.pass(30_000)
    assert.equal(session.connects, 1)
    await page.pass(500)
    assert.equal(session.connects, 2)
  })

  it('1006: goes on, more slowly each time, up to a minute', async () => {
    const { session } = await connected()
    page.answers.push(...Array.from({ length: 10 }, () => new TypeError('Failed to fetch')))
    page.socket.end(1006)
    await page.pass(500)
    for (let times = 1; times <= 10; times++) await page.pass(2 ** Math.min(times, 6) * 500 + 2)
    assert.deepEqual([page.asked.length, session.connects], [12, 2])
  })

  it('lets the first connection wait, too, where the gateway asks for it', async () => {
    page.refusals.push([1012, 'the gateway takes no more sessions'])
    const connecting = connected()
    await page.pass(2_500)
    const { session } = await connecting
    assert.equal(session.connects, 1)
  })

  it('hands on what else the first connection failed with', async () => {
    page.refusals.push([1011, 'could not complete the login'])
    const connecting = assert.rejects(connected(), /refused in AMQP/)
    await page.pass(500)
    await connecting
  })
})

describe('a gate with a login at the gateway', () => {
  it('stops where a login proxy refuses with a page of its own', async () => {
    page.usual = () => ({ status: 401, page: '<h1>Log in</h1>' })
    const stops: number[] = []
    const gate = gatehouse(SERVICE_URL, { onstop: ({ code }) => stops.push(code) })
    const end = assert.rejects(gate.connect(PageSession.connect), { code: 4401 })
    await page.pass(1_000)
    await page.pass(1_000)
    await end
    assert.deepEqual(stops, [4401])
  })

  const login = { credential: undefined } as unknown as GateOptions

  it('connects with what the browser sends by itself', async () => {
    await connected(login)
    assert.deepEqual(page.routes, ['GET /auth/whoami'])
    assert.equal(page.socket.url, SERVICE_URL)
    assert.equal(page.asked[0]?.authorization, undefined)
  })

  it('renews the login in time', async () => {
    page.endsAfter(60_000)
    await connected(login)
    await page.pass(40_000)
    assert.deepEqual(page.routes, ['GET /auth/whoami', 'POST /auth/refresh', 'GET /auth/whoami'])
    assert.equal(page.socket.sent.length, 0)
  })

  it('renews once when nobody is logged in, then stops', async () => {
    page.usual = () => ({ status: 401, body: { error: 'log in' } })
    const connecting = assert.rejects(connected(login), { code: 4401 })
    await page.pass(1_000)
    await connecting
    assert.deepEqual(page.routes, ['GET /auth/whoami', 'POST /auth/refresh', 'GET /auth/whoami'])
  })

  it('leaves for the login, and says where to return', () => {
    gatehouse(SERVICE_URL, { auth: '/gate/auth/' }).login()
    assert.equal(
      page.location.href,
      'https://gate.example.com/gate/auth/login?service=/amqp&returnTo=%2Forders%3Fday%3D1',
    )
  })

  it('logs out, and says where else', async () => {
    const { gate, session } = await connected(login)
    page.answers.push({ status: 200, body: { endSessionUrl: 'https://idp.example.com/end' } })
    assert.equal((await gate.logout())?.endSessionUrl, 'https://idp.example.com/end')
    assert.equal(page.routes.at(-1), 'POST /auth/logout')
    assert.equal(session.isStopped, true)
  })
})

it('has some 2 KiB when minified', async () => {
  const file = join(import.meta.dirname, '../../../browser/gatehouse.ts')
  const options = { bundle: true, minify: true, format: 'esm', target: 'es2022', write: false } as const
  const { outputFiles } = await build({ ...options, entryPoints: [file] })
  assert.ok((outputFiles[0]?.contents.length ?? Number.POSITIVE_INFINITY) <= 2175)
})
