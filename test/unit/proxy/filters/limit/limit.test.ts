import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeMethod } from '../../../../../proxy/codec/method.ts'
import { limitFilters, Usages } from '../../../../../proxy/filters/limit/limit.ts'
import { assertForwarded, assertRefused } from '../../../../support/authorize.ts'
import { AuditLog, consume } from '../../../../support/filter-session.ts'
import { Office } from '../../../../support/office.ts'

describe('limit: nothing', () => {
  it('is no filter', () => {
    assert.deepEqual(limitFilters({ limits: {}, usages: new Usages(), sink: new AuditLog() }), [])
  })
})

describe('limit: channels', () => {
  it('D11 are counted over all sessions of one identity, and given back when closed', () => {
    const office = new Office({ channels: 2 })
    const [a, b] = [office.session(), office.session()]
    assertForwarded(a.send('channel.open', {}, 1))
    assertForwarded(b.send('channel.open', {}, 1))

    const refused = assertRefused(a.send('channel.open', {}, 2), 'precondition-failed')

    assert.match(refused, /no more than 2 channels for 'joe.smith'/)
    b.channelClosed(1)
    assertForwarded(a.send('channel.open', {}, 2))
    assert.deepEqual(office.log.events[0]?.limit, 'channels')
  })

  it('are given back when the session ends', () => {
    const office = new Office({ channels: 1 })
    const first = office.session()
    first.send('channel.open', {}, 1)
    first.end()

    assertForwarded(office.session().send('channel.open', {}, 1))
  })

  it('of one identity are nobody else’s', () => {
    const office = new Office({ channels: 1 })
    office.session().send('channel.open', {}, 1)

    assertForwarded(office.session('jane').send('channel.open', {}, 1))
  })
})

describe('limit: consumers', () => {
  it('are counted over all sessions, and given back when cancelled by either side or closed', () => {
    const office = new Office({ consumers: 2 })
    const [a, b] = [office.session(), office.session()]
    assertForwarded(a.send('basic.consume', consume('q', { consumerTag: 'c' })))
    assertForwarded(b.send('basic.consume', consume('q')))
    assertRefused(a.send('basic.consume', consume('q', { consumerTag: 'd' })), 'precondition-failed')

    a.receive('basic.consume-ok', { consumerTag: 'c' })
    a.send('basic.cancel', { consumerTag: 'nobody', noWait: false })
    a.receive('basic.cancel-ok', { consumerTag: 'nobody' })
    assertRefused(a.send('basic.consume', consume('q', { consumerTag: 'd' })), 'precondition-failed')
    a.send('basic.cancel', { consumerTag: 'c', noWait: false })
    assertRefused(a.send('basic.consume', consume('q', { consumerTag: 'd' })), 'precondition-failed')
    a.receive('basic.cancel-ok', { consumerTag: 'c' })
    assertForwarded(a.send('basic.consume', consume('q', { consumerTag: 'd' })))
    a.receive('basic.consume-ok', { consumerTag: 'd' })
    a.receive('basic.cancel', { consumerTag: 'd', noWait: true })
    assertForwarded(a.send('basic.consume', consume('q', { consumerTag: 'e' })))
    b.channelClosed()
    assertForwarded(a.send('basic.consume', consume('q', { consumerTag: 'f' })))
  })

  it('whose tag the broker chose are given back by that tag', () => {
    const office = new Office({ consumers: 1 })
    const session = office.session()
    session.send('basic.consume', consume('q'))
    session.receive('basic.consume-ok', { consumerTag: 'amq.ctag-1' })

    session.send('basic.cancel', { consumerTag: 'amq.ctag-1', noWait: false })
    session.receive('basic.cancel-ok', { consumerTag: 'amq.ctag-1' })

    assertForwarded(session.send('basic.consume', consume('q')))
  })

  it('are given back when the session ends', () => {
    const office = new Office({ consumers: 1 })
    const first = office.session()
    first.send('basic.consume', consume('q'))
    first.end()

    assertForwarded(office.session().send('basic.consume', consume('q')))
  })
})

