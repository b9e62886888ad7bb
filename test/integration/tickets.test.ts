/** `/auth/*`: tickets, whoami, CORS, challenges; and what a ticket is good for at the upgrade. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { connectAmqplib, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { basic, type Door, type DoorOptions, ORIGIN, sendRaw, startDoor } from '../support/door.ts'

const OTHER_ORIGIN = 'https://other.example.com'
const EVIL = 'https://evil.example'

const SECOND_SERVICE = {
  path: '/second',
  broker: 'main',
  vhost: '/',
  origins: [OTHER_ORIGIN],
  authenticate: ['staff', 'tickets'],
  promote: [{ to: 'smithj' }],
}

interface Ticket {
  readonly ticket: string
  readonly expiresIn: number
}

async function post(
  door: Door,
  query = '',
  headers: Record<string, string> = { authorization: basic() },
): Promise<Response> {
  return await fetch(door.http(`/auth/ticket${query}`), { method: 'POST', headers })
}

async function ticketOf(response: Response): Promise<string> {
  assert.equal(response.status, 200)
  return ((await response.json()) as Ticket).ticket
}

/** `in`, or the HTTP status of the refusal. */
async function upgrade(
  door: Door,
  path: string,
  websocket: { origin?: string; headers?: Record<string, string> } = {},
) {
  try {
    const client = await connectAmqplib(door.url(path), { websocket })
    await client.connection.close()
    await client.closed
    return 'in'
  } catch (error) {
    return error instanceof UpgradeRefused ? error.status : error
  }
}

