import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { METHODS } from '../../../../../proxy/codec/spec.ts'
import { authorizeFilter } from '../../../../../proxy/filters/authorize/authorize.ts'
import { NEEDS_ROWS } from '../../../../../proxy/filters/needs.ts'
import { assertForwarded, assertRefused, authorized, JOE, MINE } from '../../../../support/authorize.ts'
import {
  AuditLog,
  consume,
  exchangeBind,
  exchangeDeclare,
  FilterSession,
  type Outcome,
  queueBind,
  queueDeclare,
} from '../../../../support/filter-session.ts'
import { authorizer } from '../../../../support/policy.ts'

describe('NEEDS', () => {
  it('B32 has a row for every method a client may send, and for no other', () => {
    const fromClient = Object.entries(METHODS).flatMap(([name, { from }]) =>
      (from as string) === 'broker' ? [] : [name],
    )

    assert.deepEqual(Object.keys(NEEDS_ROWS).sort(), fromClient.sort())
  })
})

describe('authorize: names', () => {
  it('lets one do what is permitted, with the very bytes that arrived', () => {
    const joe = authorized()

    assert.deepEqual(joe.send('queue.declare', queueDeclare(MINE)), { kind: 'forwarded', rewritten: undefined })
    assert.deepEqual(joe.send('queue.bind', queueBind(MINE, 'quotes', 'quotes.eu.#')), {
      kind: 'forwarded',
      rewritten: undefined,
    })
    assert.deepEqual(joe.send('basic.consume', consume(MINE)), { kind: 'forwarded', rewritten: undefined })
    assertForwarded(joe.send('basic.get', { queue: MINE, noAck: true }))
    assertForwarded(joe.send('queue.purge', { queue: MINE, noWait: false }))
    assertForwarded(joe.send('queue.delete', { queue: MINE, ifUnused: false, ifEmpty: false, noWait: false }))
    assertForwarded(joe.send('exchange.declare', exchangeDeclare('ex.joe%2Esmith.1')))
    assertForwarded(joe.send('exchange.delete', { exchange: 'ex.joe%2Esmith.1', ifUnused: false, noWait: false }))
  })

  it('B16 names the need and the subject, never the broker user', () => {
    const refused = authorized().send('basic.consume', consume('payroll'))

    assert.equal(assertRefused(refused), "ACCESS_REFUSED - read on queue 'payroll' refused for 'joe.smith'")
  })

  it('keeps its texts within 255 bytes, without control characters', () => {
    const joe = new FilterSession([authorizeFilter(authorizer(JOE), new AuditLog())], {
      identity: { subject: `x\r\n\u0000${'ü'.repeat(300)}`, issuer: 'i', address: 'a' },
    })

    const refused = assertRefused(joe.send('queue.bind', queueBind('ü'.repeat(120), 'quotes', 'k')))

    assert.ok(Buffer.byteLength(refused) <= 255)
    assert.doesNotMatch(refused, /\p{Cc}/u)
  })

  const NAMED: readonly (readonly [string, (joe: FilterSession, name: string) => Outcome<unknown>])[] = [
    ['queue.declare', (joe, name) => joe.send('queue.declare', queueDeclare(name))],
    ['queue.declare, passive', (joe, name) => joe.send('queue.declare', queueDeclare(name, { passive: true }))],
    [
      'queue.delete',
      (joe, name) => joe.send('queue.delete', { queue: name, ifUnused: false, ifEmpty: false, noWait: false }),
    ],
    ['queue.purge', (joe, name) => joe.send('queue.purge', { queue: name, noWait: false })],
    ['queue.bind', (joe, name) => joe.send('queue.bind', queueBind(name, 'quotes', 'quotes.x'))],
    [
      'queue.unbind',
      (joe, name) =>
        joe.send('queue.unbind', { queue: name, exchange: 'quotes', routingKey: 'quotes.x', arguments: [] }),
    ],
    ['basic.consume', (joe, name) => joe.send('basic.consume', consume(name))],
    ['basic.get', (joe, name) => joe.send('basic.get', { queue: name, noAck: true })],
    ['basic.publish to the default exchange', (joe, name) => joe.publish('', name)],
  ]
  for (const [what, attempt] of NAMED) {
    it(`B17 ${what}: another's queue is refused, one's own is not`, () => {
      assertRefused(attempt(authorized(), 'ui.jane.1'))
      assertForwarded(attempt(authorized(), MINE))
    })

    for (const character of ['\r', '\n', '\0', '\x7f', '\x1b', '\u0085']) {
      it(`B8 ${what}: a name with ${JSON.stringify(character)} in it is refused before any pattern is asked`, () => {
        assertRefused(
          attempt(
            authorized({
              configure: [{ queue: '*' }],
              write: [{ queue: '*' }],
              read: [{ queue: '*' }, { exchange: 'quotes' }],
            }),
            `ui.joe${character}.1`,
          ),
        )
      })
    }
  }

  it('B8 exchange names with control characters are refused', () => {
    const all = (): FilterSession =>
      authorized({ configure: [{ exchange: '*' }], write: [{ exchange: '*' }], read: [{ exchange: '*' }] })

    assertRefused(all().send('exchange.declare', exchangeDeclare('a\nb')))
    assertRefused(all().send('exchange.declare', exchangeDeclare('a\nb', { passive: true })))
    assertRefused(all().send('exchange.bind', exchangeBind('a\rb', 'c', 'k')))
    assertRefused(all().send('exchange.bind', exchangeBind('a', 'c\r', 'k')))
    assertRefused(all().send('exchange.delete', { exchange: '\0', ifUnused: false, noWait: false }))
  })

  it('B25 does not reach amq.rabbitmq.* by a pattern that does not begin so', () => {
    const all = authorized({
      configure: [{ queue: '*' }],
      write: [{ queue: '*' }, { exchange: '*' }],
      read: [{ queue: '*' }, { exchange: '*' }],
    })

    assertRefused(all.send('queue.bind', queueBind('q', 'amq.rabbitmq.trace', '#')))
    assertRefused(all.publish('amq.rabbitmq.event', 'user.created'))
  })

  it('B14 B34 refuses to declare queues with names of the broker’s own, and anything on the default exchange', () => {
    const all = authorized({
      configure: [{ queue: '*' }, { exchange: '*' }],
      write: [{ queue: '*' }, { exchange: '*' }],
      read: [{ queue: '*' }, { exchange: '*' }],
    })

    assertRefused(all.send('queue.declare', queueDeclare('amq.gen-mine')))
    assertRefused(all.send('exchange.declare', exchangeDeclare('')))
    assertRefused(all.send('exchange.declare', exchangeDeclare('', { passive: true })))
    assertRefused(all.send('exchange.delete', { exchange: '', ifUnused: false, noWait: false }))
    assertRefused(all.send('queue.bind', queueBind('q', '', 'q')))
    assertRefused(all.send('exchange.bind', exchangeBind('', 'x', 'k')))
    assertRefused(all.send('exchange.bind', exchangeBind('x', '', 'k')))
  })
})

