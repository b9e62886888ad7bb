/** Rights that change in mid-session, shadow mode, stamps, shares and the audit trail, against a live broker. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { consume, exchangeDeclare, queueBind, queueDeclare, text } from '../support/filter-session.ts'
import { type PermissionGateway, startPermissionGateway, token } from '../support/permission-gateway.ts'
import { isClosed, type RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

const PERMISSIONS = [
  {
    write: [{ exchange: 'open' }],
    configure: [{ queue: 'ui.${subject}.*' }],
    read: [{ queue: 'news' }, { queue: 'ui.${subject}.*' }],
  },
  { for: { role: 'trader' }, read: [{ queue: 'desk' }], write: [{ exchange: 'orders' }] },
]

let live: PermissionGateway

before(async () => {
  live = await startPermissionGateway({
    '/amqp': { permissions: PERMISSIONS },
    '/shadow': { permissions: PERMISSIONS, enforce: false },
    '/stamped': {
      stamp: {
        userId: 'broker',
        appId: 'ui of ${subject}',
        timestamp: true,
        headers: { 'x-gatehouse-user': '${subject}', Desk: '${claim.desk}' },
      },
    },
    '/shares': { limits: { perIdentity: { consumers: 2, queues: 2, unacked: 10, publishesPerSecond: 200 } } },
    '/tagged': {
      promote: [
        { when: { role: 'trader' }, to: 'webuser', tags: ['desk'] },
        { to: 'webuser', tags: ['lobby'] },
      ],
      permissions: [
        { for: { tag: 'desk' }, read: [{ queue: 'desk' }] },
        { for: { tag: 'lobby' }, read: [{ queue: 'news' }] },
      ],
    },
    '/suspended': {
      promote: [{ when: { role: 'suspended' }, refuse: 'ask the desk' }, { to: 'webuser' }],
    },
    '/audited': { permissions: PERMISSIONS, audit: { include: ['declare', 'bind', 'delete', 'consume', 'publish'] } },
    '/capped': {
      permissions: [
        {
          configure: [{ queue: '*' }],
          write: [{ queue: '*' }],
          arguments: { 'x-max-length': { max: 3, inject: true } },
        },
      ],
    },
  })
  for (const queue of ['desk', 'news', 'opened']) await live.judge.assertQueue(queue)
  for (const exchange of ['open', 'orders']) await live.judge.assertExchange(exchange, 'fanout')
  await live.judge.bindQueue('opened', 'open', '')
})

after(() => live.stop())

async function updateSecret(client: RawClient, secret: string): Promise<void> {
  client.send('connection.update-secret', { newSecret: Buffer.from(secret), reason: 'renewed' }, 0)
  await client.expect('connection.update-secret-ok', 0)
}

describe('permissions: renewal', () => {
  it('B36 cancels within a second the consumers whose right was withdrawn, and delivers nothing to them afterwards', async () => {
    const joe = await live.connect('joe', ['trader'])
    await joe.call('basic.consume', consume('desk', { consumerTag: 'd', noAck: true }), 'basic.consume-ok')
    await joe.openChannel(2)
    await joe.call('basic.consume', consume('news', { consumerTag: 'n', noAck: true }), 'basic.consume-ok', 2)
    joe.publish('orders', 'k')
    assert.equal(await joe.verdict(), 'open')

    const beforeMs = performance.now()
    await updateSecret(joe, token('joe', []))
    const cancel = await joe.expect('basic.cancel')

    assert.ok(performance.now() - beforeMs < 1_000)
    assert.equal(cancel.consumerTag, 'd')
    await until(async () => (await live.judge.checkQueue('desk')).consumerCount === 0)
    assert.equal((await live.judge.checkQueue('news')).consumerCount, 1)
    joe.publish('orders', 'k')
    assert.ok(isClosed(await joe.verdict()))
    assert.equal((await live.event('permission.lost'))['queue'], 'desk')
  })

  it('B36 grants what the fresh identity has more', async () => {
    const jane = await live.connect('jane', [])
    assert.ok(isClosed(await jane.call('basic.get', { queue: 'desk', noAck: true }, 'basic.get-empty')))

    await updateSecret(jane, token('jane', ['trader']))

    assert.ok(!isClosed(await jane.call('basic.get', { queue: 'desk', noAck: true }, 'basic.get-empty')))
  })
})

describe('permissions: renewal under another rule', () => {
  it('F6 goes on with the tags of the rule that matches now, and without those of the old one', async () => {
    const joe = await live.connect('joe', ['trader'], { path: '/tagged' })
    await joe.call('basic.consume', consume('desk', { consumerTag: 'd', noAck: true }), 'basic.consume-ok')

    await updateSecret(joe, token('joe', []))

    assert.equal((await joe.expect('basic.cancel')).consumerTag, 'd')
    assert.ok(!isClosed(await joe.call('basic.get', { queue: 'news', noAck: true }, 'basic.get-empty')))
    assert.ok(isClosed(await joe.call('basic.get', { queue: 'desk', noAck: true }, 'basic.get-empty')))
  })
})

describe('a renewal that a rule refuses', () => {
  it('ends the session with the text of the rule', async () => {
    const joe = await live.connect('joe', ['trader'], { path: '/suspended' })

    const secret = { newSecret: Buffer.from(token('joe', ['suspended'])), reason: 'renewed' }
    const closed = await joe.call('connection.update-secret', secret, 'connection.update-secret-ok', 0)

    assert.ok(isClosed(closed))
    assert.deepEqual(closed, { refused: 'connection.close', code: 403, text: 'ACCESS_REFUSED - ask the desk' })
    joe.send('connection.close-ok', {}, 0)
    const ended = await live.event('session-ended', ({ service }) => service === '/suspended')
    assert.deepEqual([ended['reason'], ended['closeCode']], ['authority-ended', 4403])
  })
})

describe('permissions: shadow mode', () => {
  it('lets through what would be refused, and writes it down', async () => {
    const joe = await live.connect('shadow', [], { path: '/shadow' })

    const declared = await joe.call('queue.declare', queueDeclare('payroll'), 'queue.declare-ok')

    assert.ok(!isClosed(declared))
    assert.ok(await live.broker.queue('payroll'))
    const event = await live.event('permission.would-refuse')
    assert.deepEqual(
      [event['subject'], event['method'], event['permission'], event['kind'], event['name']],
      ['shadow', 'queue.declare', 'configure', 'queue', 'payroll'],
    )
  })
})

describe('stamps', () => {
  it('B20 B21 B23 every message says who published it, whatever its publisher says', async () => {
    const joe = await live.connect('joe', [], { path: '/stamped', claims: { desk: 'fx' } })
    joe.publish('open', '', {
      properties: {
        userId: 'admin',
        appId: 'forged',
        timestamp: 1n,
        messageId: 'kept',
        headers: [
          { key: 'X-GATEHOUSE-USER', ...text('admin') },
          { key: 'desk', ...text('forged') },
          { key: 'mine', ...text('kept') },
        ],
      },
      body: 'stamped',
    })

    const message = await until(() => live.judge.get('opened', { noAck: true }))

    const properties: Record<string, unknown> = { ...message.properties }
    const { userId, appId, timestamp, messageId, headers } = properties
    assert.equal(message.content.toString(), 'stamped')
    assert.equal(userId, live.webuser.username)
    assert.equal(appId, 'ui of joe')
    assert.equal(messageId, 'kept')
    assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 60)
    assert.deepEqual(headers, { mine: 'kept', 'x-gatehouse-user': 'joe', Desk: 'fx' })
  })

  it('A27 somebody whose stamp has no value is refused at login', async () => {
    await assert.rejects(live.connect('joe', [], { path: '/stamped' }))
  })

  it('C29 a header as large as the client may send still fits', async () => {
    const joe = await live.connect('joe', [], { path: '/stamped', claims: { desk: 'fx' } })
    const largest = 131_072 - 4096 - 8
    // Flags, the table's length, one key and its value's length: what is left is the value.
    joe.publish('open', '', {
      properties: { headers: [{ key: 'a', ...text('x'.repeat(largest - 14 - 4 - 2 - 5)) }] },
      body: 'large',
    })

    const message = await until(() => live.judge.get('opened', { noAck: true }))

    assert.equal(message.content.toString(), 'large')
  })
})

describe('shares of one identity', () => {
  it('D17 D19 consumers, queues and prefetch are bounded over all sessions', async () => {
    const [first, second] = [
      await live.connect('joe', [], { path: '/shares' }),
      await live.connect('joe', [], { path: '/shares' }),
    ]
    for (const [client, queue] of [
      [first, 'share.1'],
      [second, 'share.2'],
    ] as const) {
      assert.ok(!isClosed(await client.call('queue.declare', queueDeclare(queue), 'queue.declare-ok')))
    }
    const third = await first.call('queue.declare', queueDeclare('share.3'), 'queue.declare-ok')
    assert.ok(isClosed(third))
    assert.equal(third.code, 406)

    for (let n = 0; n < 30; n += 1) live.judge.sendToQueue('share.1', Buffer.from(`m${n}`))
    await until(async () => (await live.judge.checkQueue('share.1')).messageCount === 30)
    assert.ok(!isClosed(await first.call('basic.consume', consume('share.1'), 'basic.consume-ok')))
    assert.ok(!isClosed(await second.call('basic.consume', consume('share.2'), 'basic.consume-ok')))
    assert.ok(isClosed(await second.call('basic.consume', consume('share.1'), 'basic.consume-ok')))

    await until(() => first.bodies.length >= 10)
    assert.equal((await live.judge.checkQueue('share.1')).messageCount, 20)
    assert.equal(first.bodies.length, 10)
  })

  it('a publish rate is kept by reading more slowly, and nothing is lost', async () => {
    const joe = await live.connect('fast', [], { path: '/shares' })
    await live.judge.assertQueue('rate')
    const beforeMs = performance.now()

    for (let n = 0; n < 500; n += 1) joe.publish('', 'rate')
    await until(async () => (await live.judge.checkQueue('rate')).messageCount === 500, 'all messages', 20_000)

    // 200 at once, and 200 for each second after that: 1.5 s, less a chunk that had been read already.
    assert.ok(performance.now() - beforeMs > 900)
    await until(() => live.events('limit.paused').length > 0)
  })

  it('B27 a cap is added to a declaration that has none', async () => {
    const joe = await live.connect('joe', [], { path: '/capped' })
    assert.ok(!isClosed(await joe.call('queue.declare', queueDeclare('capped'), 'queue.declare-ok')))
    await joe.call('confirm.select', { noWait: false }, 'confirm.select-ok')

    for (let n = 0; n < 10; n += 1) joe.publish('', 'capped')
    await until(async () => (await live.judge.checkQueue('capped')).messageCount === 3)

    assert.ok(
      isClosed(
        await joe.call(
          'queue.declare',
          queueDeclare('larger', { arguments: [{ key: 'x-max-length', type: 'I', value: 4 }] }),
          'queue.declare-ok',
        ),
      ),
    )
  })
})

describe('audit', () => {
  it('says who did what, behind one shared account', async () => {
    const joe = await live.connect('auditee', ['trader'], { path: '/audited' })
    await joe.call('queue.declare', queueDeclare('ui.auditee.1'), 'queue.declare-ok')
    await joe.call('basic.consume', consume('', { consumerTag: 'c' }), 'basic.consume-ok')
    joe.publish('open', 'k', { body: '12345' })
    joe.send('exchange.declare', exchangeDeclare('payroll'))
    assert.ok(isClosed(await joe.verdict()))
    joe.send('queue.bind', queueBind('ui.auditee.1', 'orders', 'k'))
    assert.ok(isClosed(await joe.verdict()))
    joe.close()

    const counted = await live.event('publish.counted', (line) => line['subject'] === 'auditee')

    assert.deepEqual([counted['exchange'], counted['messages'], counted['bytes']], ['open', 1, 5])
    const mine = live.lines.filter((line) => line['subject'] === 'auditee' && !String(line['event']).includes('-'))
    assert.deepEqual(
      mine
        .filter(({ event }) => !String(event).startsWith('session.'))
        .map((line) => [line['event'], line['queue'] ?? line['name'] ?? line['exchange']]),
      [
        ['queue.declare', 'ui.auditee.1'],
        ['basic.consume', 'ui.auditee.1'],
        ['permission.refused', 'payroll'],
        ['permission.refused', 'ui.auditee.1'],
        ['publish.counted', 'open'],
      ],
    )
    for (const line of mine.filter(({ event }) => event !== 'session.refused')) {
      assert.equal(line['user'], live.webuser.username)
      assert.equal(line['service'], '/audited')
      assert.match(String(line['time']), /^\d{4}-\d\d-\d\dT/)
    }
  })
})