describe('POST /auth/ticket', () => {
  let door: Door

  const options: DoorOptions = {
    service: { refusal: 'http', promote: [{ to: 'smithj' }] },
    moreServices: [SECOND_SERVICE],
  }
  before(async () => {
    door = await startDoor(options)
  })
  after(() => door.stop())

  it('G16 gives a ticket that opens one session, and is in no log', async () => {
    const response = await post(door, '?service=/amqp')
    const { ticket, expiresIn } = (await response.json()) as Ticket
    assert.deepEqual([response.status, expiresIn], [200, 30])
    assert.equal(response.headers.get('cache-control'), 'no-store')

    assert.equal(await upgrade(door, `/amqp?ticket=${ticket}`), 'in')
    assert.equal(await upgrade(door, `/amqp?ticket=${ticket}`), 401)
    assert.equal(JSON.stringify(door.lines).includes(ticket), false)
  })

  it('F7 G16 gives a ticket to which only one of many simultaneous upgrades is let in', async () => {
    const ticket = await ticketOf(await post(door, '?service=/amqp'))
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => upgrade(door, `/amqp?ticket=${ticket}`)))
    assert.equal(outcomes.filter((outcome) => outcome === 'in').length, 1)
  })

  it('gives a ticket for that service only', async () => {
    const ticket = await ticketOf(await post(door, '?service=/amqp'))
    assert.equal(await upgrade(door, `/second?ticket=${ticket}`), 401)
    assert.equal(await upgrade(door, `/amqp?ticket=${ticket}`), 401)
  })

  it('binds it to the Origin of the POST', async () => {
    const headers = { authorization: basic(), origin: ORIGIN }
    assert.equal(
      await upgrade(door, `/amqp?ticket=${await ticketOf(await post(door, '?service=/amqp', headers))}`),
      401,
    )
    const ticket = await ticketOf(await post(door, '?service=/amqp', headers))
    assert.equal(await upgrade(door, `/amqp?ticket=${ticket}`, { origin: ORIGIN }), 'in')
  })

  it('sets it as a cookie for the service, which needs an Origin', async () => {
    const response = await post(door, '?service=/amqp&as=cookie', { authorization: basic(), origin: ORIGIN })
    assert.deepEqual(await response.json(), {
      subject: 'joe.smith',
      issuer: 'staff',
      roles: ['trader'],
      authenticator: 'staff',
      expiresAt: null,
      word: 'joe%2Esmith',
      expiresIn: 30,
    })
    const cookie = response.headers.get('set-cookie') ?? ''
    assert.match(cookie, /^gatehouse-ticket-[0-9a-f]{8}=[\w-]{43}; Path=\/; Max-Age=30; HttpOnly; SameSite=Strict$/)

    const headers = { cookie: cookie.split(';')[0] ?? '' }
    assert.equal(await upgrade(door, '/amqp', { origin: ORIGIN, headers }), 'in')
    assert.equal(await upgrade(door, '/amqp', { origin: ORIGIN, headers }), 401)

    const again = await post(door, '?service=/amqp&as=cookie')
    const second = { cookie: again.headers.get('set-cookie')?.split(';')[0] ?? '' }
    assert.equal(await upgrade(door, '/amqp', { headers: second }), 401)
  })

  it('does not take a ticket for a ticket', async () => {
    const ticket = await ticketOf(await post(door, '?service=/amqp'))
    assert.equal((await post(door, `?service=/amqp&ticket=${ticket}`, {})).status, 401)
    assert.equal(await upgrade(door, `/amqp?ticket=${ticket}`), 'in')
  })

  it('asks which service where several take tickets', async () => {
    assert.equal((await post(door)).status, 400)
    assert.equal((await post(door, '?service=/amqp&service=/second')).status, 400)
    assert.equal((await post(door, '?service=/nope')).status, 404)
    assert.equal((await post(door, '?service=/amqp&as=header')).status, 400)
  })

  it('tells pages which services they could name: those that list their origin', async () => {
    for (const [query, status] of [
      ['?service=/nope', 404],
      ['', 400],
    ] as const) {
      const answer = await post(door, query, { origin: ORIGIN })
      assert.equal(answer.status, status)
      assert.equal(answer.headers.get('access-control-allow-origin'), ORIGIN)
      const { error } = (await answer.json()) as { error: string }
      assert.match(error, /: this origin may use \/amqp$/)
      for (const origin of ['https://evil.example', undefined]) {
        const stranger = await post(door, query, origin === undefined ? {} : { origin })
        assert.equal(stranger.status, status)
        assert.equal(stranger.headers.get('access-control-allow-origin'), null)
        assert.doesNotMatch(await stranger.text(), /\/amqp/)
      }
    }
    const asked = { origin: ORIGIN, 'access-control-request-method': 'POST' }
    const url = door.http('/auth/ticket?service=/nope')
    const preflight = await fetch(url, { method: 'OPTIONS', headers: asked })
    assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-methods')], [204, 'POST'])
  })

  it('says in the log that a cookie was issued a moment ago and did not come back', async (t) => {
    // Its own: the log tells so many refusals only.
    const own = await startDoor(options, t)
    await post(own, '?service=/amqp&as=cookie', { authorization: basic(), origin: ORIGIN })
    assert.equal(await upgrade(own, '/amqp', { origin: ORIGIN }), 401)
    const told = await own.line('authentication-refused', (line) => /did not come back/.test(String(line['detail'])))
    assert.equal(told['origin'], ORIGIN)
    assert.equal(await upgrade(own, '/amqp', { origin: ORIGIN }), 401)
    await own.line('authentication-refused', (line) => line['detail'] === 'no credential')
  })

  it('answers by HTTP status always, with a challenge', async () => {
    const wrong = await post(door, '?service=/amqp', { authorization: basic('joe.smith', 'wrong'), origin: ORIGIN })
    assert.equal(wrong.status, 401)
    assert.deepEqual(await wrong.json(), { error: 'not authenticated: log in again' })
  })

  it("challenges a page's script with xBasic and everybody else with Basic", async () => {
    const asScript = await post(door, '?service=/amqp', { 'sec-fetch-mode': 'cors' })
    assert.match(asScript.headers.get('www-authenticate') ?? '', /^xBasic realm="Staff"/)
    const plain = await sendRaw(
      door.port,
      'POST /auth/ticket?service=/amqp HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
    )
    plain.socket.destroy()
    assert.match(plain.headers.get('www-authenticate')?.[0] ?? '', /^Basic realm="Staff"/)
  })

  it('is a POST', async () => {
    const response = await fetch(door.http('/auth/ticket?service=/amqp'), { headers: { authorization: basic() } })
    assert.equal(response.status, 405)
    assert.equal(response.headers.get('allow'), 'OPTIONS, POST')
  })

  it('takes no large body', async () => {
    const head = `POST /auth/ticket?service=/amqp HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic()}\r\n`
    const answer = await sendRaw(door.port, `${head}Content-Length: 100000\r\n\r\n`)
    answer.socket.destroy()
    assert.equal(answer.status, 413)
    assert.deepEqual(answer.headers.get('connection'), ['close'])
  })

  it('G3 refuses requests with two credentials', async () => {
    const authorization = `Authorization: ${basic()}\r\n`
    const head = `POST /auth/ticket?service=/amqp HTTP/1.1\r\nHost: x\r\n${authorization}${authorization}`
    const answer = await sendRaw(door.port, `${head}Content-Length: 0\r\n\r\n`)
    answer.socket.destroy()
    assert.equal(answer.status, 400)
  })
})

