import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IdentityLimits } from '../../../../../proxy/filters/limit/limit.ts'
import { assertForwarded, assertRefused } from '../../../../support/authorize.ts'
import { consume, exchangeDeclare, queueDeclare } from '../../../../support/filter-session.ts'
import { declared, Office } from '../../../../support/office.ts'

describe('limit: queues', () => {
  it('D17 are counted once each, until they are deleted', () => {
    const office = new Office({ queues: 2 })
    const session = office.session()
    for (const queue of ['a', 'b', 'a']) {
      assertForwarded(session.send('queue.declare', queueDeclare(queue)))
      declared(session, queue)
    }

    assertRefused(session.send('queue.declare', queueDeclare('c')), 'precondition-failed')
    assertForwarded(session.send('queue.declare', queueDeclare('c', { passive: true })))
    session.send('queue.delete', { queue: 'a', ifUnused: false, ifEmpty: false, noWait: false })
    session.receive('queue.delete-ok', { messageCount: 0 })
    assertForwarded(session.send('queue.declare', queueDeclare('c')))
  })

  it('D17 that could not be deleted still count', () => {
    const session = new Office({ queues: 1 }).session()
    session.send('queue.declare', queueDeclare('a'))
    declared(session, 'a')
    session.send('queue.delete', { queue: 'a', ifUnused: true, ifEmpty: false, noWait: false })
    session.channelFailed()
    assertRefused(session.send('queue.declare', queueDeclare('b')), 'precondition-failed')
    session.send('queue.delete', { queue: 'a', ifUnused: true, ifEmpty: false, noWait: true })
    session.channelFailed()
    assertRefused(session.send('queue.declare', queueDeclare('b')), 'precondition-failed')
    session.send('queue.delete', { queue: 'a', ifUnused: false, ifEmpty: false, noWait: true })
    assertRefused(session.send('queue.declare', queueDeclare('b')), 'precondition-failed')
    assert.equal(session.receive('queue.delete-ok', { messageCount: 0 }), false)
    assertForwarded(session.send('queue.declare', queueDeclare('b')))
  })

  it('D17 on their way count, too, also without an answer', () => {
    const office = new Office({ queues: 2 })
    const session = office.session()
    session.send('queue.declare', queueDeclare('a', { noWait: true }))
    session.send('queue.declare', queueDeclare(''))

    assertRefused(session.send('queue.declare', queueDeclare('')), 'precondition-failed')
    session.channelFailed()
    assertForwarded(session.send('queue.declare', queueDeclare('')))
  })

  it('D17 that end with their session are given back with it, others are not', () => {
    const office = new Office({ queues: 2 })
    const first = office.session()
    first.send('queue.declare', queueDeclare(''))
    declared(first, 'amq.gen-1')
    first.send('queue.declare', queueDeclare('durable'))
    declared(first, 'durable')
    first.end()
    const second = office.session()

    assertForwarded(second.send('queue.declare', queueDeclare('c')))
    declared(second, 'c')
    assertRefused(second.send('queue.declare', queueDeclare('d')), 'precondition-failed')
  })

  it('D17 on their way in one session are counted in the others', () => {
    const office = new Office({ queues: 1 })
    office.session().send('queue.declare', queueDeclare('a'))

    assertRefused(office.session().send('queue.declare', queueDeclare('b')), 'precondition-failed')
  })

  it('D17 without a name and without an answer are counted, too', () => {
    const session = new Office({ queues: 1 }).session()
    assertForwarded(session.send('queue.declare', queueDeclare('', { noWait: true })))
    assert.equal(session.receive('queue.declare-ok', { queue: 'amq.gen-1', messageCount: 0, consumerCount: 0 }), false)

    assertRefused(session.send('queue.declare', queueDeclare('')), 'precondition-failed')
    session.send('queue.delete', { queue: '', ifUnused: false, ifEmpty: false, noWait: false })
    session.receive('queue.delete-ok', { messageCount: 0 })
    assertForwarded(session.send('queue.declare', queueDeclare('')))
  })

  describe('that are auto-delete', () => {
    const DECLARE = queueDeclare('a', { autoDelete: true })

    it('D17 outlive a session in which nobody read them', () => {
      const office = new Office({ queues: 1 })
      const first = office.session()
      first.send('queue.declare', DECLARE)
      declared(first, 'a')
      first.end()

      assertRefused(office.session().send('queue.declare', queueDeclare('b')), 'precondition-failed')
    })

    it('D17 are given back with the last of their consumers, whosever it is', () => {
      const office = new Office({ queues: 1 })
      const [joe, jane] = [office.session(), office.session('jane')]
      joe.send('queue.declare', DECLARE)
      declared(joe, 'a')
      for (const session of [joe, jane]) {
        session.send('basic.consume', consume('a', { consumerTag: 'c' }))
        session.receive('basic.consume-ok', { consumerTag: 'c' })
      }
      joe.send('basic.cancel', { consumerTag: 'c', noWait: false })
      joe.receive('basic.cancel-ok', { consumerTag: 'c' })
      assertRefused(joe.send('queue.declare', queueDeclare('b')), 'precondition-failed')

      jane.end()

      assertForwarded(joe.send('queue.declare', queueDeclare('b')))
    })

    it('D17 are not given back by a consumer that the broker refused', () => {
      const session = new Office({ queues: 1 }).session()
      session.send('queue.declare', DECLARE)
      declared(session, 'a')
      session.send('basic.consume', consume('a', { noWait: true }), 2)
      session.channelFailed(2)

      assertRefused(session.send('queue.declare', queueDeclare('b')), 'precondition-failed')
    })
  })

  it('of the same name in two vhosts are two', () => {
    const office = new Office({ queues: 1 })
    const session = office.session()
    session.send('queue.declare', queueDeclare('a'))
    declared(session, 'a')

    assertRefused(office.session('joe.smith', 'other').send('queue.declare', queueDeclare('a')), 'precondition-failed')
  })
})

