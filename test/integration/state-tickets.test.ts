/** Tickets of several gateways with one store: good at each of them, once; and what becomes of them without the store. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Taken } from '../../auth/state/tickets.ts'
import { connectAmqplib, HandshakeRefused, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { basic, type Door, type DoorOptions, ORIGIN, startDoor } from '../support/door.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { startWithStandby } from '../support/redis-group.ts'
import { JOE } from '../support/state/rig.ts'
import { replicaOf, STATE_KEY } from '../support/state/shared-rig.ts'
import { until } from '../support/until.ts'

const AMQP = { service: '/amqp', origin: undefined }
const LIMITS = { ttlSeconds: 60, ticketCount: 100_000, perIdentityCount: 1_000 }
const isTaken = (taken: Taken) => 'identity' in taken

async function issued(door: Door): Promise<string> {
  const response = await fetch(door.http('/auth/ticket'), { method: 'POST', headers: { authorization: basic() } })
  assert.equal(response.status, 200, await response.clone().text())
  return ((await response.json()) as { readonly ticket: string }).ticket
}

/** `in`, the HTTP status of the refusal, or what was read in band. */
async function upgrade(door: Door, path: string, websocket: Record<string, unknown> = {}): Promise<string> {
  try {
    const client = await connectAmqplib(door.url(path), { websocket })
    await client.connection.close()
    await client.closed
    return 'in'
  } catch (error) {
    if (error instanceof UpgradeRefused) return String(error.status)
    if (error instanceof HandshakeRefused) return `${/\b[345]\d\d\b/.exec(error.message)?.[0]} ${error.close?.code}`
    throw error
  }
}

