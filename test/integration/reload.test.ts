/** The configuration changes while people work: what is judged, what follows at once, what ends, and that nothing is half applied. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { freePorts } from '../../src/demo/processes.ts'
import { type AmqplibConnection, connectAmqplib, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { BareClient } from '../support/bare-client.ts'
import { basic, type Door, type DoorOptions, ORIGIN, startDoor } from '../support/door.ts'
import { until } from '../support/until.ts'

type Service = NonNullable<DoorOptions['service']>

function connect(door: Door, origin?: string): Promise<AmqplibConnection> {
  const headers = { authorization: basic() }
  return connectAmqplib(door.url(), { websocket: { headers, ...(origin === undefined ? {} : { origin }) } })
}

/** Nothing has happened to it: it still does what it did. */
async function isAlive({ connection }: AmqplibConnection): Promise<boolean> {
  const channel = await connection.createChannel()
  await channel.close()
  return true
}

async function metric(door: Door, line: RegExp): Promise<string | undefined> {
  const text = await (await fetch(`${door.gateway.adminAddress?.url}/metrics`)).text()
  return line.exec(text)?.[1]
}

describe('reload', () => {
  it('keeps every session where nothing has changed, and counts the generation', async (t) => {
    const door = await startDoor({}, t)
    const client = await connect(door)

    const report = await door.gateway.reload({ config: await door.configOf({}) })

    assert.deepEqual(report.sessions, { kept: 1, changed: 0, ended: 0 })
    assert.deepEqual([report.generation, report.changes], [2, []])
    assert.ok(await isAlive(client))
    assert.equal(await metric(door, /^gatehouse_config_generation (\d+)$/m), '2')
    assert.equal(await metric(door, /^gatehouse_config_info\{hash="([0-9a-f]+)"\} 1$/m), report.hash)
    assert.equal(await metric(door, /^gatehouse_reload_sessions_total\{outcome="kept"\} (\d+)$/m), '1')
    await door.line('reload-done')
    await client.connection.close()
  })

  const ends: readonly (readonly [what: string, change: Service, code: number])[] = [
    ['no rule promotes', { promote: [{ when: { subject: 'somebody.else' }, to: 'smithj' }] }, 4403],
    ['lacks a role that is required now', { require: { roles: ['admin'] } }, 4403],
    ['comes from an Origin that is not listed any more', { origins: ['https://other.example.com'] }, 4403],
    ['comes from an address that is left out', { require: { addresses: { deny: ['127.0.0.0/8', '::1'] } } }, 4403],
    ['proved it by an authenticator that is not taken any more', { authenticate: ['tickets', 'desk'] }, 4403],
    ['is promoted to another broker user', { promote: [{ to: 'other' }] }, 1012],
    ['is promoted to another vhost', { vhost: 'elsewhere' }, 1012],
  ]
  for (const [what, service, code] of ends) {
    it(`ends a session whose person ${what}: 320 and ${code}`, async (t) => {
      const door = await startDoor({}, t)
      const client = await connect(door, ORIGIN)
      const desk = { type: 'basic', realm: 'Desk', users: {} } as const

      const config = await door.configOf({ service, authenticators: { desk } })
      const report = await door.gateway.reload({ config })

      assert.deepEqual(report.sessions, { kept: 0, changed: 0, ended: 1 })
      const closed = await client.closed
      assert.deepEqual(closed, { code, reason: 'CONNECTION_FORCED - the configuration changed' })
      const line = await door.line('session-ended')
      assert.deepEqual([line['reason'], line['by'], line['replyCode']], ['configuration-changed', 'gateway', 320])
    })
  }

  it('ends a session whose service is gone, and not those of others', async (t) => {
    const other: NonNullable<DoorOptions['moreServices']>[number] = {
      path: '/other',
      broker: 'main',
      vhost: '/',
      authenticate: ['staff'],
      promote: [{ to: 'smithj' }],
    }
    const door = await startDoor({ moreServices: [other] }, t)
    const headers = { authorization: basic() }
    const [kept, gone] = [await connect(door), await connectAmqplib(door.url('/other'), { websocket: { headers } })]

    const report = await door.gateway.reload({ config: await door.configOf({}) })

    assert.deepEqual(report.sessions, { kept: 1, changed: 0, ended: 1 })
    assert.deepEqual(report.changes, ['services[1]'])
    assert.equal((await gone.closed).code, 4403)
    assert.ok(await isAlive(kept))
    await assert.rejects(connectAmqplib(door.url('/other'), { websocket: { headers } }), UpgradeRefused)
    await kept.connection.close()
  })

  it('changes what a session may do from the next frame on', async (t) => {
    const door = await startDoor({}, t)
    const client = await connect(door)
    const channel = await client.connection.createChannel()

    const service: Service = { permissions: [{ read: [{ queue: 'own' }] }] }
    const report = await door.gateway.reload({ config: await door.configOf({ service }) })

    assert.deepEqual(report.sessions, { kept: 0, changed: 1, ended: 0 })
    const refused = once(channel, 'error')
    channel.publish('orders', 'any', Buffer.from('x'))
    const [error] = (await refused) as [Error]
    assert.match(error.message, /403.*ACCESS_REFUSED/)
    assert.ok(await isAlive(client), 'the session lives on')
    await client.connection.close()
  })

  it('lets a person whose password changed go, with the words of a revocation', async (t) => {
    const door = await startDoor({}, t)
    const client = await connect(door)
    const config = await door.configOf({})
    const staff = { type: 'basic', realm: 'Staff', users: {} } as const

    const report = await door.gateway.reload({
      config: { ...config, authenticators: { ...config.authenticators, staff } },
    })

    assert.equal(report.sessions.ended, 0, 'the service still takes that authenticator')
    assert.deepEqual(await client.closed, { code: 4401, reason: 'CONNECTION_FORCED - access was revoked' })
  })

  it('changes nothing where one part is no good, and says where', async (t) => {
    const door = await startDoor({}, t)
    const client = await connect(door)
    const config = await door.configOf({ service: { broker: 'nowhere', origins: ['https://new.example.com'] } })

    await assert.rejects(door.gateway.reload({ config }), (error: Error & { code: string; errors: string[] }) => {
      assert.equal(error.code, 'invalid')
      assert.match(error.errors.join('\n'), /services\[0\]\.broker: /)
      return true
    })

    assert.ok(await isAlive(client))
    await assert.rejects(connect(door, 'https://new.example.com'), UpgradeRefused)
    await door.line('reload-refused', ({ detail }) => /services\[0\]\.broker/.test(String(detail)))
    assert.equal(await metric(door, /^gatehouse_reloads_total\{outcome="refused"\} (\d+)$/m), '1')
    assert.equal((await door.gateway.reload()).generation, 2, 'what was refused is not read again')
    await client.connection.close()
  })

  it('names the keys that need a restart', async (t) => {
    const door = await startDoor({}, t)
    const config = { ...(await door.configOf({})), admin: { port: 1 } }
    await assert.rejects(door.gateway.reload({ config }), /admin\.port: a change needs a restart/)
  })

  it('tells in a dry run what would happen, and does nothing', async (t) => {
    const door = await startDoor({}, t)
    const client = await connect(door)
    const config = await door.configOf({ service: { promote: [{ when: { role: 'nobody' }, to: 'smithj' }] } })

    const report = await door.gateway.reload({ config, dryRun: true })

    assert.deepEqual(report.sessions, { kept: 0, changed: 0, ended: 1 })
    assert.deepEqual(report.changes, ['services[0].promote'])
    assert.equal(report.examples?.[0]?.subject, 'joe.smith')
    assert.match(report.examples?.[0]?.why ?? '', /no promotion rule matches/)
    assert.ok(await isAlive(client))
    assert.equal(await metric(door, /^gatehouse_config_generation (\d+)$/m), '1')
    assert.deepEqual((await door.gateway.reload({ config })).sessions, report.sessions, 'as it was foretold')
    await client.closed
  })

  it('is one at a time, and only where the present configuration is the one that was meant', async (t) => {
    const door = await startDoor({}, t)
    const [first, second] = await Promise.allSettled([door.gateway.reload(), door.gateway.reload()])
    assert.equal(first.status, 'fulfilled')
    assert.equal(second.status === 'rejected' && (second.reason as { code: string }).code, 'busy')
    const { hash } = await door.gateway.reload({ dryRun: true })
    await door.gateway.reload({ ifHash: hash })
    await assert.rejects(door.gateway.reload({ ifHash: 'another' }), /the present configuration has the hash/)
    assert.equal(
      door.lines.some(({ event }) => event === 'reload-refused'),
      false,
    )
  })

  it('opens, keeps and closes listeners, and takes nothing where one cannot be had', async (t) => {
    const [added = 0, taken = 0] = await freePorts(2)
    const door = await startDoor({ listen: [{ port: 0 }] }, t)
    const blocker = createServer().listen(taken, '127.0.0.1')
    await once(blocker, 'listening')
    t.after(() => blocker.close())
    const { port } = door
    const client = await connect(door)

    await assert.rejects(
      door.gateway.reload({ config: await door.configOf({ listen: [{ port: 0 }, { port: added }, { port: taken }] }) }),
      /EADDRINUSE/,
    )
    await assert.rejects(fetch(`http://127.0.0.1:${added}/`), 'what was opened for it is closed again')

    await door.gateway.reload({ config: await door.configOf({ listen: [{ port: 0 }, { port: added }] }) })
    assert.equal(door.port, port, 'the port of a listener that stays stays')
    assert.equal((await fetch(`http://127.0.0.1:${added}/`)).status, 404)

    await door.gateway.reload({ config: await door.configOf({ listen: [{ port: 0 }] }) })
    await until(
      async () =>
        await fetch(`http://127.0.0.1:${added}/`).then(
          () => false,
          () => true,
        ),
      'the listener that is gone is closed',
    )
    assert.ok(await isAlive(client))
    await client.connection.close()
  })

  it('opens nothing at a gateway that stops', async (t) => {
    const [added = 0] = await freePorts(1)
    const door = await startDoor({ listen: [{ port: 0 }] }, t)
    const config = await door.configOf({ listen: [{ port: 0 }, { port: added }] })

    const reloaded = door.gateway.reload({ config })
    await door.gateway.close()

    await assert.rejects(reloaded, /the gateway stops/)
    await assert.rejects(fetch(`http://127.0.0.1:${added}/`))
  })

  it('takes tickets that were issued before it', async (t) => {
    const door = await startDoor({}, t)
    const issued = await fetch(door.http('/auth/ticket'), { method: 'POST', headers: { authorization: basic() } })
    const { ticket } = (await issued.json()) as { ticket: string }

    await door.gateway.reload({ config: await door.configOf({ service: { limits: { ping: '20s' } } }) })

    const client = await connectAmqplib(door.url(`/amqp?ticket=${ticket}`))
    await client.connection.close()
  })

  it('G114 takes no ticket of whoever proved it by an authenticator that is not taken any more', async (t) => {
    const door = await startDoor({}, t)
    const issued = await fetch(door.http('/auth/ticket'), { method: 'POST', headers: { authorization: basic() } })
    const { ticket } = (await issued.json()) as { ticket: string }
    const desk = { type: 'basic', realm: 'Desk', users: {} } as const
    const service: Service = { authenticate: ['tickets', 'desk'] }

    await door.gateway.reload({ config: await door.configOf({ service, authenticators: { desk } }) })

    await assert.rejects(connectAmqplib(door.url(`/amqp?ticket=${ticket}`)), UpgradeRefused)
    await door.line('authentication-refused', ({ detail }) => /does not take authenticator staff/.test(String(detail)))
  })

  it('G112 judges a session once more that was between 101 and open-ok when it came', async (t) => {
    const door = await startDoor({ service: { vhost: 'before' } }, t)
    const client = await BareClient.upgrade(door.url(), { headers: { authorization: basic() } })
    const reload = async (service: Service) => await door.gateway.reload({ config: await door.configOf({ service }) })
    assert.equal((await reload({ vhost: 'elsewhere' })).sessions.kept, 1, 'nobody knows yet where it leads')

    await client.open()

    assert.deepEqual((await door.broker.connection()).all('connection.open'), [
      { virtualHost: 'before', reserved1: '', reserved2: false },
    ])
    await client.received.method('connection.close')
    client.send('connection.close-ok', {})
    const closed = await client.closed
    assert.deepEqual(closed, { code: 1012, reason: 'CONNECTION_FORCED - the configuration changed' })

    const other = await BareClient.upgrade(door.url(), { headers: { authorization: basic() } })
    await reload({ vhost: 'elsewhere', limits: { ping: '20s' } })
    await other.open()
    await other.channel()
    other.vanish()
  })

  it('leaves nobody behind who was on the way in while it came', async (t) => {
    const door = await startDoor({}, t)
    const config = await door.configOf({ service: { promote: [{ when: { role: 'nobody' }, to: 'smithj' }] } })
    const clients = Array.from({ length: 20 }, () => connect(door))
    const reloaded = door.gateway.reload({ config })

    const outcomes = await Promise.allSettled(clients)
    await reloaded

    for (const outcome of outcomes) if (outcome.status === 'fulfilled') await outcome.value.closed
    await until(() => door.gateway.sessionCount === 0, 'no session is left')
  })
})
