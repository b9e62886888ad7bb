import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertForwarded, assertRefused, authorized, JOE, MINE } from '../../../../support/authorize.ts'
import {
  consume,
  exchangeDeclare,
  type FilterSession,
  type Outcome,
  queueBind,
  queueDeclare,
  text,
} from '../../../../support/filter-session.ts'

describe('authorize: last declared queue', () => {
  const EMPTY: readonly (readonly [string, (joe: FilterSession) => Outcome<unknown>])[] = [
    ['queue.bind', (joe) => joe.send('queue.bind', queueBind('', 'quotes', 'quotes.x'))],
    [
      'queue.unbind',
      (joe) => joe.send('queue.unbind', { queue: '', exchange: 'quotes', routingKey: 'quotes.x', arguments: [] }),
    ],
    ['basic.consume', (joe) => joe.send('basic.consume', consume(''))],
    ['basic.get', (joe) => joe.send('basic.get', { queue: '', noAck: true })],
    ['queue.purge', (joe) => joe.send('queue.purge', { queue: '', noWait: false })],
    ['queue.delete', (joe) => joe.send('queue.delete', { queue: '', ifUnused: false, ifEmpty: false, noWait: false })],
  ]
  for (const [what, attempt] of EMPTY) {
    it(`B12 ${what}: the empty name is forwarded as the name it stands for`, () => {
      const joe = authorized()
      joe.send('queue.declare', queueDeclare(MINE))
      joe.receive('queue.declare-ok', { queue: MINE, messageCount: 0, consumerCount: 0 })

      const outcome = attempt(joe)

      assert.equal(outcome.kind, 'forwarded')
      assert.equal((outcome.rewritten as { queue: string } | undefined)?.queue, MINE)
    })

    it(`B12 ${what}: it stands for what was declared passively, too, and needs the permission on that`, () => {
      const joe = authorized({ ...JOE, configure: [{ queue: 'payroll' }], read: [{ exchange: 'quotes' }], write: [] })
      assertForwarded(joe.send('queue.declare', queueDeclare('payroll', { passive: true })))
      joe.receive('queue.declare-ok', { queue: 'payroll', messageCount: 0, consumerCount: 0 })

      const outcome = attempt(joe)

      if (what === 'queue.delete') assertForwarded(outcome)
      else assert.match(assertRefused(outcome), /queue 'payroll'/)
    })

    it(`B12 ${what}: it stands for nothing where nothing was declared on that channel`, () => {
      const joe = authorized()
      joe.send('queue.declare', queueDeclare(MINE), 2)
      joe.receive('queue.declare-ok', { queue: MINE, messageCount: 0, consumerCount: 0 }, 2)

      assertRefused(attempt(joe), 'not-found')
    })
  }

  it('B12 a pipelined use of a queue declared by name is forwarded with that name, not with an older one', () => {
    const joe = authorized()
    joe.send('queue.declare', queueDeclare(MINE))
    joe.receive('queue.declare-ok', { queue: MINE, messageCount: 0, consumerCount: 0 })
    joe.send('queue.declare', queueDeclare('ui.joe%2Esmith.2', { noWait: true }))

    const outcome = joe.send('basic.consume', consume(''))

    assert.equal(outcome.kind === 'forwarded' && outcome.rewritten?.queue, 'ui.joe%2Esmith.2')
  })

  it('B12 a pipelined use of a queue that has no name yet is refused', () => {
    const joe = authorized()
    joe.send('queue.declare', queueDeclare(MINE))
    joe.receive('queue.declare-ok', { queue: MINE, messageCount: 0, consumerCount: 0 })
    joe.send('queue.declare', queueDeclare(''))

    assertRefused(joe.send('basic.consume', consume('')), 'not-found')
  })

  it('an empty queue and an empty key are both the last declared queue', () => {
    const joe = authorized({ ...JOE, read: [{ exchange: 'quotes', routingKey: 'ui.#' }] })
    joe.send('queue.declare', queueDeclare(MINE))

    const outcome = joe.send('queue.bind', queueBind('', 'quotes', ''))

    assert.ok(outcome.kind === 'forwarded')
    assert.deepEqual([outcome.rewritten?.queue, outcome.rewritten?.routingKey], [MINE, MINE])
  })

  it('an empty key stays empty where the queue is named', () => {
    const joe = authorized({ ...JOE, read: [{ exchange: 'quotes', routingKey: '' }] })

    assert.deepEqual(joe.send('queue.bind', queueBind(MINE, 'quotes', '')), { kind: 'forwarded', rewritten: undefined })
  })

  it('a channel that was closed remembers nothing', () => {
    const joe = authorized()
    joe.send('queue.declare', queueDeclare(MINE))
    joe.channelClosed()

    assertRefused(joe.send('basic.consume', consume('')), 'not-found')
  })
})

