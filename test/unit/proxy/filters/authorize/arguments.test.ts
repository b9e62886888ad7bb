import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertForwarded, assertRefused, authorized, JOE, MINE } from '../../../../support/authorize.ts'
import {
  consume,
  exchangeBind,
  exchangeDeclare,
  type FilterSession,
  type Outcome,
  queueBind,
  queueDeclare,
  text,
} from '../../../../support/filter-session.ts'

describe('authorize: arguments that pass authority on', () => {
  const declare = (joe: FilterSession, ...args: { key: string; type: 'S'; value: Buffer }[]): Outcome<unknown> =>
    joe.send('queue.declare', queueDeclare(MINE, { arguments: args }))
  const dlx = (name: string): { key: string; type: 'S'; value: Buffer } => ({
    key: 'x-dead-letter-exchange',
    ...text(name),
  })
  const dlk = (key: string): { key: string; type: 'S'; value: Buffer } => ({
    key: 'x-dead-letter-routing-key',
    ...text(key),
  })

  it('B3 dead letters need write on their exchange for their key', () => {
    assertForwarded(declare(authorized(), dlx('orders'), dlk('orders.joe%2Esmith.dead')))
    assert.match(
      assertRefused(declare(authorized(), dlx('orders'), dlk('orders.jane.1'))),
      /write on exchange 'orders' for routing key 'orders.jane.1'/,
    )
    assert.match(assertRefused(declare(authorized(), dlx('orders'))), /for routing key '#'/)
    assertForwarded(declare(authorized(), dlx('open')))
    assertRefused(declare(authorized(), dlx('payroll'), dlk('x')))
  })

  it('B3 dead letters to the default exchange need write on the queue that their key names', () => {
    assertForwarded(declare(authorized(), dlx(''), dlk('ui.joe%2Esmith.2')))
    assertRefused(declare(authorized(), dlx(''), dlk('ui.jane.1')))
    assertRefused(declare(authorized(), dlx('')))
    assertRefused(declare(authorized({ ...JOE, write: [{ queue: '*' }] }), dlx('')))
  })

  it('B3 dead letters need read on the queue', () => {
    const joe = authorized({ configure: [{ queue: MINE }], write: [{ exchange: 'open' }] })

    assert.match(assertRefused(declare(joe, dlx('open'))), /read on queue/)
  })

  it('B3 a key for dead letters that is no string, and arguments given twice, are refused', () => {
    const joe = authorized()

    assertRefused(joe.send('queue.declare', queueDeclare(MINE, { arguments: [dlx('open'), dlx('payroll')] })))
    assertRefused(
      joe.send(
        'queue.declare',
        queueDeclare(MINE, { arguments: [{ key: 'x-dead-letter-exchange', type: 'x', value: Buffer.from('open') }] }),
      ),
    )
    assertRefused(
      declare(joe, dlx('open'), { key: 'x-dead-letter-routing-key', type: 'S', value: Buffer.from([0xff]) }),
    )
    assertRefused(declare(joe, dlx('op\nen')))
  })

  it('B4 alternate exchanges need write on them for every key, and read on the declared one', () => {
    const alternate = (name: string): ReturnType<typeof exchangeDeclare> =>
      exchangeDeclare('ex.joe%2Esmith.1', { arguments: [{ key: 'alternate-exchange', ...text(name) }] })

    assertForwarded(authorized().send('exchange.declare', alternate('open')))
    assertRefused(authorized().send('exchange.declare', alternate('orders')))
    assertRefused(authorized().send('exchange.declare', alternate('')))
    assertRefused(authorized({ ...JOE, read: [] }).send('exchange.declare', alternate('open')))
    assertRefused(
      authorized().send(
        'exchange.declare',
        exchangeDeclare('ex.joe%2Esmith.1', { arguments: [{ key: 'alternate-exchange', type: 't', value: true }] }),
      ),
    )
  })

  it('B27 B28 D16 arguments that nobody allowed are refused', () => {
    const argument = { key: 'x-queue-leader-locator', ...text('balanced') }

    assert.match(assertRefused(declare(authorized(), argument)), /argument 'x-queue-leader-locator'/)
    assertRefused(
      authorized().send('basic.consume', consume(MINE, { arguments: [{ key: 'x-priority', type: 'I', value: 9 }] })),
    )
    assertRefused(
      authorized().send(
        'exchange.declare',
        exchangeDeclare('ex.joe%2Esmith.1', { arguments: [{ key: 'x-delayed-type', ...text('topic') }] }),
      ),
    )
  })

  it('B27 caps are added where the client has none, and kept to where it has', () => {
    const capped = (): FilterSession =>
      authorized({ ...JOE, arguments: { 'x-max-length': { max: 10, inject: true }, 'x-message-ttl': true } })
    const ttl = { key: 'x-message-ttl', type: 'I', value: 5 } as const

    const without = capped().send('queue.declare', queueDeclare(MINE, { arguments: [ttl] }))
    const within = capped().send(
      'queue.declare',
      queueDeclare(MINE, { arguments: [{ key: 'x-max-length', type: 'I', value: 3 }] }),
    )
    const above = capped().send(
      'queue.declare',
      queueDeclare(MINE, { arguments: [{ key: 'x-max-length', type: 'I', value: 11 }] }),
    )

    assert.ok(without.kind === 'forwarded')
    assert.deepEqual(without.rewritten?.arguments, [ttl, { key: 'x-max-length', type: 'l', value: 10n }])
    assert.deepEqual(within, { kind: 'forwarded', rewritten: undefined })
    assertRefused(above)
  })
})

