import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Properties } from '../../../../../proxy/codec/content.ts'
import type { Table, TableValue } from '../../../../../proxy/codec/table.ts'
import { ADDRESSES_MAX, ReplyAddresses } from '../../../../../proxy/filters/authorize/replies.ts'
import { assertForwarded, assertRefused, authorized, JOE, MINE } from '../../../../support/authorize.ts'
import {
  consume,
  type FilterSession,
  type Outcome,
  queueBind,
  queueDeclare,
  text,
  texts,
} from '../../../../support/filter-session.ts'

const ADDRESS = 'amq.rabbitmq.reply-to.g1h2AA5yZXBseUAx.abc=='

function withHeaders(...headers: Table): Properties {
  return { headers }
}

/** A publish that would be let through if it were not for its headers. */
function publish(...headers: Table): Outcome<unknown> {
  return authorized().publish('orders', 'orders.joe%2Esmith.new', withHeaders(...headers))
}

describe('authorize: publish', () => {
  it('needs write on the exchange for the key', () => {
    assert.deepEqual(authorized().publish('orders', 'orders.joe%2Esmith.new'), {
      kind: 'forwarded',
      rewritten: undefined,
    })
    assert.equal(
      assertRefused(authorized().publish('orders', 'orders.jane.new')),
      "ACCESS_REFUSED - write on exchange 'orders' for routing key 'orders.jane.new' refused for 'joe.smith'",
    )
    assertRefused(authorized().publish('quotes', 'quotes.eu'))
  })

  it('B2 to the default exchange needs write on the queue that the key names', () => {
    assertForwarded(authorized().publish('', MINE))
    assert.match(assertRefused(authorized().publish('', 'payroll')), /write on queue 'payroll'/)
    // No queue has an empty name.
    assertForwarded(authorized().publish('', ''))
    assertRefused(authorized({ write: [{ exchange: '*' }] }).publish('', 'payroll'))
  })

  it('B37 decides each publish by its own key', () => {
    const joe = authorized()

    assertForwarded(joe.publish('orders', 'orders.joe%2Esmith.1'))
    assertRefused(joe.publish('orders', 'orders.jane.1'))
    assertForwarded(joe.publish('orders', 'orders.joe%2Esmith.1'))
    assertRefused(joe.publish('orders', 'orders.jane.1'))
  })

  it('D15 refuses keys of more words than any pattern has', () => {
    assertForwarded(authorized().publish('open', 'a.'.repeat(127)))
    assertRefused(authorized().publish('open', 'a.'.repeat(127).concat('.')))
  })
})

describe('authorize: CC and BCC', () => {
  for (const key of ['CC', 'BCC']) {
    it(`B1 every key of ${key} needs the same as the routing key`, () => {
      assertForwarded(publish({ key, ...texts('orders.joe%2Esmith.a', 'orders.joe%2Esmith.b') }))
      assert.match(
        assertRefused(publish({ key, ...texts('orders.joe%2Esmith.a', 'orders.jane.b') })),
        /routing key 'orders.jane.b'/,
      )
    })

    it(`B1 on the default exchange every key of ${key} is a queue`, () => {
      assertForwarded(authorized().publish('', MINE, withHeaders({ key, ...texts('ui.joe%2Esmith.2') })))
      assertRefused(authorized().publish('', MINE, withHeaders({ key, ...texts('secret') })))
      assertRefused(authorized().publish('', MINE, withHeaders({ key, ...texts('ui.joe%2Esmith.2\n') })))
    })

    const WRONG: readonly (readonly [string, TableValue])[] = [
      ['a string', text('orders.jane.b')],
      ['bytes', { type: 'x', value: Buffer.from('orders.jane.b') }],
      ['an array of bytes', { type: 'A', value: [{ type: 'x', value: Buffer.from('orders.jane.b') }] }],
      ['an array in an array', { type: 'A', value: [texts('orders.jane.b')] }],
      ['an array with a number', { type: 'A', value: [text('orders.joe%2Esmith.a'), { type: 'I', value: 1 }] }],
      ['a table', { type: 'F', value: [{ key: '0', ...text('orders.jane.b') }] }],
      ['nothing', { type: 'V', value: undefined }],
      ['a key that is not UTF-8', { type: 'A', value: [{ type: 'S', value: Buffer.from([0x6f, 0xff]) }] }],
      ['a key longer than any', { type: 'A', value: [text('a'.repeat(256))] }],
      ['too many keys', texts(...new Array<string>(65).fill('orders.joe%2Esmith.a'))],
    ]
    for (const [what, value] of WRONG) {
      it(`B1 ${key} that is ${what} is refused`, () => {
        assertRefused(publish({ key, ...value }))
      })
    }

    it(`B1 D14 ${key} twice is refused, whichever one is harmless`, () => {
      const good = { key, ...texts('orders.joe%2Esmith.a') }
      const bad = { key, ...texts('orders.jane.b') }

      assertRefused(publish(good, bad))
      assertRefused(publish(bad, good))
      assertRefused(publish(good, { key: 'x', ...text('y') }, good))
    })

    it(`B1 ${key} is found behind other headers of every type`, () => {
      const before: Table = [
        { key: 'a', type: 'F', value: [{ key, ...texts('orders.joe%2Esmith.nested') }] },
        { key: 'b', type: 'A', value: [text(key)] },
        { key: 'c', type: 'l', value: 1n },
        { key: 'd', type: 'V', value: undefined },
      ]

      assertRefused(publish(...before, { key, ...texts('orders.jane.b') }))
      assertForwarded(publish(...before, { key, ...texts('orders.joe%2Esmith.b') }))
    })
  }

  it('B1 both are decided, not only the first', () => {
    assertRefused(publish({ key: 'CC', ...texts('orders.joe%2Esmith.a') }, { key: 'BCC', ...texts('orders.jane.b') }))
  })

  it('headers that only resemble them are nobody’s business', () => {
    assertForwarded(publish({ key: 'cc', ...text('x') }, { key: 'Bcc', ...text('x') }, { key: 'CCC', ...text('x') }))
  })
})

