/** Every way around a permission that AMQP offers, tried against a live broker. What queues hold is the judge. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Channel } from 'amqplib'
import type { Arguments, FromClient } from '../../proxy/codec/spec.ts'
import type { Table } from '../../proxy/codec/table.ts'
import { basic } from '../support/door.ts'
import {
  consume,
  exchangeBind,
  exchangeDeclare,
  queueBind,
  queueDeclare,
  text,
  texts,
} from '../support/filter-session.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { type Closed, isClosed, RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

const PERMISSIONS = [
  {
    for: { role: 'trader' },
    configure: [{ queue: 'ui.${subject}.*' }, { queue: '' }, { exchange: 'ex.${subject}.*' }],
    write: [
      { queue: 'ui.${subject}.*' },
      { exchange: 'ex.${subject}.*' },
      { exchange: 'orders', routingKey: 'orders.${subject}.#' },
    ],
    read: [
      { queue: 'ui.${subject}.*' },
      { exchange: 'ex.${subject}.*' },
      { exchange: 'quotes', routingKey: 'quotes.#' },
      { exchange: 'news' },
    ],
  },
]

/** ada's own queue. */
const MINE = 'ui.ada.1'

describe('permissions: side doors', () => {
  let live: LiveGateway
  let judge: Channel
  let ada: RawClient
  let bob: RawClient

  before(async () => {
    live = await startLiveGateway({ service: { permissions: PERMISSIONS } })
    judge = await (await live.broker.judge()).createChannel()
    for (const [exchange, type] of [
      ['orders', 'topic'],
      ['quotes', 'topic'],
      ['news', 'headers'],
      ['payroll', 'fanout'],
    ] as const) {
      await judge.assertExchange(exchange, type)
    }
    for (const queue of ['secret', MINE, 'ui.ada.2', 'ui.bob.1']) await judge.assertQueue(queue)
    // Whatever reaches somebody else's keys, or payroll at all, is in `secret`.
    await judge.bindQueue('secret', 'orders', 'orders.bob.#')
    await judge.bindQueue('secret', 'payroll', '')
    ada = await RawClient.overWebSocket(live.url(), { authorization: basic('ada') })
    bob = await RawClient.overWebSocket(live.url(), { authorization: basic('bob') })
    await ada.openChannel(2)
    await ada.call('confirm.select', { noWait: false }, 'confirm.select-ok', 2)
  })

  after(async () => {
    ada.close()
    bob.close()
    await live.stop()
  })

  /** How many messages wait in the queue, after everything that ada sent has arrived there. */
  async function depth(queue: string): Promise<number> {
    ada.publish('', 'ui.ada.2', { channel: 2 })
    await ada.expect('basic.ack', 2)
    await judge.purgeQueue('ui.ada.2')
    return (await judge.checkQueue(queue)).messageCount
  }

  async function refused<M extends FromClient>(name: M, fields: Arguments<M>, code = 403): Promise<Closed> {
    ada.send(name, fields)
    return closedWith(await ada.verdict(), code)
  }

  function closedWith(verdict: Closed | 'open', code = 403): Closed {
    if (verdict === 'open') assert.fail('the channel was not closed')
    assert.equal(verdict.refused, 'channel.close')
    assert.equal(verdict.code, code)
    return verdict
  }

  async function refusedPublish(exchange: string, key: string, headers: Table = []): Promise<void> {
    ada.publish(exchange, key, headers.length === 0 ? {} : { properties: { headers } })
    closedWith(await ada.verdict())
    assert.equal(await depth('secret'), 0)
    assert.equal(await depth(MINE), 0)
  }

  it('B1 CC and BCC to the default exchange reach no other queue, and nothing reaches one’s own either', async () => {
    for (const key of ['CC', 'BCC']) {
      await refusedPublish('', MINE, [{ key, ...texts('secret') }])
      await refusedPublish('', MINE, [
        { key, ...texts('ui.ada.2') },
        { key, ...texts('secret') },
      ])
      await refusedPublish('', MINE, [
        { key, ...texts('secret') },
        { key, ...texts('ui.ada.2') },
      ])
      await refusedPublish('', MINE, [{ key, ...text('secret') }])
      await refusedPublish('', MINE, [{ key, type: 'A', value: [texts('secret')] }])
    }
  })

  it('B1 CC and BCC add no key that is not permitted', async () => {
    await refusedPublish('orders', 'orders.ada.new', [{ key: 'CC', ...texts('orders.bob.new') }])
    await refusedPublish('orders', 'orders.ada.new', [{ key: 'BCC', ...texts('orders.ada.x', 'orders.bob.new') }])
  })

  it('B1 CC and BCC work where every key is permitted', async () => {
    ada.publish('', MINE, { properties: { headers: [{ key: 'CC', ...texts(MINE, 'ui.ada.2') }] } })
    ada.publish('', MINE, { properties: { headers: [{ key: 'BCC', ...texts('ui.ada.2') }] } })

    assert.equal(await ada.verdict(), 'open')
    await until(async () => (await judge.checkQueue(MINE)).messageCount === 2)
    await judge.purgeQueue(MINE)
    await judge.purgeQueue('ui.ada.2')
  })

  it('B2 the default exchange reaches no queue one may not write', async () => {
    await refusedPublish('', 'secret')
  })

  it('B3 dead letters go nowhere one may not publish', async () => {
    const expiring = { key: 'x-message-ttl', type: 'I', value: 0 } as const
    const declare = (exchange: string, key?: string): Promise<Closed> =>
      refused(
        'queue.declare',
        queueDeclare('ui.ada.dead', {
          arguments: [
            expiring,
            { key: 'x-dead-letter-exchange', ...text(exchange) },
            ...(key === undefined ? [] : [{ key: 'x-dead-letter-routing-key', ...text(key) }]),
          ],
        }),
      )

    await declare('orders')
    await declare('orders', 'orders.bob.new')
    await declare('payroll')
    await declare('')
    await declare('', 'secret')

    assert.equal(await live.broker.queue('ui.ada.dead'), undefined)
  })

  it('B3 dead letters work where they are permitted', async () => {
    const declared = await ada.call(
      'queue.declare',
      queueDeclare('ui.ada.dead', {
        exclusive: true,
        arguments: [
          { key: 'x-message-ttl', type: 'I', value: 0 },
          { key: 'x-dead-letter-exchange', ...text('') },
          { key: 'x-dead-letter-routing-key', ...text(MINE) },
        ],
      }),
      'queue.declare-ok',
    )
    assert.ok(!isClosed(declared))

    ada.publish('', 'ui.ada.dead')

    await until(async () => (await judge.checkQueue(MINE)).messageCount === 1)
    await judge.purgeQueue(MINE)
    await ada.call(
      'queue.delete',
      { queue: 'ui.ada.dead', ifUnused: false, ifEmpty: false, noWait: false },
      'queue.delete-ok',
    )
  })

  it('B4 alternate exchanges are none one may not publish to with every key', async () => {
    for (const alternate of ['orders', 'payroll', '']) {
      await refused(
        'exchange.declare',
        exchangeDeclare('ex.ada.alt', { arguments: [{ key: 'alternate-exchange', ...text(alternate) }] }),
      )
    }

    assert.ok(
      isClosed(
        await ada.call(
          'exchange.delete',
          { exchange: 'payroll', ifUnused: false, noWait: false },
          'exchange.delete-ok',
        ),
      ),
    )
  })

  it('B5 exchanges are bound to none one may not publish to with every key, and from none one may not read', async () => {
    await ada.call('exchange.declare', exchangeDeclare('ex.ada.1'), 'exchange.declare-ok')
    await ada.call('exchange.declare', exchangeDeclare('ex.ada.2'), 'exchange.declare-ok')

    await refused('exchange.bind', exchangeBind('orders', 'ex.ada.1', '#'))
    await refused('exchange.bind', exchangeBind('orders', 'ex.ada.1', 'orders.ada.*'))
    await refused('exchange.bind', exchangeBind('payroll', 'ex.ada.1', 'orders.ada.x'))
    await refused('exchange.bind', exchangeBind('ex.ada.1', 'quotes', '#'))
    for (const [destination, source, key] of [
      ['ex.ada.2', 'ex.ada.1', 'orders.ada.*'],
      ['ex.ada.1', 'quotes', 'quotes.eu'],
    ] as const) {
      assert.ok(!isClosed(await ada.call('exchange.bind', exchangeBind(destination, source, key), 'exchange.bind-ok')))
    }

    ada.publish('ex.ada.1', 'orders.bob.new')
    assert.equal(await depth('secret'), 0)
    for (const exchange of ['ex.ada.1', 'ex.ada.2'])
      await ada.call('exchange.delete', { exchange, ifUnused: false, noWait: false }, 'exchange.delete-ok')
  })

  for (const [type, key] of [
    ['fanout', 'orders.ada.1'],
    ['headers', 'orders.ada.1'],
    ['topic', 'orders.ada.1'],
    ['topic', 'orders.ada.#'],
    ['direct', 'orders.ada.1'],
  ] as const) {
    it(`B45 no message goes through a ${type} exchange of one’s own under a key one may not publish, bound with ${key}`, async () => {
      await ada.call('exchange.declare', exchangeDeclare('ex.ada.way', { type }), 'exchange.declare-ok')

      await refused('exchange.bind', exchangeBind('orders', 'ex.ada.way', key))

      ada.publish('ex.ada.way', 'orders.bob.1')
      for (const name of ['CC', 'BCC'])
        ada.publish('ex.ada.way', 'orders.ada.1', {
          properties: { headers: [{ key: name, ...texts('orders.bob.1') }] },
        })
      assert.equal(await ada.verdict(), 'open')
      assert.equal(await depth('secret'), 0)
      await ada.call(
        'exchange.delete',
        { exchange: 'ex.ada.way', ifUnused: false, noWait: false },
        'exchange.delete-ok',
      )
    })
  }

  it('B6 wildcards receive no key outside the permission', async () => {
    for (const key of ['#', '*.#', '#.eu', '*', 'quotes']) {
      const outcome = await ada.call('queue.bind', queueBind(MINE, 'quotes', key), 'queue.bind-ok')
      assert.equal(isClosed(outcome), key !== 'quotes', key)
    }

    judge.publish('quotes', 'other.eu', Buffer.from('x'))

    assert.equal(await depth(MINE), 0)
    await judge.unbindQueue(MINE, 'quotes', 'quotes')
  })

  it('B7 a headers binding needs the whole exchange', async () => {
    const any = [
      { key: 'x-match', ...text('any') },
      { key: 'a', ...text('1') },
    ]

    await refused('queue.bind', queueBind(MINE, 'quotes', 'quotes.x', any))
    assert.ok(!isClosed(await ada.call('queue.bind', queueBind(MINE, 'news', '', any), 'queue.bind-ok')))
    await judge.unbindQueue(MINE, 'news', '', { 'x-match': 'any', a: '1' })
  })

  it('B8 names with control characters, which the broker would shorten, are refused', async () => {
    for (const name of ['sec\nret', 'ui.ada.1\r', 'ui.ada.\0']) {
      await refused('queue.declare', queueDeclare(name))
      await refused('queue.declare', queueDeclare(name, { passive: true }))
      await refused('queue.bind', queueBind(name, 'quotes', 'quotes.x'))
      await refused('queue.delete', { queue: name, ifUnused: false, ifEmpty: false, noWait: false })
      await refused('basic.consume', consume(name))
      await refused('basic.get', { queue: name, noAck: true })
      await refused('queue.purge', { queue: name, noWait: false })
    }
  })

  it('B12 the last declared queue is resolved before anything is decided', async () => {
    await ada.call('queue.declare', queueDeclare(MINE, { passive: true }), 'queue.declare-ok')
    judge.sendToQueue(MINE, Buffer.from('for ada'))
    await until(async () => (await judge.checkQueue(MINE)).messageCount === 1)

    const purged = await ada.call('queue.purge', { queue: '', noWait: false }, 'queue.purge-ok')

    assert.deepEqual(purged, { messageCount: 1 })
    await refused('queue.declare', queueDeclare('secret', { passive: true }))
    await refused('basic.consume', consume(''), 404)
  })

  it('B12 a pipelined use of a queue that has no name yet is refused', async () => {
    ada.send('queue.declare', queueDeclare(''))
    await refused('basic.consume', consume(''), 404)
  })

  it('B13 B14 a server-named queue belongs to its session', async () => {
    const declared = await ada.call('queue.declare', queueDeclare(''), 'queue.declare-ok')
    assert.ok(!isClosed(declared))
    const { queue } = declared
    assert.match(queue, /^amq\.gen-/)

    bob.send('basic.consume', consume(queue))
    closedWith(await bob.verdict())
    bob.send('queue.bind', queueBind(queue, 'quotes', 'quotes.x'))
    closedWith(await bob.verdict())
    bob.publish('', queue)
    closedWith(await bob.verdict())
    bob.send('queue.declare', queueDeclare(queue, { passive: true }))
    closedWith(await bob.verdict())

    assert.ok(!isClosed(await ada.call('queue.bind', queueBind('', 'quotes', 'quotes.x'), 'queue.bind-ok')))
    assert.ok(!isClosed(await ada.call('basic.consume', consume('', { noAck: true }), 'basic.consume-ok')))
    judge.publish('quotes', 'quotes.x', Buffer.from('for the owner'))
    await until(() => ada.bodies.includes('for the owner'))
    await refused('queue.declare', queueDeclare('', { exclusive: false }))
    await refused('queue.declare', queueDeclare('', { noWait: true }))
    await refused('queue.declare', queueDeclare('', { arguments: [{ key: 'x-name-prefix', ...text('secret') }] }))
  })

  it('B15 B16 what one may not know is told nothing of, whether it exists or not', async () => {
    const existing = await refused('queue.declare', queueDeclare('secret', { passive: true }))
    const absent = await refused('queue.declare', queueDeclare('absent', { passive: true }))
    const exchange = await refused('exchange.declare', exchangeDeclare('payroll', { passive: true }))

    assert.equal(existing.text.replace('secret', 'absent'), absent.text)
    for (const { text: said } of [existing, absent, exchange]) {
      assert.match(said, /'ada'$/)
      assert.doesNotMatch(said, /webuser/)
    }
  })

  it('B17 reading is not deleting, writing is not reading', async () => {
    judge.sendToQueue('secret', Buffer.from('kept'))
    await until(async () => (await judge.checkQueue('secret')).messageCount === 1)

    await refused('queue.purge', { queue: 'secret', noWait: false })
    await refused('queue.delete', { queue: 'secret', ifUnused: false, ifEmpty: false, noWait: false })
    await refused('basic.get', { queue: 'secret', noAck: true })
    await refused('basic.consume', consume('secret', { noAck: true }))
    await refused('queue.unbind', { queue: 'secret', exchange: 'orders', routingKey: 'orders.bob.#', arguments: [] })
    await refused('exchange.delete', { exchange: 'orders', ifUnused: false, noWait: false })

    assert.equal(await depth('secret'), 1)
    await judge.purgeQueue('secret')
  })

  it('B25 the broker’s own exchanges and names are out of reach', async () => {
    await refused('queue.bind', queueBind(MINE, 'amq.rabbitmq.trace', '#'))
    await refused('queue.declare', queueDeclare('amq.mine'))
    await refused('exchange.declare', exchangeDeclare('amq.mine'))
  })

  it('B27 arguments that are not allowed are refused, and nothing is declared', async () => {
    await refused(
      'queue.declare',
      queueDeclare('ui.ada.big', { arguments: [{ key: 'x-queue-leader-locator', ...text('x') }] }),
    )

    assert.equal(await live.broker.queue('ui.ada.big'), undefined)
  })
})