describe('limit: exchanges', () => {
  it('D17 are counted until the broker has deleted them; what it has from the start is not', () => {
    const office = new Office({ exchanges: 1 })
    const session = office.session()
    session.send('exchange.declare', exchangeDeclare('amq.topic'))
    session.receive('exchange.declare-ok', {})
    session.send('exchange.declare', exchangeDeclare('x'))
    session.receive('exchange.declare-ok', {})

    assertRefused(session.send('exchange.declare', exchangeDeclare('y')), 'precondition-failed')
    assertForwarded(session.send('exchange.declare', exchangeDeclare('y', { passive: true })))
    session.send('exchange.delete', { exchange: 'x', ifUnused: true, noWait: true })
    session.channelFailed()
    session.end()
    const second = office.session()
    assertRefused(second.send('exchange.declare', exchangeDeclare('y')), 'precondition-failed')
    second.send('exchange.delete', { exchange: 'x', ifUnused: false, noWait: false })
    second.receive('exchange.delete-ok', {})
    assertForwarded(second.send('exchange.declare', exchangeDeclare('y')))
  })
})

describe('limit: filters that are exchanged', () => {
  const LIMITS: IdentityLimits = { channels: 2, consumers: 2, queues: 2, exchanges: 2, unacked: 10 }

  it('lose no count and double none, also of what the old ones did not count', () => {
    for (const before of [LIMITS, {}]) {
      const office = new Office(LIMITS)
      const session = office.session('joe.smith', '/', before)
      session.send('channel.open', {}, 1)
      session.send('basic.consume', consume('q'))
      session.send('queue.declare', queueDeclare('q', { exclusive: true }))
      declared(session, 'q')
      session.send('exchange.declare', exchangeDeclare('x'))

      for (let round = 0; round < 3; round += 1) session.exchange(office.filters(LIMITS))

      assertForwarded(session.send('channel.open', {}, 2))
      assertForwarded(session.send('basic.consume', consume('q')))
      assertForwarded(session.send('queue.declare', queueDeclare('r')))
      assertForwarded(session.send('exchange.declare', exchangeDeclare('y')))
      assertRefused(session.send('channel.open', {}, 3), 'precondition-failed')
      assertRefused(session.send('basic.consume', consume('q')), 'precondition-failed')
      assertRefused(session.send('queue.declare', queueDeclare('s')), 'precondition-failed')
      assertRefused(session.send('exchange.declare', exchangeDeclare('z')), 'precondition-failed')
      session.end()
      const usage = office.usages.enter(JSON.stringify(['i', 'joe.smith']), office.nowMs)
      assert.deepEqual([usage.users, usage.channels, usage.consumers], [1, 0, 0])
      assert.deepEqual([usage.queues.size, usage.exchanges.size], [1, 2], 'the exclusive queue went with the session')
    }
  })

  it('D19 keep the answer to a request of the old ones’ own from the client, and ask again for a lower limit', () => {
    const office = new Office({ unacked: 10 })
    const session = office.session()
    session.send('basic.consume', consume('q'))

    session.exchange(office.filters({ unacked: 5 }))

    assert.equal(session.receive('basic.qos-ok', {}), false)
    session.send('basic.consume', consume('q'))
    assert.equal(session.sentToBroker.length, 2)
  })
})