describe('authorize: reply addresses', () => {
  const requested = (): FilterSession => {
    const server = authorized()
    server.deliver({ replyTo: ADDRESS })
    return server
  }

  it('B18 may be consumed from by their owner without a permission, and are no queue otherwise', () => {
    assertForwarded(authorized().send('basic.consume', consume('amq.rabbitmq.reply-to', { noAck: true })))
    assertForwarded(authorized().send('queue.declare', queueDeclare('amq.rabbitmq.reply-to', { passive: true })))
    assertRefused(authorized().send('basic.get', { queue: 'amq.rabbitmq.reply-to', noAck: true }))
    assertRefused(authorized().send('basic.consume', consume(ADDRESS)))
  })

  it('B18 may be published to only where they were delivered to this session', () => {
    assertRefused(authorized().publish('', ADDRESS))
    assertForwarded(requested().publish('', ADDRESS))
    assertRefused(requested().publish('', `${ADDRESS}x`))
    assertRefused(requested().publish('', 'amq.rabbitmq.reply-to'))
    assertRefused(requested().publish('amq.direct', ADDRESS))
  })

  it('B18 are reached by no pattern', () => {
    const all = authorized({
      configure: [{ queue: 'amq.rabbitmq.*' }],
      write: [{ queue: 'amq.rabbitmq.*' }],
      read: [{ queue: 'amq.rabbitmq.*' }, { exchange: '*' }],
    })

    assertRefused(all.publish('', ADDRESS))
    assertRefused(all.send('queue.bind', queueBind(ADDRESS, 'x', '#')))
    assertRefused(all.send('queue.declare', queueDeclare(ADDRESS, { passive: true })))
    assertRefused(all.send('queue.delete', { queue: ADDRESS, ifUnused: false, ifEmpty: false, noWait: false }))
  })

  it('B18 are never reached by CC, BCC, dead letters or bindings, delivered or not', () => {
    assertRefused(requested().publish('', ADDRESS, withHeaders({ key: 'CC', ...texts(ADDRESS) })))
    assertRefused(requested().publish('', MINE, withHeaders({ key: 'BCC', ...texts(ADDRESS) })))
    assertRefused(requested().send('queue.bind', queueBind(ADDRESS, 'quotes', 'quotes.x')))
    assertRefused(
      requested().send(
        'queue.declare',
        queueDeclare(MINE, {
          arguments: [
            { key: 'x-dead-letter-exchange', ...text('') },
            { key: 'x-dead-letter-routing-key', ...text(ADDRESS) },
          ],
        }),
      ),
    )
  })

  it('B18 may be asked for whether they are still alive, if delivered', () => {
    assertForwarded(requested().send('queue.declare', queueDeclare(ADDRESS, { passive: true })))
    assertRefused(authorized().send('queue.declare', queueDeclare(ADDRESS, { passive: true })))
  })

  it('B19 a reply-to must be direct, delivered, or a queue one may read', () => {
    const ask = (joe: FilterSession, replyTo: string): Outcome<unknown> => joe.publish('open', 'rpc', { replyTo })

    assertForwarded(ask(authorized(), 'amq.rabbitmq.reply-to'))
    assertForwarded(ask(authorized(), MINE))
    assertForwarded(ask(requested(), ADDRESS))
    assert.match(
      assertRefused(ask(authorized(), 'payroll')),
      /reply-to: read on queue 'payroll' refused for 'joe.smith'/,
    )
    assertRefused(ask(authorized(), ADDRESS))
    assertRefused(ask(authorized(), ''))
    assertRefused(ask(authorized(), `${MINE}\n`))
  })

  it('B19 a reply-to may be a queue the broker named for this session, and no other’s', () => {
    const joe = authorized()
    joe.send('queue.declare', queueDeclare(''))
    joe.receive('queue.declare-ok', { queue: 'amq.gen-1', messageCount: 0, consumerCount: 0 })

    assertForwarded(joe.publish('open', 'rpc', { replyTo: 'amq.gen-1' }))
    assertRefused(authorized().publish('open', 'rpc', { replyTo: 'amq.gen-1' }))
  })

  it('B18 being told a queue’s name as reply-to gives no right to it', () => {
    const server = authorized(JOE)
    server.deliver({ replyTo: 'payroll' })

    assertRefused(server.publish('', 'payroll'))
  })
})

describe('ReplyAddresses', () => {
  it('D18 forgets those unused for longest, and keeps those in use', () => {
    const addresses = new ReplyAddresses()
    const address = (n: number): string => `amq.rabbitmq.reply-to.${n}`
    for (let n = 0; n < ADDRESSES_MAX; n += 1) addresses.learn(address(n))
    assert.equal(addresses.knows(address(0)), true)

    addresses.learn(address(ADDRESSES_MAX))

    assert.equal(addresses.knows(address(0)), true)
    assert.equal(addresses.knows(address(1)), false)
    assert.equal(addresses.knows(address(ADDRESSES_MAX)), true)
  })
})