describe('authorize: bindings', () => {
  it('B6 only what the rule contains', () => {
    assertForwarded(authorized().send('queue.bind', queueBind(MINE, 'quotes', 'quotes.eu.*')))
    for (const key of ['#', '*.eu', '*.#', 'orders.x', '']) {
      assertRefused(authorized().send('queue.bind', queueBind(MINE, 'quotes', key)))
      assertRefused(
        authorized().send('queue.unbind', { queue: MINE, exchange: 'quotes', routingKey: key, arguments: [] }),
      )
    }
  })

  it('B5 exchanges: write on the destination for every key, and read on the source for the key', () => {
    const joe = (): FilterSession =>
      authorized({ write: [{ exchange: 'dst' }], read: [{ exchange: 'src', routingKey: 'a.#' }] })

    assertForwarded(joe().send('exchange.bind', exchangeBind('dst', 'src', 'a.b')))
    assertForwarded(joe().send('exchange.unbind', exchangeBind('dst', 'src', 'a.b')))
    for (const method of ['exchange.bind', 'exchange.unbind'] as const) {
      assert.match(assertRefused(joe().send(method, exchangeBind('dst', 'src', '#'))), /read on exchange 'src'/)
      assert.match(assertRefused(joe().send(method, exchangeBind('dst', 'other', 'a.b'))), /read on exchange 'other'/)
    }
  })

  it('B5 B45 exchanges: write on the destination for some keys is not enough, whatever the binding says', () => {
    const joe = authorized({ write: [{ exchange: 'dst', routingKey: 'a.#' }], read: [{ exchange: '*' }] })

    for (const method of ['exchange.bind', 'exchange.unbind'] as const) {
      for (const source of ['src', 'amq.topic', 'amq.direct', 'amq.fanout', 'amq.headers']) {
        for (const key of ['a.b', 'a.#', '#', '']) {
          assert.match(
            assertRefused(joe.send(method, exchangeBind('dst', source, key))),
            /write on exchange 'dst' for routing key '#'/,
          )
        }
      }
    }
  })

  it('B7 with arguments: only with a permission on the whole exchange', () => {
    const args = [{ key: 'x-match', ...text('any') }]

    assertRefused(authorized().send('queue.bind', queueBind(MINE, 'quotes', 'quotes.eu', args)))
    assertForwarded(
      authorized({ ...JOE, read: [{ exchange: 'quotes' }] }).send('queue.bind', queueBind(MINE, 'quotes', '', args)),
    )
  })

  it('D15 no patterns that keep a broker busy', () => {
    const all = (): FilterSession => authorized({ write: [{ queue: '*' }], read: [{ exchange: '*' }] })
    const bind = (key: string): Outcome<unknown> => all().send('queue.bind', queueBind('q', 'x', key))

    assertForwarded(bind('#.a.#'))
    assertRefused(bind('#.a.#.b.#'))
    assertRefused(bind('#.#.#'))
    assertForwarded(bind(new Array(16).fill('*').join('.')))
    assertRefused(bind(new Array(17).fill('*').join('.')))
    assertRefused(bind(`${new Array(127).fill('').join('.')}...`))
  })
})
