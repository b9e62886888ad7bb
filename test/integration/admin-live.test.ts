/** What the management API shows of what happens: explanations, refusals, events, hit counts, a session's detail. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { basic, type Door, sendRaw, upgradeRequest } from '../support/door.ts'
import { call, startManaged } from '../support/managed.ts'
import { until } from '../support/until.ts'

const joe = (door: Door) => connectAmqplib(door.url(), { websocket: { headers: { authorization: basic() } } })
const viewer = { as: 'viewer' }

interface Seen {
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Reads the gateway's events until the test is over. */
async function follow(door: Door, t: TestContext): Promise<{ readonly seen: Seen[]; text: () => string }> {
  const control = new AbortController()
  t.after(() => control.abort())
  const response = await fetch(`${door.gateway.adminAddress?.url}/api/v1/events`, {
    headers: { authorization: basic('viewer') },
    signal: control.signal,
  })
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  let text = ''
  const seen: Seen[] = []
  const read = async (): Promise<void> => {
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString()
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? []
        if (event !== undefined && data !== undefined) seen.push({ event, data: JSON.parse(data) as Seen['data'] })
      }
    }
  }
  read().catch(() => undefined)
  return { seen, text: () => text }
}

describe('what the management API shows of what happens', () => {
  it('explains what a service in force would make of somebody', async (t) => {
    const door = await startManaged(t)
    const ask = async (body: unknown) => await call(door, 'POST /api/v1/explain', { ...viewer, body })
    const { json } = await ask({ service: '/amqp', subject: 'joe.smith', roles: ['trader'], may: ['consume orders'] })
    const promoted = json['promoted'] as Record<string, unknown>
    assert.deepEqual([promoted['user'], promoted['vhosts'], json['refused']], ['smithj', ['/'], null])
    assert.deepEqual(
      (json['rules'] as { outcome: string }[]).map(({ outcome }) => outcome),
      ['won'],
    )
    assert.deepEqual(
      (json['may'] as { allowed: unknown }[]).map(({ allowed }) => allowed),
      [null],
    )
    const other = await ask({ subject: 'somebody' })
    assert.deepEqual([other.json['promoted'], other.json['refused']], [null, 'no promotion rule'])
    for (const body of [
      { service: '/amqb', subject: 'x' },
      { subject: 'x', authenticator: 'sso' },
      {},
      { subject: 'x', address: '10.0.0.0/8' },
    ])
      assert.equal((await ask(body)).status, 400, JSON.stringify(body))
  })

  it('lists the last refusals, with the line that would let somebody in', async (t) => {
    const door = await startManaged(t)
    const more: [string, string][] = [['Authorization', basic('joe.smith', 'wrong')]]
    await sendRaw(door.port, upgradeRequest('/amqp', { more }))
    await sendRaw(door.port, upgradeRequest('/nowhere', {}))
    await sendRaw(door.port, upgradeRequest('/amqp', { more: [['Origin', 'https://evil.example']] }))
    const { json } = await call(door, 'GET /api/v1/refusals', viewer)
    const items = json['items'] as Record<string, unknown>[]
    assert.deepEqual(
      items.map(({ cause, service }) => [cause, service]),
      [
        ['origin-not-allowed', '/amqp'],
        ['unknown-path', null],
        ['unauthenticated', '/amqp'],
      ],
    )
    assert.match(String(items[0]?.['allow']), /^- https:\/\/evil\.example {3}# under origins$/)
    assert.equal(items[0]?.['origin'], 'https://evil.example')
  })

  it('sends events while they happen', async (t) => {
    const door = await startManaged(t)
    const { seen } = await follow(door, t)
    const client = await joe(door)
    await sendRaw(door.port, upgradeRequest('/nowhere', {}))
    await call(door, 'POST /api/v1/kick', { as: 'viewer', body: { match: { subject: 'joe.smith' } } })
    await call(door, 'POST /api/v1/kick', { as: 'operator', body: { match: { subject: 'joe.smith' }, hold: '0s' } })
    client.connection.on('error', () => undefined)
    const has = (event: string, like: Record<string, unknown>) =>
      seen.some((one) => one.event === event && Object.entries(like).every(([key, value]) => one.data[key] === value))
    await until(() => has('session.closed', { cause: 'kicked' }))
    assert.ok(has('session.opened', { subject: 'joe.smith', service: '/amqp' }))
    assert.ok(has('refusal', { cause: 'unknown-path' }))
    assert.ok(has('admin.kick', { outcome: 'refused', actor: 'viewer' }))
    assert.ok(has('admin.kick', { outcome: 'done', actor: 'operator', count: 1 }))
    assert.ok(seen.every(({ data }) => !Number.isNaN(Date.parse(String(data['at'])))))
    assert.ok(!JSON.stringify(seen).includes('CANARY'))
  })

  it('lets sixteen read events, and no more', async (t) => {
    const door = await startManaged(t)
    for (let reader = 0; reader < 16; reader++) await follow(door, t)
    assert.equal((await call(door, 'GET /api/v1/events', viewer)).status, 429)
  })

  it('counts how often rules and permissions applied, those that never did as well', async (t) => {
    const door = await startManaged(t, {
      service: {
        promote: [
          { when: { subject: 'nobody.ever' }, to: 'smithj' },
          { when: { subject: 'joe.smith' }, to: 'smithj' },
        ],
        permissions: [
          { for: { role: 'trader' }, read: [{ queue: 'orders' }] },
          { for: { role: 'boss' }, read: [{ queue: '*' }] },
        ],
      },
    })
    const clients = [await joe(door), await joe(door)]
    const { json } = await call(door, 'GET /api/v1/rules', viewer)
    type Row = { hits: number; effect: string; when: unknown; lastAt: string | null }
    const [{ service, rules, permissions } = { service: '', rules: [], permissions: [] }] = json['items'] as {
      service: string
      rules: Row[]
      permissions: Row[]
    }[]
    assert.equal(service, '/amqp')
    assert.deepEqual(
      rules.map(({ hits, effect }) => [hits, effect]),
      [
        [0, 'to smithj'],
        [2, 'to smithj'],
      ],
    )
    assert.deepEqual([rules[0]?.lastAt, rules[0]?.when], [null, { subject: ['nobody.ever'] }])
    assert.deepEqual(
      permissions.map(({ hits }) => hits),
      [2, 0],
    )
    await Promise.all(clients.map(({ connection }) => connection.close()))
  })

  it('shows of a session what it may, what it uses, and what was refused', async (t) => {
    const door = await startManaged(t, {
      service: {
        limits: { perIdentity: { channels: 5 } },
        permissions: [{ read: [{ queue: 'orders' }], write: [{ exchange: 'quotes', routingKey: 'fx.#' }] }],
      },
    })
    const client = await joe(door)
    const channel = await client.connection.createChannel()
    channel.on('error', () => undefined)
    const closed = new Promise((resolve) => channel.once('close', resolve))
    channel.publish('quotes', 'equities.dax', Buffer.from('x'))
    await closed
    await client.connection.createChannel()
    const { json: list } = await call(door, 'GET /api/v1/sessions', viewer)
    const [one] = list['items'] as { id: string }[]
    const { json } = await call(door, `GET /api/v1/sessions/${one?.id}`, viewer)
    assert.deepEqual([json['channels'], json['consumers'], json['messagesFromClient']], [1, 0, 0])
    assert.deepEqual(json['limits'], {
      sessionsPerIdentity: { used: 1, of: 1000 },
      channels: { used: 1, of: 5 },
    })
    assert.deepEqual(
      (json['permissions'] as { permission: string; name: string; routingKey: string | null }[]).map(
        ({ permission, name, routingKey }) => [permission, name, routingKey],
      ),
      [
        ['write', 'quotes', 'fx.#'],
        ['read', 'orders', null],
      ],
    )
    const [refused] = json['refusals'] as Record<string, unknown>[]
    assert.deepEqual([refused?.['event'], refused?.['method']], ['permission.refused', 'basic.publish'])
    assert.equal(refused?.['allow'], '- { exchange: quotes, routingKey: equities.dax }   # under permissions, write')
    await client.connection.close()
  })

  it('shows rates and broker nodes at a glance', async (t) => {
    const door = await startManaged(t)
    const client = await joe(door)
    const { json } = await call(door, 'GET /api/v1/overview', viewer)
    const [broker] = json['brokers'] as { nodes: Record<string, unknown>[] }[]
    const { name, up, sessions } = broker?.nodes[0] ?? {}
    assert.deepEqual([up, sessions], [true, 1])
    assert.match(String(name), /^127\.0\.0\.1:\d+$/)
    const rates = json['rates'] as Record<string, number>
    assert.ok((rates['opened'] ?? 0) > 0 && (rates['bytesToClient'] ?? 0) > 0, JSON.stringify(rates))
    assert.deepEqual([json['replicas'], json['workers']], [[], []])
    await client.connection.close()
  })
})