describe('pages of other origins', () => {
  let door: Door

  before(async () => {
    door = await startDoor({ moreServices: [SECOND_SERVICE] })
  })
  after(() => door.stop())

  it('may read the answer where the service lists them', async () => {
    const response = await post(door, '?service=/amqp', { authorization: basic(), origin: ORIGIN })
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN)
    assert.equal(response.headers.get('access-control-allow-credentials'), 'true')
    assert.equal(response.headers.get('vary'), 'Origin')
  })

  it('may read refusals too', async () => {
    const response = await post(door, '?service=/amqp', { origin: ORIGIN })
    assert.equal(response.status, 401)
    assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN)
  })

  for (const origin of [EVIL, OTHER_ORIGIN, 'null', `${ORIGIN}.evil.example`, `${ORIGIN}:444`]) {
    it(`are turned away from ${origin}`, async () => {
      const response = await post(door, '?service=/amqp', { authorization: basic(), origin })
      assert.equal(response.status, 403)
      assert.equal(response.headers.get('access-control-allow-origin'), null)
      assert.equal(response.headers.get('vary'), 'Origin')
    })
  }

  it('are answered a preflight where the service lists them', async () => {
    const headers = {
      origin: ORIGIN,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    }
    const response = await fetch(door.http('/auth/ticket?service=/amqp'), { method: 'OPTIONS', headers })
    assert.equal(response.status, 204)
    assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN)
    assert.equal(response.headers.get('access-control-allow-methods'), 'POST')
    assert.match(response.headers.get('access-control-allow-headers') ?? '', /^authorization$/)

    const foreign = await fetch(door.http('/auth/ticket?service=/amqp'), {
      method: 'OPTIONS',
      headers: { ...headers, origin: EVIL },
    })
    assert.equal(foreign.status, 403)
    assert.equal(foreign.headers.get('access-control-allow-origin'), null)
  })
})

describe('GET /auth/whoami', () => {
  it('says who one is, without using a ticket up', async (t) => {
    const door = await startDoor({}, t)
    const response = await fetch(door.http('/auth/whoami'), { headers: { authorization: basic(), origin: ORIGIN } })
    assert.deepEqual(await response.json(), {
      subject: 'joe.smith',
      issuer: 'staff',
      roles: ['trader'],
      authenticator: 'staff',
      expiresAt: null,
      word: 'joe%2Esmith',
    })
    assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN)
    assert.equal((await fetch(door.http('/auth/whoami'))).status, 401)

    const ticket = await ticketOf(await post(door))
    assert.equal((await fetch(door.http(`/auth/whoami?ticket=${ticket}`))).status, 401)
    assert.equal(await upgrade(door, `/amqp?ticket=${ticket}`), 'in')
    await door.stop()
  })
})

describe('everything else on the public listener', () => {
  it('is not there', async (t) => {
    const door = await startDoor({}, t)
    for (const path of [
      '/',
      '/metrics',
      '/health/ready',
      '/health/live',
      '/auth',
      '/auth/',
      '/auth/nope',
      '/auth/ticket/',
      '/favicon.ico',
    ]) {
      const response = await fetch(door.http(path))
      assert.equal(response.status, 404, path)
      assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/)
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    }
    await door.stop()
  })
})
