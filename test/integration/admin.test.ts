/** The management API: who may what, and what becomes of sessions. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import WebSocket from 'ws'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { basic, type Door, ORIGIN, sendRaw, startDoor, upgradeRequest } from '../support/door.ts'
import { call, ROLES, startManaged } from '../support/managed.ts'

const joe = (door: Door) => connectAmqplib(door.url(), { websocket: { headers: { authorization: basic() } } })
const ended = (client: Awaited<ReturnType<typeof joe>>) =>
  new Promise<Error>((resolve) => client.connection.once('close', resolve))

/** Every route, the role it needs, a request that it takes, and what it answers. */
const TABLE: readonly (readonly [route: string, role: (typeof ROLES)[number], body: unknown, status: number])[] = [
  ['GET /api/v1/me', 'viewer', undefined, 200],
  ['GET /api/v1/overview', 'viewer', undefined, 200],
  ['GET /api/v1/identities', 'viewer', undefined, 200],
  ['GET /api/v1/sessions', 'viewer', undefined, 200],
  ['GET /api/v1/sessions/none', 'viewer', undefined, 404],
  ['DELETE /api/v1/sessions/none', 'operator', undefined, 404],
  ['POST /api/v1/kick', 'operator', { match: { subject: 'none' } }, 200],
  ['GET /api/v1/blocks', 'operator', undefined, 200],
  ['PUT /api/v1/blocks', 'operator', { subject: 'none', for: '1s', reason: 'a test' }, 201],
  ['DELETE /api/v1/blocks/none', 'operator', undefined, 404],
  ['POST /api/v1/drain', 'operator', {}, 202],
  ['DELETE /api/v1/drain', 'operator', undefined, 204],
  ['POST /api/v1/explain', 'viewer', { subject: 'none' }, 200],
  ['GET /api/v1/rules', 'viewer', undefined, 200],
  ['GET /api/v1/refusals', 'viewer', undefined, 200],
  ['GET /api/v1/history', 'viewer', undefined, 200],
  ['HEAD /api/v1/events', 'viewer', undefined, 200],
  ['GET /api/openapi.json', 'viewer', undefined, 200],
  ['GET /api/v1/config', 'administrator', undefined, 200],
  ['POST /api/v1/reload', 'administrator', undefined, 409],
]