describe('tickets in a store', () => {
  let redis: Redis
  const options = (more: DoorOptions = {}): DoorOptions => ({
    state: { urls: [redis.url], key: STATE_KEY },
    ...more,
  })

  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())

  it('are good at each gateway, and once', async (t) => {
    const doors = await Promise.all([1, 2, 3].map(() => startDoor(options(), t)))
    for (const issuer of doors) {
      const path = `/amqp?ticket=${await issued(issuer)}`
      const seen = await Promise.all(doors.map((door) => upgrade(door, path)))
      assert.deepEqual(seen.sort(), ['401', '401', 'in'])
    }
  })

  it('cannot be looked up while the store is away: 503, in band 541 and 1013; others go on', async (t) => {
    const door = await startDoor(options(), t)
    const path = `/amqp?ticket=${await issued(door)}`
    await redis.pause()
    try {
      const startedMs = performance.now()
      const response = await fetch(door.http('/auth/ticket'), { method: 'POST', headers: { authorization: basic() } })
      assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '2'])
      assert.ok(performance.now() - startedMs < 2_000)
      assert.equal(await upgrade(door, path), '503')
      assert.equal(await upgrade(door, path, { origin: ORIGIN }), '541 1013')
      assert.equal(await upgrade(door, '/amqp', { headers: { authorization: basic() } }), 'in')
      const { cause, status } = await door.line('authentication-failed')
      assert.deepEqual([cause, status], ['state-unavailable', 503])
    } finally {
      await redis.resume()
    }
    await door.line('state-back', (line) => door.lines.indexOf(line) > 2)
    await until(async () => (await upgrade(door, `/amqp?ticket=${await issued(door)}`)) === 'in', 'tickets again')
  })

  it('cannot be issued by a store that takes no writes, and can again by one that does', async (t) => {
    const own = await startRedis()
    t.after(() => own.stop())
    const door = await startDoor({ state: { urls: [own.url], key: STATE_KEY } }, t)
    const before = await issued(door)
    await own.command('REPLICAOF', '127.0.0.1', '1')
    await door.line('state-away', ({ detail }) => String(detail).startsWith('READONLY'))
    assert.equal(await upgrade(door, `/amqp?ticket=${before}`), '503')
    await own.command('REPLICAOF', 'NO', 'ONE')
    await until(async () => (await upgrade(door, `/amqp?ticket=${await issued(door)}`)) === 'in', 'tickets again')
  })

  it('are gone with an emptied store, and fetched again', async (t) => {
    const door = await startDoor(options(), t)
    const before = await issued(door)
    await redis.command('FLUSHALL')
    assert.equal(await upgrade(door, `/amqp?ticket=${before}`), '401')
    assert.equal(await upgrade(door, `/amqp?ticket=${await issued(door)}`), 'in')
  })

  it('G106 from before a failover are refused, so that none is taken twice', async (t) => {
    const [primary, standby] = await startWithStandby(t)
    const [one, two] = await Promise.all([replicaOf(primary), replicaOf(standby)])
    t.after(() => [one, two].map(({ store }) => store.close()))
    const tickets = one.state.tickets('one')
    const [used = '', unused = ''] = [await tickets.issue(JOE, AMQP, LIMITS), await tickets.issue(JOE, AMQP, LIMITS)]
    await until(async () => (await standby.command('DBSIZE')) === (await primary.command('DBSIZE')), 'the replication')
    // The old primary gives one away, and nobody else learns of it.
    await standby.command('REPLICAOF', 'NO', 'ONE')
    assert.ok(isTaken(await tickets.take(used, AMQP)))
    await until(() => two.store.isUp, 'the new primary')
    for (const ticket of [used, unused]) {
      const taken = await two.state.tickets('one').take(ticket, AMQP)
      assert.deepEqual(taken, { detail: 'a ticket from before the state store failed over' })
    }
    const fresh = (await two.state.tickets('one').issue(JOE, AMQP, LIMITS)) ?? ''
    assert.ok(isTaken(await two.state.tickets('one').take(fresh, AMQP)))
  })

  it('G105 are none that somebody wrote into the store, moved, kept or brought back', async (t) => {
    const [one, two] = await Promise.all([replicaOf(redis), replicaOf(redis)])
    t.after(() => [one, two].map(({ store }) => store.close()))
    await redis.command('FLUSHALL')
    const tickets = one.state.tickets('one')
    const issue = async () => (await tickets.issue(JOE, AMQP, LIMITS)) ?? ''
    const keyOf = async () => {
      const keys = (await one.store.run('probe', 'KEYS', 'gatehouse:{t.*}:t:*')) as string[]
      assert.equal(keys.length, 1)
      return keys[0] ?? ''
    }
    const [first, firstKey] = [await issue(), await keyOf()]
    const firstValue = String(await one.store.run('probe', 'GET', firstKey))
    assert.ok(isTaken(await tickets.take(first, AMQP)))
    // Brought back: the gateway that took it does not believe the store.
    await one.store.run('probe', 'SET', firstKey, firstValue)
    assert.ok(!isTaken(await tickets.take(first, AMQP)))
    // Moved under the name of another: it does not open.
    const [second, secondKey] = [await issue(), await keyOf()]
    await one.store.run('probe', 'SET', secondKey, firstValue)
    assert.ok(!isTaken(await two.state.tickets('one').take(second, AMQP)))
    for (const bytes of ['', 'x', '{"identity":{"subject":"admin"}}', firstValue.slice(0, -1), `${firstValue} x y`]) {
      const [ticket, key] = [await issue(), await keyOf()]
      await one.store.run('probe', 'SET', key, bytes)
      assert.ok(!isTaken(await two.state.tickets('one').take(ticket, AMQP)), bytes)
    }
    // Another kind of value there: no answer, and no harm to the next.
    const [last, lastKey] = [await issue(), await keyOf()]
    await one.store.run('probe', 'DEL', lastKey)
    await one.store.run('probe', 'LPUSH', lastKey, 'x')
    await assert.rejects(two.state.tickets('one').take(last, AMQP), { name: 'StateUnavailable' })
    assert.ok(two.store.isUp)
    await one.store.run('probe', 'DEL', lastKey)
    assert.ok(isTaken(await two.state.tickets('one').take(await issue(), AMQP)))
  })

  it('leave nothing readable in the store', async (t) => {
    const one = await replicaOf(redis)
    t.after(() => one.store.close())
    await redis.command('FLUSHALL')
    const ticket = (await one.state.tickets('scope of CANARY').issue(JOE, AMQP, LIMITS)) ?? ''
    const keys = (await one.store.run('probe', 'KEYS', '*')) as string[]
    const values = await Promise.all(keys.map((key) => one.store.run('probe', 'DUMP', key)))
    const all = [...keys, ...values.map(String)].join('\n')
    for (const secret of [ticket, JOE.subject, JOE.issuer, JOE.sessionKey ?? '', 'CANARY', 'trader']) {
      assert.ok(!all.includes(secret), secret)
    }
  })
})
