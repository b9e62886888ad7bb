import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AUDIT_COMMON, AUDIT_EVENTS, AUDIT_FIELDS } from '../../../../../proxy/audit.ts'
import { authorizeFilter } from '../../../../../proxy/filters/authorize/authorize.ts'
import { type AuditInclude, observeFilters } from '../../../../../proxy/filters/observe/observe.ts'
import { EXCHANGES_MAX } from '../../../../../proxy/filters/observe/publishes.ts'
import { assertForwarded, assertRefused, JOE, MINE } from '../../../../support/authorize.ts'
import {
  AuditLog,
  consume,
  exchangeBind,
  exchangeDeclare,
  FilterSession,
  queueBind,
  queueDeclare,
} from '../../../../support/filter-session.ts'
import { authorizer } from '../../../../support/policy.ts'

const ALL: readonly AuditInclude[] = ['declare', 'bind', 'delete', 'consume', 'publish']

function observed(log: AuditLog, include = ALL, now?: () => number): FilterSession {
  return new FilterSession(observeFilters({ include, sink: log, ...(now === undefined ? {} : { now }) }))
}

/** The events without what all of them have. */
function details(log: AuditLog): Record<string, unknown>[] {
  return log.events.map((event) =>
    Object.fromEntries(Object.entries(event).filter(([field]) => !(field in AUDIT_COMMON) || field === 'event')),
  )
}

describe('observeFilters', () => {
  it('are none where nothing is wanted', () => {
    assert.deepEqual(observeFilters({ include: [], sink: new AuditLog() }), [])
  })

  it('write one event for each method, with the names in it', () => {
    const log = new AuditLog()
    const joe = observed(log)

    joe.send('exchange.declare', exchangeDeclare('x', { passive: true }))
    joe.send('queue.declare', queueDeclare('q'))
    joe.send('queue.bind', queueBind('', 'x', 'k'))
    joe.send('queue.unbind', { queue: 'q', exchange: 'x', routingKey: 'k', arguments: [] })
    joe.send('exchange.bind', exchangeBind('d', 's', 'k'))
    joe.send('exchange.unbind', exchangeBind('d', 's', 'k'))
    joe.send('basic.consume', consume('q', { consumerTag: 'c' }), 2)
    joe.send('basic.cancel', { consumerTag: 'c', noWait: true }, 2)
    joe.send('basic.get', { queue: 'q', noAck: true })
    joe.send('basic.get', { queue: 'q', noAck: true })
    joe.send('queue.purge', { queue: 'q', noWait: true })
    joe.send('queue.delete', { queue: 'q', ifUnused: false, ifEmpty: false, noWait: true })
    joe.send('exchange.delete', { exchange: 'x', ifUnused: false, noWait: true })

    assert.deepEqual(details(log), [
      { event: 'exchange.declare', channel: 1, exchange: 'x', passive: true },
      { event: 'queue.declare', channel: 1, queue: 'q', passive: false },
      { event: 'queue.bind', channel: 1, queue: 'q', exchange: 'x', routingKey: 'k' },
      { event: 'queue.unbind', channel: 1, queue: 'q', exchange: 'x', routingKey: 'k' },
      { event: 'exchange.bind', channel: 1, destination: 'd', exchange: 's', routingKey: 'k' },
      { event: 'exchange.unbind', channel: 1, destination: 'd', exchange: 's', routingKey: 'k' },
      { event: 'basic.consume', channel: 2, queue: 'q', consumerTag: 'c' },
      { event: 'basic.cancel', channel: 2, consumerTag: 'c' },
      { event: 'basic.get', channel: 1, queue: 'q' },
      { event: 'queue.purge', channel: 1, queue: 'q' },
      { event: 'queue.delete', channel: 1, queue: 'q' },
      { event: 'exchange.delete', channel: 1, exchange: 'x' },
    ])
  })

  it('have no field that is not documented, and no event', () => {
    const log = new AuditLog()
    const joe = observed(log)
    joe.send('queue.declare', queueDeclare('q'))
    joe.send('basic.consume', consume('q'))
    joe.publish('x', 'k')
    joe.end()

    for (const event of log.events) {
      const { fields } = AUDIT_EVENTS[event.event]
      for (const field of Object.keys(event)) {
        assert.ok(field in AUDIT_COMMON || (fields as readonly string[]).includes(field), `${field} of ${event.event}`)
      }
    }
    for (const { fields } of Object.values(AUDIT_EVENTS))
      for (const field of fields) assert.ok(field in AUDIT_FIELDS, field)
  })

  it('write only the groups that are wanted', () => {
    const log = new AuditLog()
    const joe = observed(log, ['bind'])

    joe.send('queue.declare', queueDeclare(''))
    joe.receive('queue.declare-ok', { queue: 'amq.gen-1', messageCount: 0, consumerCount: 0 })
    joe.send('queue.bind', queueBind('', 'x', 'k'))
    joe.publish('x', 'k')
    joe.end()

    assert.deepEqual(details(log), [
      { event: 'queue.bind', channel: 1, queue: 'amq.gen-1', exchange: 'x', routingKey: 'k' },
    ])
  })

  it('say which queue the broker named', () => {
    const log = new AuditLog()
    const joe = observed(log, ['declare'])

    joe.send('queue.declare', queueDeclare(''))
    joe.receive('queue.declare-ok', { queue: 'amq.gen-1', messageCount: 0, consumerCount: 0 })

    assert.deepEqual(log.names(), ['queue.declare', 'queue.named'])
    assert.equal(log.events[1]?.queue, 'amq.gen-1')
  })

  it('do not see what another filter refused', () => {
    const log = new AuditLog()
    const joe = new FilterSession([
      authorizeFilter(authorizer(JOE), new AuditLog()),
      ...observeFilters({ include: ALL, sink: log }),
    ])

    assertRefused(joe.send('queue.declare', queueDeclare('payroll')))
    assertRefused(joe.publish('payroll', 'k'))
    assertForwarded(joe.send('queue.declare', queueDeclare(MINE)))
    assertForwarded(joe.send('basic.consume', consume('')))
    joe.end()

    assert.deepEqual(log.names(), ['queue.declare', 'basic.consume'])
    assert.equal(log.events[1]?.queue, MINE)
  })
})

