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
    const silent = running.send('basic.consume', consume('desk', { consumerTag: '', noWait: true }), 2)
    const given = silent.kind === 'forwarded' ? silent.rewritten?.consumerTag : undefined
    running.send('basic.consume', consume('desk'), 5)
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
        [2, given],
        [3, 'g'],
      ],
    )
    assert.match(running.cancelled[0]?.text ?? '', /read on queue 'desk' refused for 'joe.smith'/)
    assert.deepEqual(
      running.closed.map(({ channel }) => channel),
      [5],
      'whose tag nobody knows yet',
    )
    assert.deepEqual(log.names(), Array(4).fill('permission.lost'))
    assertRefused(running.send('basic.consume', consume('desk')))
  })
})

describe('authorize: consumers whose answers cross', () => {
  const TRADER = [{ read: [{ queue: 'own' }] }, { role: 'trader', read: [{ queue: 'secret' }] }]

  /** What is cancelled or closed when the role is gone. */
  function lost(act: (joe: FilterSession) => void): string[] {
    const joe = policy(TRADER).authorizer(facts())
    const session = new FilterSession([authorizeFilter(joe, new AuditLog())])
    act(session)
    joe.renew(facts('joe.smith', { roles: [] }))
    session.tick()
    return session.cancelled.map(({ consumerTag }) => consumerTag)
  }

  it('B36 a tag is cancelled and another consumer asked for before the first answer is there', () => {
    assert.deepEqual(
      lost((joe) => {
        joe.send('basic.consume', consume('own', { consumerTag: 't' }))
        joe.send('basic.cancel', { consumerTag: 't', noWait: false })
        joe.send('basic.consume', consume('secret'))
        joe.receive('basic.consume-ok', { consumerTag: 't' })
        joe.receive('basic.cancel-ok', { consumerTag: 't' })
        joe.receive('basic.consume-ok', { consumerTag: 'amq.ctag-1' })
      }),
      ['amq.ctag-1'],
    )
  })

  it('B36 a tag is used again for another queue', () => {
    assert.deepEqual(
      lost((joe) => {
        joe.send('basic.consume', consume('own', { consumerTag: 't' }))
        joe.receive('basic.consume-ok', { consumerTag: 't' })
        joe.send('basic.cancel', { consumerTag: 't', noWait: true })
        assertForwarded(joe.send('basic.consume', consume('secret', { consumerTag: 't' })))
        assert.equal(joe.receive('basic.cancel-ok', { consumerTag: 't' }), false, 'nobody asked for this answer')
        joe.receive('basic.consume-ok', { consumerTag: 't' })
      }),
      ['t'],
    )
  })

  it('B36 the broker cancels by itself while the client cancels, and uses the tag again', () => {
    assert.deepEqual(
      lost((joe) => {
        joe.send('basic.consume', consume('own', { consumerTag: 't' }))
        joe.receive('basic.consume-ok', { consumerTag: 't' })
        joe.send('basic.cancel', { consumerTag: 't', noWait: false })
        joe.send('basic.consume', consume('secret', { consumerTag: 't' }))
        joe.receive('basic.cancel', { consumerTag: 't', noWait: true })
        joe.receive('basic.cancel-ok', { consumerTag: 't' })
        joe.receive('basic.consume-ok', { consumerTag: 't' })
      }),
      ['t'],
    )
  })
})

describe('authorize: filters that are exchanged', () => {
  it('B36 end what the new ones would not have let begin, also where there were none', () => {
    const log = new AuditLog()
    const session = new FilterSession([])
    session.send('basic.consume', consume('own', { consumerTag: 'o' }))
    session.receive('basic.consume-ok', { consumerTag: 'o' })
    session.send('queue.declare', queueDeclare('secret'))
    session.send('basic.consume', consume('', { consumerTag: 's' }))

    session.exchange([authorizeFilter(authorizer({ read: [{ queue: 'own' }] }), log)])

    assert.deepEqual(
      session.cancelled.map(({ consumerTag }) => consumerTag),
      ['s'],
    )
    assert.deepEqual(
      log.events.map(({ event, queue }) => [event, queue]),
      [['permission.lost', 'secret']],
    )
  })

  it('go on with the queues that the broker named, and with the addresses that were delivered', () => {
    const rules = { configure: [{ queue: '' }], read: [] }
    const session = new FilterSession([authorizeFilter(authorizer(rules), new AuditLog())])
    session.send('queue.declare', queueDeclare(''))
    session.deliver({ replyTo: 'amq.rabbitmq.reply-to.x' })
    session.exchange([authorizeFilter(authorizer(rules), new AuditLog())])
    session.receive('queue.declare-ok', { queue: 'amq.gen-1', messageCount: 0, consumerCount: 0 })

    assertForwarded(session.send('basic.consume', consume('amq.gen-1')))
    assertForwarded(session.publish('', 'amq.rabbitmq.reply-to.x'))
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
