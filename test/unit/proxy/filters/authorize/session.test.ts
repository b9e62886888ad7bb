import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authorizeFilter } from '../../../../../proxy/filters/authorize/authorize.ts'
import { assertForwarded, assertRefused, JOE, MINE } from '../../../../support/authorize.ts'
import { AuditLog, consume, FilterSession, queueDeclare } from '../../../../support/filter-session.ts'
import { authorizer, facts, policy } from '../../../../support/policy.ts'

describe('authorize: renewal', () => {
  it('B36 cancels the consumers that lost their right, and only those', () => {
    const joe = policy([
      { read: [{ queue: 'news' }] },
      { role: 'trader', configure: [{ queue: '' }], read: [{ queue: 'desk' }] },
    ]).authorizer(facts())
    const log = new AuditLog()
    const running = new FilterSession([authorizeFilter(joe, log)])
    running.send('basic.consume', consume('news', { consumerTag: 'n' }))
    running.send('basic.consume', consume('desk', { consumerTag: '' }))
    running.receive('basic.consume-ok', { consumerTag: 'amq.ctag-1' })
    running.send('basic.consume', consume('desk', { consumerTag: '', noWait: true }), 2)
    running.send('queue.declare', queueDeclare(''), 3)
    running.receive('queue.declare-ok', { queue: 'amq.gen-1', messageCount: 0, consumerCount: 0 }, 3)
    running.send('basic.consume', consume('', { consumerTag: 'g' }), 3)
    running.send('basic.consume', consume('desk', { consumerTag: 'gone' }), 4)
    running.channelClosed(4)
    running.tick()
    assert.equal(running.cancelled.length, 0)

    joe.renew(facts('joe.smith', { roles: [] }))
    running.tick()
    running.tick()

    assert.deepEqual(
      running.cancelled.map(({ channel, consumerTag }) => [channel, consumerTag]),
      [
        [1, 'amq.ctag-1'],
        [3, 'g'],
      ],
    )
    assert.match(running.cancelled[0]?.text ?? '', /read on queue 'desk' refused for 'joe.smith'/)
    assert.deepEqual(
      running.closed.map(({ channel }) => channel),
      [2],
    )
    assert.deepEqual(log.names(), ['permission.lost', 'permission.lost', 'permission.lost'])
    assertRefused(running.send('basic.consume', consume('desk')))
  })
})

describe('authorize: shadow mode', () => {
  it('writes down what it would refuse, and lets it through', () => {
    const log = new AuditLog()
    const joe = new FilterSession([authorizeFilter(policy([JOE], { enforce: false }).authorizer(facts()), log)])

    assertForwarded(joe.send('queue.declare', queueDeclare('payroll')))
    assertForwarded(joe.publish('payroll', 'k'))
    assertForwarded(joe.send('channel.flow', { active: false }))

    assert.deepEqual(log.names(), ['permission.would-refuse', 'permission.would-refuse', 'permission.would-refuse'])
    assert.deepEqual(
      log.events.map(({ method, name, what }) => [method, name ?? what]),
      [
        ['queue.declare', 'payroll'],
        ['basic.publish', 'payroll'],
        ['channel.flow', 'active=false'],
      ],
    )
  })

  it('refuses all the same where the event cannot be written and that is not to pass', () => {
    const log = new AuditLog('refuse')
    const joe = new FilterSession([authorizeFilter(policy([JOE], { enforce: false }).authorizer(facts()), log)])
    log.isBroken = true

    assertRefused(joe.send('queue.declare', queueDeclare('payroll')))
    assertForwarded(joe.send('queue.declare', queueDeclare(MINE)))
  })
})

describe('authorize: audit', () => {
  it('says who was refused what', () => {
    const log = new AuditLog()
    const joe = new FilterSession([authorizeFilter(authorizer(JOE), log)])

    joe.publish('orders', 'orders.jane.1', {}, { channel: 7 })

    assert.deepEqual(log.events, [
      {
        event: 'permission.refused',
        session: 's1',
        subject: 'joe.smith',
        issuer: 'https://idp.example.com',
        address: '203.0.113.7',
        user: 'webuser',
        vhost: '/',
        method: 'basic.publish',
        channel: 7,
        permission: 'write',
        kind: 'exchange',
        name: 'orders',
        routingKey: 'orders.jane.1',
      },
    ])
  })
})
