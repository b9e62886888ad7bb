/** The admin listener: live, ready, metrics. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { basic, type Door, ORIGIN, sendRaw, startDoor } from '../support/door.ts'
import { until } from '../support/until.ts'

async function admin(door: Door, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${door.gateway.adminAddress?.url}${path}`)
  return { status: response.status, text: await response.text() }
}

describe('/health', () => {
  it('is ready when every broker has greeted, and says which', async (t) => {
    const door = await startDoor({}, t)
    const { status, text } = await admin(door, '/health/ready')
    assert.equal(status, 200)
    assert.deepEqual(JSON.parse(text), {
      status: 'ready',
      brokers: [{ name: 'main', ready: true }],
    })
    assert.equal((await admin(door, '/health/live')).status, 200)
    await door.stop()
  })

  it('asks a broker once in five seconds, however often it is asked', async (t) => {
    const door = await startDoor({}, t)
    await Promise.all(Array.from({ length: 20 }, () => admin(door, '/health/ready')))
    assert.equal(door.broker.connections.length, 1)
    await door.stop()
  })

  it('is not ready when a broker is away, does not greet, or the gateway drains', async (t) => {
    const away = await startDoor({}, t)
    await away.broker.close()
    const { status, text } = await admin(away, '/health/ready')
    assert.equal(status, 503)
    assert.deepEqual(JSON.parse(text), {
      status: 'not ready',
      brokers: [{ name: 'main', ready: false, cause: 'unreachable' }],
    })
    assert.match(String((await away.line('broker-node-away'))['detail']), /ECONNREFUSED/)
    assert.equal((await admin(away, '/health/live')).status, 200)
    await away.stop()

    const silent = await startDoor(
      {
        broker: { answers: { header: (connection) => connection.socket.end('HTTP/1.1 400\r\n\r\n') } },
      },
      t,
    )
    assert.equal((await admin(silent, '/health/ready')).status, 503)
    await silent.stop()

    const draining = await startDoor({ drain: '2s' }, t)
    const client = await connectAmqplib(draining.url(), { websocket: { headers: { authorization: basic() } } })
    client.socket.pause()
    assert.equal((await admin(draining, '/health/ready')).status, 200)
    const closing = draining.gateway.close()
    assert.equal((await admin(draining, '/health/ready')).status, 503)
    client.socket.terminate()
    await closing
    await draining.broker.close()
  })

  it('shows no credential', async (t) => {
    const door = await startDoor({}, t)
    const pages = await Promise.all(['/health/ready', '/health/live', '/metrics'].map((path) => admin(door, path)))
    assert.equal(JSON.stringify(pages).includes('CANARY'), false)
    await door.stop()
  })

  it('G32 answers to addresses and its own names; to others it says that it lives and no more', async (t) => {
    const door = await startDoor({ admin: { port: 0, hosts: ['Gateway.internal'] } }, t)
    const port = door.gateway.adminAddress?.port ?? 0
    const own = [
      '127.0.0.1',
      '192.0.2.7:8081',
      `localhost:${port}`,
      'LOCALHOST',
      'localhost.',
      '[::1]',
      '[fe80::1]:8081',
    ]
    const foreign = ['evil.example', `rebound.evil.example:${port}`, 'localhost.evil.example', '127.0.0.1.evil.example']
    const odd = [
      '',
      '127.1',
      '0x7f000001',
      '[evil.example]',
      'localhost:x',
      'evil.example:80:80',
      'internal',
      '[127.0.0.1]',
    ]
    for (const path of ['/metrics', '/health/ready', '/nope', '/metrics?x', '/health/live/']) {
      for (const host of [...own, 'gateway.internal', `GATEWAY.internal.:${port}`]) {
        assert.notEqual(await statusOf(port, path, `Host: ${host}`), 421, `${path} ${host}`)
      }
      for (const host of foreign) {
        assert.equal(await statusOf(port, path, `Host: ${host}`), 421, `${path} ${host}`)
      }
      // Some of these are no Host at all. [RFC 9112 §3.2]
      for (const host of odd) {
        const status = await statusOf(port, path, `Host: ${host}`)
        assert.ok(status === 400 || status === 421, `${path} ${host}: ${status}`)
      }
    }
    for (const host of [...own, ...foreign]) {
      assert.equal(await statusOf(port, '/health/live', `Host: ${host}`), 200, host)
    }
    const twice = await statusOf(port, '/metrics', 'Host: localhost\r\nHost: evil.example')
    assert.ok(twice === 400 || twice === 421, `two Hosts: ${twice}`)
    assert.equal(await statusOf(port, '/metrics', undefined), 200, 'a probe of HTTP/1.0')
    assert.match(String((await door.line('admin-refused'))['allow']), /^admin: \{ hosts: \["evil.example"\] \}$/)
    await door.stop()
  })

  it('answers GET only, and nothing else', async (t) => {
    const door = await startDoor({}, t)
    const url = door.gateway.adminAddress?.url
    assert.equal((await fetch(`${url}/health/live`, { method: 'POST' })).status, 405)
    assert.equal((await fetch(`${url}/health/live`, { method: 'HEAD' })).status, 200)
    assert.equal((await fetch(`${url}/`)).status, 404)
    assert.equal((await fetch(`${url}/auth/ticket`, { method: 'POST' })).status, 404)
    await door.stop()
  })
})

describe('/metrics', () => {
  it('counts sessions, refusals, authentications, bytes and broker failures', async (t) => {
    const door = await startDoor({}, t)
    const headers = { authorization: basic() }
    const client = await connectAmqplib(door.url(), { websocket: { headers } })
    assert.equal(await door.metric('gatehouse_sessions{service="/amqp"}'), 1)
    await client.connection.close()
    await until(async () => (await door.metric('gatehouse_sessions{service="/amqp"}')) === 0, 'no session')
    await connectAmqplib(door.url(), {}).catch(() => undefined)
    await connectAmqplib(door.url(), { websocket: { origin: 'https://evil.example' } }).catch(() => undefined)
    await door.broker.close()
    await connectAmqplib(door.url(), { websocket: { headers } }).catch(() => undefined)
    await door.line('session-ended', ({ reason }) => reason === 'broker-unavailable')

    assert.equal(await door.metric('gatehouse_sessions_opened_total{service="/amqp"}'), 1)
    assert.equal(await door.metric('gatehouse_session_ends_total{reason="client-closed"}'), 1)
    assert.equal(await door.metric('gatehouse_refusals_total{cause="unauthenticated"}'), 1)
    assert.equal(await door.metric('gatehouse_refusals_total{cause="origin-not-allowed"}'), 1)
    assert.equal(await door.metric('gatehouse_authentications_total{authenticator="staff",outcome="proven"}'), 2)
    assert.equal(await door.metric('gatehouse_authentications_total{authenticator="",outcome="missing"}'), 1)
    assert.equal(await door.metric('gatehouse_broker_failures_total{broker="main",cause="broker-unavailable"}'), 1)
    assert.equal(await door.metric('gatehouse_handshake_seconds_count'), 1)
    assert.ok((await door.metric('gatehouse_bytes_total{direction="from-client"}')) > 100)
    assert.ok((await door.metric('gatehouse_messages_total{direction="to-client"}')) > 2)
    await door.stop()
  })

  it('has a zero for whatever may happen, so that a rate sees the first time', async (t) => {
    const service = { entitlements: { url: 'http://127.0.0.1:9/' } }
    const door = await startDoor({ service }, t)
    for (const series of [
      'gatehouse_drained_total{at="quiet"}',
      'gatehouse_drained_total{at="deadline"}',
      'gatehouse_entitlements_total{service="/amqp",outcome="allowed"}',
      'gatehouse_entitlements_total{service="/amqp",outcome="unavailable"}',
      'gatehouse_refusals_total{cause="unauthenticated"}',
      'gatehouse_reloads_total{outcome="refused"}',
    ])
      assert.equal(await door.metric(series), 0, series)
    await assert.rejects(door.metric('gatehouse_no_such_total'), /no metric gatehouse_no_such_total/)
    await door.stop()
  })

  it('makes no series of what clients say', async (t) => {
    const door = await startDoor({ service: { promote: [{ to: 'smithj' }] } }, t)
    const count = async () => (await admin(door, '/metrics')).text.split('\n').length
    await connectAmqplib(door.url(), { websocket: { origin: ORIGIN } }).catch(() => undefined)
    await connectAmqplib(door.url('/x'), {}).catch(() => undefined)
    const before = await count()
    for (let n = 0; n < 30; n++) {
      const headers = { authorization: basic(`user-${n}`), 'user-agent': `agent-${n}`, origin: `https://o${n}.example` }
      await connectAmqplib(door.url(`/path-${n}`), { websocket: { headers } }).catch(() => undefined)
    }
    assert.equal(await count(), before)
    await door.stop()
  })
})

/** The status that a request with these lines gets; without any it is one of HTTP/1.0. */
async function statusOf(port: number, path: string, lines: string | undefined): Promise<number> {
  const head = lines === undefined ? `GET ${path} HTTP/1.0` : `GET ${path} HTTP/1.1\r\n${lines}`
  const { socket, status } = await sendRaw(port, `${head}\r\n\r\n`)
  socket.destroy()
  return status
}