describe('observeFilters: publishes', () => {
  it('are counted for each exchange, and written once a minute and at the end', () => {
    let nowMs = 0
    const log = new AuditLog()
    const joe = observed(log, ['publish'], () => nowMs)
    joe.publish('orders', 'a', {}, { bodyBytes: 10 })
    joe.publish('orders', 'b', {}, { bodyBytes: 5 })
    joe.publish('order', 'b', {}, { bodyBytes: 1 })
    joe.publish('orders', 'b', {}, { bodyBytes: 5 })
    nowMs = 59_999
    joe.tick()
    assert.deepEqual(log.names(), [])

    nowMs = 60_000
    joe.tick()
    joe.publish('', 'q')
    joe.end()

    assert.deepEqual(details(log), [
      { event: 'publish.counted', exchange: 'orders', messages: 3, bytes: 20 },
      { event: 'publish.counted', exchange: 'order', messages: 1, bytes: 1 },
      { event: 'publish.counted', exchange: '', messages: 1, bytes: 0 },
    ])
  })

  it('to more exchanges than are counted apart are counted together', () => {
    const log = new AuditLog()
    const joe = observed(log, ['publish'])
    for (let n = 0; n < EXCHANGES_MAX + 5; n += 1) joe.publish(`x${n}`, 'k')

    joe.end()

    assert.equal(log.events.length, EXCHANGES_MAX + 1)
    assert.deepEqual([log.events.at(-1)?.exchange, log.events.at(-1)?.messages], ['*', 5])
  })
})

describe('observeFilters: a sink that fails', () => {
  it('R30 refuses what cannot be written where that is wanted', () => {
    const log = new AuditLog('refuse')
    const joe = observed(log)
    log.isBroken = true

    assertRefused(joe.send('queue.declare', queueDeclare('q')))
    assertForwarded(joe.send('basic.qos', { prefetchSize: 0, prefetchCount: 1, global: false }))

    log.isBroken = false
    assertForwarded(joe.send('queue.declare', queueDeclare('q')))
  })

  it('R30 goes on where that is wanted', () => {
    const log = new AuditLog('count')
    const joe = observed(log)
    log.isBroken = true

    assertForwarded(joe.send('queue.declare', queueDeclare('q')))
    assertForwarded(joe.publish('x', 'k'))
  })

  it('R30 lets nobody publish while counts cannot be written, and loses none of them', () => {
    let nowMs = 0
    const log = new AuditLog('refuse')
    const joe = observed(log, ['publish'], () => nowMs)
    joe.publish('x', 'k')
    log.isBroken = true
    nowMs = 60_000
    joe.tick()
    assertRefused(joe.publish('x', 'k'))

    log.isBroken = false
    nowMs = 61_000
    joe.tick()

    assertForwarded(joe.publish('x', 'k'))
    assert.deepEqual(details(log), [{ event: 'publish.counted', exchange: 'x', messages: 1, bytes: 0 }])
  })
})