describe('the management API', () => {
  it('does not exist where nobody may use it', async (t) => {
    const door = await startDoor({}, t)
    for (const [route, , body] of TABLE)
      assert.equal((await call(door, route, { as: 'joe.smith', body })).status, 404, route)
  })

  it('G65 asks each caller for the role that a route needs', async (t) => {
    const door = await startManaged(t)
    for (const [route, needed, body, status] of TABLE) {
      const none = await call(door, route, { body })
      assert.equal(none.status, 401, route)
      assert.match(none.headers.get('www-authenticate') ?? '', /^x?Basic /)
      for (const as of ['nobody', ...ROLES]) {
        const answer = await call(door, route, { as, body })
        const may = ROLES.indexOf(as as 'viewer') >= ROLES.indexOf(needed)
        assert.equal(answer.status, may ? status : 403, `${route} as ${as}`)
        if (!may && !route.startsWith('HEAD')) assert.equal(answer.json['role'], needed)
      }
    }
    const { paths } = (await call(door, 'GET /api/openapi.json', { as: 'viewer' })).json as {
      paths: Record<string, Record<string, unknown>>
    }
    const known = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('{id}', 'none')}`),
    )
    const tried = new Set(TABLE.map(([route]) => route.replace('HEAD', 'GET')))
    assert.deepEqual(
      known.filter((route) => !tried.has(route)),
      [],
      'every route is in the table',
    )
    assert.equal((await call(door, 'GET /api/v1/overview', { as: 'viewer', password: 'wrong' })).status, 401)
    for (const [route, , body] of TABLE) {
      const { status } = await call(door, route, { as: 'administrator', password: 'wrong', body })
      assert.ok(status === 401 || status === 429, `${route} with a wrong password: ${status}`)
    }
    assert.equal((await call(door, 'GET /api/v1/overview', { as: 'joe.smith' })).status, 401, 'a user of a service')
    const refused = door.lines.filter((line) => line['event'] === 'admin.kick' && line['outcome'] === 'refused')
    assert.ok(
      refused.some((line) => line['actor'] === 'viewer' && line['status'] === 403 && line['session'] === undefined),
    )
    assert.ok(refused.some((line) => line['actor'] === undefined && line['status'] === 401))
  })

  it('G65 refuses the writes of a viewer, which have no effect and are in the audit trail', async (t) => {
    const door = await startManaged(t)
    const client = await joe(door)
    const { items } = (await call(door, 'GET /api/v1/sessions', { as: 'viewer' })).json as { items: { id: string }[] }
    const writes = [
      [`DELETE /api/v1/sessions/${items[0]?.id}`, undefined, 'admin.kick'],
      ['POST /api/v1/kick', { match: { subject: 'joe.smith' }, hold: '1h' }, 'admin.kick'],
      ['PUT /api/v1/blocks', { subject: 'joe.smith', for: '1h', reason: 'x' }, 'admin.block'],
      ['POST /api/v1/drain', {}, 'admin.drain'],
      ['DELETE /api/v1/drain', undefined, 'admin.undrain'],
      ['POST /api/v1/reload', {}, 'admin.reload'],
    ] as const
    for (const [route, body, event] of writes) {
      assert.equal((await call(door, route, { as: 'viewer', body })).status, 403, route)
      await door.line(event, (line) => line['actor'] === 'viewer' && line['outcome'] === 'refused')
    }
    assert.equal(door.gateway.sessionCount, 1)
    const { json } = await call(door, 'GET /api/v1/overview', { as: 'viewer' })
    assert.deepEqual([json['draining'], json['generation']], [false, 1])
    assert.deepEqual((await call(door, 'GET /api/v1/blocks', { as: 'operator' })).json['items'], [])
    await (await joe(door)).connection.close()
    await client.connection.close()
  })

  it('G65 refuses what a foreign page sends', async (t) => {
    const door = await startManaged(t)
    const kick = { as: 'operator', body: { match: { subject: 'none' } } }
    const own = String(door.gateway.adminAddress?.url)
    for (const [origin, status] of [
      [own, 200],
      ['https://console.example.com', 200],
      ['https://evil.example', 403],
      ['null', 403],
    ] as const)
      assert.equal((await call(door, 'POST /api/v1/kick', { ...kick, headers: { origin } })).status, status, origin)
    const headers = { 'sec-fetch-site': 'cross-site' }
    assert.equal((await call(door, 'GET /api/v1/sessions', { as: 'viewer', headers })).status, 403)
  })

  it('tells every mistake of a request', async (t) => {
    const door = await startManaged(t)
    const status = async (route: string, body?: unknown) =>
      (await call(door, route, { as: 'administrator', body })).status
    const { json } = await call(door, 'PUT /api/v1/blocks', { as: 'operator', body: { subject: '', for: '0s', x: 1 } })
    assert.equal((json['errors'] as string[]).length, 4, JSON.stringify(json))
    assert.equal(await status('POST /api/v1/kick', { match: {} }), 400)
    assert.equal(await status('POST /api/v1/kick', {}), 400)
    assert.equal(await status('POST /api/v1/kick', '{'), 400)
    assert.equal(await status('POST /api/v1/kick', '[]'), 400)
    assert.equal(await status('POST /api/v1/kick', { match: { subject: 'x' }, hold: '2h' }), 400)
    assert.equal(await status('POST /api/v1/kick', ' '.repeat(64 * 1024 + 1)), 413)
    assert.equal(await status('POST /api/v1/drain', { over: 10 }), 400)
    assert.equal(await status('POST /api/v1/drain', { for: '10s' }), 400)
    assert.equal(await status('GET /api/v1/sessions?sort=secret'), 400)
    assert.equal(await status('GET /api/v1/sessions?pageSize=501'), 400)
    assert.equal(await status('GET /api/v1/sessions?colour=red'), 400)
    assert.equal(await status('GET /api/v1/none'), 404)
    assert.equal(await status('POST /api/v1/reload', { text: 'x' }), 400)
    assert.equal(await status('POST /api/v1/reload', { dryRun: true, text: 'listen: 5' }), 422)
    assert.equal(await status('POST /api/v1/reload', { dryRun: true, text: '', ifHash: 'other' }), 412)
    const wrong = await call(door, 'POST /api/v1/sessions', { as: 'viewer' })
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET, HEAD'])
  })

  it('lists sessions by filter, order and page, and shows one', async (t) => {
    const door = await startManaged(t)
    const clients = [await joe(door), await joe(door), await joe(door)]
    const list = async (query: string) => (await call(door, `GET /api/v1/sessions?${query}`, { as: 'viewer' })).json
    const all = await list('subject=joe.smith')
    const items = all['items'] as { id: string; openedAt: string; user: string; vhost: string }[]
    assert.deepEqual([all['total'], all['page'], all['pageSize'], items.length], [3, 1, 100, 3])
    assert.deepEqual([items[0]?.user, items[0]?.vhost], ['smithj', '/'])
    const last = await list('sort=-openedAt&pageSize=1&page=3')
    assert.deepEqual(
      (last['items'] as { id: string }[]).map(({ id }) => id),
      [items[0]?.id],
    )
    for (const query of ['subject=other', 'vhost=/x', 'address=10.0.0.0/8', 'role=none', 'replica=a', 'session=x'])
      assert.equal((await list(query))['total'], 0, query)
    for (const query of ['issuer=staff', 'address=127.0.0.0/8', 'role=trader', 'user=smithj&user=other', 'broker=main'])
      assert.equal((await list(query))['total'], 3, query)
    const one = await call(door, `GET /api/v1/sessions/${items[1]?.id}`, { as: 'viewer' })
    const { limits, permissions, refusals, rates, ...shown } = one.json
    assert.equal(rates, null, 'there is nothing to compare with')
    const people = (await call(door, 'GET /api/v1/identities?pageSize=1', { as: 'viewer' })).json
    const [person] = people['items'] as Record<string, unknown>[]
    assert.deepEqual(
      [people['total'], person?.['subject'], person?.['service'], person?.['sessions'], person?.['limits']],
      [1, 'joe.smith', '/amqp', 3, limits],
    )
    assert.deepEqual(shown, items[1])
    assert.deepEqual([limits, permissions, refusals], [{ sessionsPerIdentity: { used: 3, of: 1000 } }, null, []])
    const { json } = await call(door, 'GET /api/v1/overview', { as: 'viewer' })
    assert.deepEqual([json['sessions'], json['generation']], [3, 1])
    await Promise.all(clients.map(({ connection }) => connection.close()))
  })

  it('kicks sessions with the reason, and holds their people off', async (t) => {
    const door = await startManaged(t)
    const client = await joe(door)
    const gone = ended(client)
    const body = { match: { subject: 'joe.smith' }, reason: 'a new contract', hold: '20s' }
    const dry = await call(door, 'POST /api/v1/kick', { as: 'operator', body: { ...body, dryRun: true } })
    assert.deepEqual(dry.json, { matched: 1, ended: 0, notReached: [] })
    const kicked = await call(door, 'POST /api/v1/kick', { as: 'operator', body })
    assert.deepEqual(kicked.json, { matched: 1, ended: 1, notReached: [] })
    assert.match((await gone).message, /CONNECTION[_-]FORCED - a new contract/)
    assert.equal((await door.line('session-ended'))['closeCode'], 1012)
    const more: [string, string][] = [['Authorization', basic()]]
    const next = await sendRaw(door.port, upgradeRequest('/amqp', { more }))
    assert.equal(next.status, 403)
    assert.ok(Number(next.headers.get('retry-after')?.[0]) in Array(21).fill(0))
    assert.equal(
      (await fetch(door.http('/auth/ticket'), { method: 'POST', headers: { authorization: basic() } })).status,
      403,
    )
    const audited = await door.line('admin.kick', (line) => line['outcome'] === 'done')
    assert.deepEqual([audited['actor'], audited['count'], audited['reason']], ['operator', 1, 'a new contract'])
  })

  it('blocks a person until the block is lifted', async (t) => {
    const door = await startManaged(t)
    const client = await joe(door)
    const gone = ended(client)
    const body = { subject: 'joe.smith', for: '10m', reason: 'left the house' }
    const { json, status } = await call(door, 'PUT /api/v1/blocks', { as: 'operator', body })
    assert.deepEqual([status, json['ended'], json['issuers'], json['by']], [201, 1, ['staff'], 'operator'])
    assert.match((await gone).message, /CONNECTION[_-]FORCED/)
    assert.equal((await door.line('session-ended'))['closeCode'], 4403)
    const headers = { authorization: basic(), origin: ORIGIN }
    const page = new WebSocket(door.url(), 'amqp', { headers })
    page.on('error', () => undefined)
    await door.line('authorization-refused', (line) => line['cause'] === 'blocked' && line['status'] === 101)
    page.terminate()
    const lifted = await call(door, `DELETE /api/v1/blocks/${String(json['id'])}`, { as: 'operator' })
    assert.equal(lifted.status, 204)
    await (await joe(door)).connection.close()
  })

  it('shows the configuration without secrets', async (t) => {
    const door = await startManaged(t)
    const { json } = await call(door, 'GET /api/v1/config', { as: 'administrator' })
    assert.match(JSON.stringify(json['config']), /"password":"\[redacted\]"/)
  })
})