describe('limit: unacknowledged deliveries', () => {
  const qos = (prefetchCount: number, global = false) => ({ prefetchSize: 0, prefetchCount, global })

  it('D19 clamps a prefetch count above the limit, and one without a limit', () => {
    const session = new Office({ unacked: 100 }).session()
    const sent = (count: number): number | undefined => {
      const outcome = session.send('basic.qos', qos(count))
      return outcome.kind === 'forwarded' ? (outcome.rewritten?.prefetchCount ?? count) : undefined
    }

    assert.deepEqual([0, 1, 100, 101, 65_535].map(sent), [100, 1, 100, 100, 100])
  })

  it('D19 sets one before the first consumer of a channel that has none, and keeps its answer to itself', () => {
    const session = new Office({ unacked: 100 }).session()

    assertForwarded(session.send('basic.consume', consume('q', { consumerTag: 'a' })))
    assertForwarded(session.send('basic.consume', consume('q', { consumerTag: 'b' })))

    assert.equal(session.sentToBroker.length, 1)
    const [frame] = session.sentToBroker
    assert.deepEqual(decodeMethod('basic.qos', frame ?? Buffer.alloc(0), 11, (frame?.length ?? 0) - 1), qos(100))
    session.send('basic.qos', qos(5))
    assert.equal(session.receive('basic.qos-ok', {}), false)
    assert.equal(session.receive('basic.qos-ok', {}), true)
  })

  it('does not set one where the client has', () => {
    const session = new Office({ unacked: 100 }).session()
    session.send('basic.qos', qos(5))

    session.send('basic.consume', consume('q'))

    assert.equal(session.sentToBroker.length, 0)
    assert.equal(session.receive('basic.qos-ok', {}), true)
  })

  it('sets one again on a channel that was closed in between', () => {
    const session = new Office({ unacked: 100 }).session()
    session.send('basic.qos', qos(5))
    session.channelClosed()

    session.send('basic.consume', consume('q'))

    assert.equal(session.sentToBroker.length, 1)
  })
})

describe('limit: publish rates', () => {
  it('lets a burst of one second pass, then stops reading for as long as it takes, and drops nothing', () => {
    const office = new Office({ publishesPerSecond: 10 })
    const session = office.session()
    for (let n = 0; n < 10; n += 1) assertForwarded(session.publish('x', 'k'))
    assert.deepEqual(session.pausedMs, [])

    assertForwarded(session.publish('x', 'k'))
    assertForwarded(session.publish('x', 'k'))

    assert.deepEqual(session.pausedMs, [100, 200])
    office.nowMs += 200
    assertForwarded(session.publish('x', 'k'))
    assert.deepEqual(session.pausedMs, [100, 200, 100])
  })

  it('stops reading again where a timer came early', () => {
    const office = new Office({ publishesPerSecond: 10 })
    const session = office.session()
    for (let n = 0; n < 11; n += 1) session.publish('x', 'k')
    office.nowMs += 99

    for (let n = 0; n < 50; n += 1) session.publish('x', 'k')

    assert.equal(session.pausedMs.length, 51)
  })

  it('counts bytes of bodies likewise', () => {
    const session = new Office({ publishBytesPerSecond: 1000 }).session()

    assertForwarded(session.publish('x', 'k', {}, { bodyBytes: 5000 }))

    assert.deepEqual(session.pausedMs, [4000])
  })

  it('is shared by all sessions of one identity, and survives connecting again', () => {
    const office = new Office({ publishesPerSecond: 1 })
    const first = office.session()
    first.publish('x', 'k')
    first.end()
    const second = office.session()

    second.publish('x', 'k')

    assert.deepEqual(second.pausedMs, [1000])
  })

  it('is written down once in a while', () => {
    const office = new Office({ publishesPerSecond: 1 })
    const session = office.session()
    for (let n = 0; n < 3; n += 1) {
      session.publish('x', 'k')
      office.nowMs += 1
    }

    session.tick()
    session.tick()

    assert.deepEqual(
      office.log.events.map(({ event, limit, pausedMs }) => [event, limit, pausedMs]),
      [['limit.paused', 'publishesPerSecond', 1999]],
    )
  })
})

describe('Usages', () => {
  it('D27 forgets identities a minute after their last session', () => {
    const usages = new Usages()
    for (let n = 0; n < 1000; n += 1) usages.leave(usages.enter(`joe${n}`, 0), 0)
    const staying = usages.enter('jane', 0)

    assert.equal(usages.enter('john', 120_000).users, 1)

    assert.equal(usages.size, 2)
    assert.equal(usages.enter('jane', 120_001), staying)
  })
})
