/** docs/errors.md, row by row: what a refused or failed client sees, with and without an Origin header, and what the log says. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import {
  type AmqplibConnection,
  connectAmqplib,
  HandshakeRefused,
  UpgradeRefused,
} from '../support/amqplib-over-websocket.ts'
import { BROKER_PASSWORD, basic, type Door, type DoorOptions, ORIGIN, PASSWORD, startDoor } from '../support/door.ts'
import { until } from '../support/until.ts'

interface Caller {
  readonly authorization?: string
  readonly origin?: string
  readonly path?: string
}

function connect(door: Door, { authorization, origin, path }: Caller): Promise<AmqplibConnection> {
  const headers = authorization === undefined ? {} : { authorization }
  return connectAmqplib(door.url(path), { websocket: { headers, ...(origin === undefined ? {} : { origin }) } })
}

/** What a client that does not get in sees: `401`, or `403 4401` with AMQP's reply code before the close code. */
async function seen(door: Door, caller: Caller): Promise<string> {
  try {
    const { connection } = await connect(door, caller)
    await connection.close()
    return 'in'
  } catch (error) {
    if (error instanceof UpgradeRefused) return String(error.status)
    if (error instanceof HandshakeRefused) return `${/: (\d+)/.exec(error.message)?.[1]} ${error.close?.code}`
    throw error
  }
}

const JOE = { authorization: basic() }
const WRONG = { authorization: basic('joe.smith', 'wrong') }
/** Proven, but no rule promotes it and it has no role. */
const GUEST = { authorization: basic('guest') }

interface Row {
  readonly what: string
  readonly door?: DoorOptions
  readonly caller: Caller
  readonly without: string
  readonly with: string
  readonly log: string
  readonly level: string
  readonly allow?: string
}

const ROWS: readonly Row[] = [
  {
    what: 'an unknown path',
    caller: { ...JOE, path: '/nope' },
    without: '404',
    with: '404',
    log: 'request-refused',
    level: 'info',
  },
  { what: 'no credential', caller: {}, without: '401', with: '403 4401', log: 'authentication-refused', level: 'info' },
  {
    what: 'a wrong password',
    caller: WRONG,
    without: '401',
    with: '403 4401',
    log: 'authentication-refused',
    level: 'info',
  },
  {
    what: 'an unknown user',
    caller: { authorization: basic('nobody') },
    without: '401',
    with: '403 4401',
    log: 'authentication-refused',
    level: 'info',
  },
  {
    what: 'a malformed credential',
    caller: { authorization: 'Basic ???' },
    without: '401',
    with: '403 4401',
    log: 'authentication-refused',
    level: 'info',
  },
  {
    what: 'no promotion rule',
    caller: GUEST,
    without: '403',
    with: '403 4403',
    log: 'authorization-refused',
    level: 'warn',
    allow: '- { when: { subject: guest }, to: CREDENTIAL }   # under promote',
  },
  {
    what: 'a lacking role',
    door: { service: { require: { roles: ['trader', 'senior'] } } },
    caller: JOE,
    without: '403',
    with: '403 4403',
    log: 'authorization-refused',
    level: 'warn',
    allow: 'roles: [trader]   # under require, instead',
  },
  {
    what: 'an address that is not allowed',
    door: { service: { require: { addresses: { deny: ['127.0.0.1'] } } } },
    caller: JOE,
    without: '403',
    with: '403 4403',
    log: 'authorization-refused',
    level: 'warn',
  },
]