describe('authorize: what would kill the connection, or is not spoken', () => {
  const UNIMPLEMENTED: readonly (readonly [string, (joe: FilterSession) => Outcome<unknown>])[] = [
    ['prefetch_size!=0 (7)', (joe) => joe.send('basic.qos', { prefetchSize: 7, prefetchCount: 0, global: false })],
    ['active=false', (joe) => joe.send('channel.flow', { active: false })],
    ['requeue=false', (joe) => joe.send('basic.recover', { requeue: false })],
    ['requeue=false', (joe) => joe.send('basic.recover-async', { requeue: false })],
    ['immediate=true', (joe) => joe.publish('open', 'k', {}, { immediate: true })],
  ]
  for (const [text, attempt] of UNIMPLEMENTED) {
    it(`B26 ${text} ends the connection with 540, as the broker does`, () => {
      assert.equal(assertRefused(attempt(authorized()), 'not-implemented'), `NOT_IMPLEMENTED - ${text}`)
    })
  }

  it('refuses types of exchanges that would end the connection on the channel', () => {
    assertRefused(authorized().send('exchange.declare', exchangeDeclare('ex.joe%2Esmith.1', { type: 'nonsense' })))
  })

  it('B30 lets transactions and old clients’ tickets through', () => {
    assertForwarded(authorized().send('tx.select', {}))
    assertForwarded(authorized().send('tx.commit', {}))
    assertForwarded(authorized().send('tx.rollback', {}))
    assertForwarded(
      authorized().send('access.request', {
        realm: '/',
        exclusive: false,
        passive: true,
        active: true,
        write: true,
        read: true,
      }),
    )
  })

  it('B26 is let through in its harmless form', () => {
    assertForwarded(authorized().send('basic.qos', { prefetchSize: 0, prefetchCount: 10, global: true }))
    assertForwarded(authorized().send('channel.flow', { active: true }))
    assertForwarded(authorized().send('basic.recover', { requeue: true }))
    assertForwarded(authorized().send('confirm.select', { noWait: false }))
    assertForwarded(authorized().send('basic.ack', { deliveryTag: 0n, multiple: true }))
  })

  it('B35 a consumer tag is not used twice on a channel', () => {
    const joe = authorized()
    assertForwarded(joe.send('basic.consume', consume(MINE, { consumerTag: 'c' })))

    assertForwarded(joe.send('basic.consume', consume(MINE, { consumerTag: 'c' }), 2))
    assertRefused(joe.send('basic.consume', consume(MINE, { consumerTag: 'c' })))
    joe.send('basic.cancel', { consumerTag: 'c', noWait: false })
    assertForwarded(joe.send('basic.consume', consume(MINE, { consumerTag: 'c' })))
  })
})