describe('authorize: server-named queues', () => {
  const named = (joe: FilterSession, queue = 'amq.gen-1'): void => {
    assertForwarded(joe.send('queue.declare', queueDeclare('')))
    joe.receive('queue.declare-ok', { queue, messageCount: 0, consumerCount: 0 })
  }

  it('B14 belong to the session that declared them', () => {
    const joe = authorized()
    named(joe)

    assertForwarded(joe.send('queue.bind', queueBind('amq.gen-1', 'quotes', 'quotes.x')))
    assertForwarded(joe.send('basic.consume', consume('amq.gen-1'), 2))
    assertForwarded(joe.publish('', 'amq.gen-1'))
    assertForwarded(joe.send('queue.delete', { queue: 'amq.gen-1', ifUnused: false, ifEmpty: false, noWait: false }))
  })

  it('B14 belong to no other session', () => {
    assertRefused(authorized().send('basic.consume', consume('amq.gen-1')))
    assertRefused(authorized().send('queue.bind', queueBind('amq.gen-1', 'quotes', 'quotes.x')))
    assertRefused(authorized().publish('', 'amq.gen-1'))
    assertRefused(authorized().send('queue.declare', queueDeclare('amq.gen-1', { passive: true })))
  })

  it('B14 are not owned because one declared another’s name', () => {
    const joe = authorized()
    joe.send('queue.declare', queueDeclare(MINE))
    named(joe, 'amq.gen-2')
    joe.receive('queue.declare-ok', { queue: 'amq.gen-9', messageCount: 0, consumerCount: 0 })

    // The answers came in the other order than asked: the first belongs to the declaration by name.
    assertRefused(joe.send('basic.consume', consume('amq.gen-2')))
  })

  it('B13 must be exclusive or auto-delete, and must be answered', () => {
    assert.match(
      assertRefused(authorized().send('queue.declare', queueDeclare('', { exclusive: false }))),
      /neither exclusive nor auto-delete/,
    )
    assert.match(assertRefused(authorized().send('queue.declare', queueDeclare('', { noWait: true }))), /no-wait/)
  })

  it('B14 need a permission of their own, which a pattern for all names is not', () => {
    assertRefused(authorized({ configure: [{ queue: '*' }] }).send('queue.declare', queueDeclare('')))
  })

  it('B14 do not take a prefix of the client’s choice', () => {
    const prefixed = queueDeclare('', { arguments: [{ key: 'x-name-prefix', ...text('payroll.') }] })

    assertRefused(authorized().send('queue.declare', prefixed))
  })

  it('are the last declared queue once their name is known', () => {
    const joe = authorized()
    named(joe)

    const outcome = joe.send('basic.consume', consume(''))

    assert.equal(outcome.kind === 'forwarded' && outcome.rewritten?.queue, 'amq.gen-1')
  })
})

describe('authorize: passive declarations', () => {
  it('B15 tell nothing of what one has no permission on', () => {
    assertRefused(authorized().send('queue.declare', queueDeclare('payroll', { passive: true })))
    assertRefused(authorized().send('exchange.declare', exchangeDeclare('payroll', { passive: true })))
    assertRefused(authorized().send('queue.declare', queueDeclare('', { passive: true })))
  })

  it('B15 are free where one has any permission', () => {
    assertForwarded(authorized().send('exchange.declare', exchangeDeclare('orders', { passive: true })))
    assertForwarded(authorized().send('exchange.declare', exchangeDeclare('quotes', { passive: true })))
    assertForwarded(authorized({ read: [{ queue: 'q' }] }).send('queue.declare', queueDeclare('q', { passive: true })))
  })
})