describe('refused before any broker is dialled', { concurrency: 8 }, () => {
  for (const row of ROWS) {
    it(row.what, async (t) => {
      const door = await startDoor(row.door, t)

      const without = await seen(door, row.caller)
      const withOrigin = await seen(door, { ...row.caller, origin: ORIGIN })

      assert.deepEqual([without, withOrigin], [row.without, row.with])
      const line = await door.line(row.log)
      assert.equal(line['level'], row.level)
      if (row.allow !== undefined) assert.equal(line['allow'], row.allow)
      assert.equal(door.broker.connections.length, 0)
      await until(() => door.gateway.sessionCount === 0, 'no session left')
      await door.stop()
      const shown = JSON.stringify(door.lines)
      assert.equal(shown.includes(PASSWORD) || shown.includes(BROKER_PASSWORD), false)
    })
  }

  for (const [refusal, sees] of [
    ['http', '401'],
    ['amqp', '403 4401'],
  ] as const) {
    it(`refusal: ${refusal} forces its column`, async (t) => {
      const door = await startDoor({ service: { refusal } }, t)
      assert.equal(await seen(door, {}), sees)
      assert.equal(await seen(door, { origin: ORIGIN }), sees)
      await door.stop()
    })
  }

  it('an Origin that is not listed, whatever the credential', async (t) => {
    const door = await startDoor({}, t)
    for (const caller of [JOE, {}, WRONG]) {
      assert.equal(await seen(door, { ...caller, origin: 'https://evil.example' }), '403')
    }
    const line = await door.line('origin-refused')
    assert.equal(line['level'], 'warn')
    assert.equal(line['allow'], '- https://evil.example   # under origins')
    assert.equal(door.broker.connections.length, 0)
    await door.stop()
  })

  it('no browser where no origins are listed', async (t) => {
    const door = await startDoor({ service: { origins: [] } }, t)
    assert.equal(await seen(door, { ...JOE, origin: ORIGIN }), '403')
    assert.equal(await seen(door, JOE), 'in')
    await door.stop()
  })

  it('every scheme that the service takes is in the challenge', async (t) => {
    const users = {
      'joe.smith': {
        password: '$scrypt$ln=10,r=8,p=1$MTIzNDU2Nzg5MDEyMzQ1Ng$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI',
      },
    }
    const door = await startDoor(
      {
        authenticators: { badge: { type: 'basic', realm: 'Badge', users } },
        service: { authenticate: ['staff', 'badge', 'tickets'] },
      },
      t,
    )
    await assert.rejects(connect(door, {}), (error) => {
      assert.ok(error instanceof UpgradeRefused)
      const challenges = String(error.headers['www-authenticate'])
      assert.equal(challenges, 'Basic realm="Staff", charset="UTF-8", Basic realm="Badge", charset="UTF-8"')
      return true
    })
    await door.stop()
  })

  it('G18 too many attempts', async (t) => {
    const door = await startDoor({}, t)
    for (let attempt = 0; attempt < 10; attempt++) assert.equal(await seen(door, WRONG), '401')

    const error = await connect(door, WRONG).catch((caught: unknown) => caught)
    assert.ok(error instanceof UpgradeRefused)
    assert.equal(error.status, 429)
    assert.match(String(error.headers['retry-after']), /^[1-9]\d*$/)
    assert.equal(await seen(door, { ...WRONG, origin: ORIGIN }), '403 1013')
    assert.equal((await door.line('limit-refused'))['level'], 'warn')
    assert.equal(door.broker.connections.length, 0)
    await door.stop()
  })

  it('too many sessions of one identity', async (t) => {
    const door = await startDoor({ service: { limits: { sessionsPerIdentity: 2 } } }, t)
    const first = await connect(door, JOE)
    await connect(door, JOE)

    assert.equal(await seen(door, JOE), '429')
    assert.equal(await seen(door, { ...JOE, origin: ORIGIN }), '506 1013')
    assert.equal(door.broker.connections.length, 2)

    await first.connection.close()
    await until(() => door.gateway.sessionCount === 1, 'one session left')
    assert.equal(await seen(door, JOE), 'in')
    await door.stop()
  })

  it('too many unfinished handshakes of one address', async (t) => {
    const door = await startDoor(
      {
        broker: { answers: { header: null } },
        service: { limits: { handshakesPerAddress: 2 } },
      },
      t,
    )
    const stuck = [connect(door, JOE), connect(door, JOE)].map((attempt) => attempt.catch(() => undefined))
    await until(() => door.broker.connections.length === 2, 'two handshakes')

    assert.equal(await seen(door, JOE), '429')
    assert.equal(await seen(door, { ...JOE, origin: ORIGIN }), '506 1013')
    await door.stop()
    await Promise.all(stuck)
  })
})

describe('a broker that is away or says no', { concurrency: 4 }, () => {
  for (const origin of [undefined, ORIGIN]) {
    const caller = origin === undefined ? JOE : { ...JOE, origin }
    const how = origin === undefined ? 'without Origin' : 'with Origin'

    it(`away, ${how}`, async (t) => {
      const door = await startDoor({}, t)
      await door.broker.close()
      assert.equal(await seen(door, caller), '541 1013')
      const line = await door.line('session-ended')
      assert.deepEqual([line['level'], line['reason']], ['debug', 'broker-unavailable'])
      assert.match(String(line['detail']), /ECONNREFUSED/)
      await door.stop()
    })

    it(`refuses the promoted credential, ${how}`, async (t) => {
      const door = await startDoor(
        {
          broker: {
            answers: {
              'connection.start-ok': (connection) =>
                connection.send(0, 'connection.close', {
                  replyCode: 403,
                  replyText: "ACCESS_REFUSED - Login was refused for user 'smithj'",
                  classId: 0,
                  methodId: 0,
                }),
            },
          },
        },
        t,
      )
      const error = await connect(door, caller).catch((caught: unknown) => caught)
      assert.ok(error instanceof HandshakeRefused)
      assert.match(error.message, /403/)
      assert.doesNotMatch(error.message, /smithj|127\.0\.0\.1/)
      assert.equal(error.close?.code, 1011)
      const line = await door.line('session-ended')
      assert.deepEqual([line['level'], line['reason'], line['user']], ['error', 'broker-refused', 'smithj'])
      await door.stop()
    })
  }
})

describe('the end of an open session', () => {
  let door: Door
  let client: AmqplibConnection
  let told = ''

  afterEach(() => door.stop())

  async function open(options: DoorOptions = {}): Promise<void> {
    door = await startDoor(options)
    client = await connect(door, { ...JOE, origin: ORIGIN })
    told = ''
    // amqplib takes 320 for the end of a day's work: no 'error', but the text comes with 'close'.
    client.connection.once('close', (error?: Error) => {
      told = error?.message ?? ''
    })
  }

  /** The code and text of the `connection.close`, the close code, and what the log says of it. */
  async function outcome(): Promise<{ amqp: string; close: number; level: unknown; reason: unknown; by: unknown }> {
    const { code } = await client.closed
    const { level, reason, by } = await door.line('session-ended')
    await door.stop()
    return { amqp: told, close: code, level, reason, by }
  }

  it('broker lost', async () => {
    await open()
    ;(await door.broker.connection()).reset()
    const { amqp, ...rest } = await outcome()
    assert.match(amqp, /320/)
    assert.doesNotMatch(amqp, /127\.0\.0\.1|ECONNRESET/)
    assert.deepEqual(rest, { close: 1012, level: 'error', reason: 'broker-lost', by: 'broker' })
  })

  it("the broker's own connection.close", async () => {
    await open()
    const broker = await door.broker.connection()
    const replyText = "NOT_ALLOWED - access to vhost '/' refused for user 'smithj'"
    broker.send(0, 'connection.close', { replyCode: 530, replyText, classId: 0, methodId: 0 })
    const { amqp, ...rest } = await outcome()
    assert.match(amqp, /530/)
    assert.doesNotMatch(amqp, /smithj/)
    assert.deepEqual(rest, { close: 1000, level: 'info', reason: 'broker-closed', by: 'broker' })
  })

  it('the authority ended', async () => {
    await open({ service: { sessionTimeout: '1s' } })
    const { amqp, ...rest } = await outcome()
    assert.match(amqp, /320.*CONNECTION_FORCED - the session has reached its longest time/)
    assert.deepEqual(rest, { close: 4401, level: 'info', reason: 'authority-ended', by: 'gateway' })
  })

  it('a protocol violation', async () => {
    await open()
    client.socket.send(Buffer.from('0900000000000000ce', 'hex'))
    const { amqp, ...rest } = await outcome()
    assert.match(amqp, /50\d/)
    assert.deepEqual(rest, { close: 1002, level: 'warn', reason: 'client-fault', by: 'gateway' })
  })

  it('a text message', async () => {
    await open()
    client.socket.send('text')
    const { close, level, reason } = await outcome()
    assert.deepEqual({ close, level, reason }, { close: 1003, level: 'warn', reason: 'text-message' })
  })

  it('a message that is too large', async () => {
    await open({ service: { limits: { message: '64KiB' } } })
    client.socket.send(Buffer.alloc(1024 * 1024 + 65 * 1024))
    const { close, level, reason } = await outcome()
    assert.deepEqual({ close, level, reason }, { close: 1009, level: 'warn', reason: 'message-too-large' })
  })

  it('a drain', async () => {
    await open()
    const closing = door.gateway.close()
    const { amqp, ...rest } = await outcome()
    await closing
    assert.match(amqp, /320/)
    assert.deepEqual(rest, { close: 1012, level: 'info', reason: 'drain', by: 'gateway' })
  })
})

describe('a client that is being refused', () => {
  let door: Door

  before(async () => {
    door = await startDoor()
  })
  after(() => door.stop())

  it('G8 has nothing that it sends acted upon', async () => {
    const socket = new WebSocket(door.url(), { origin: ORIGIN })
    await new Promise((resolve) => socket.once('open', resolve))
    const frames: Buffer[] = []
    socket.on('message', (data: Buffer) => frames.push(data))
    const closed = new Promise<number>((resolve) => socket.once('close', resolve))

    socket.send(Buffer.from('414d515000000901', 'hex'))
    for (let n = 0; n < 20; n++) socket.send(Buffer.alloc(8 * 1024, 0x41))

    assert.ok([1002, 1006, 1009, 4401].includes(await closed))
    assert.equal(door.broker.connections.length, 0)
  })

  it('G8 does not hold its socket for longer than the handshake may take', async () => {
    const socket = new WebSocket(door.url(), { origin: ORIGIN })
    const startedMs = performance.now()
    await new Promise((resolve) => socket.once('close', resolve))
    assert.ok(performance.now() - startedMs < 9_000)
  })
})
