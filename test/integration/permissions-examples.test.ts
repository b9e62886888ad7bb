/** The worked examples of docs/permissions.md, as the people in them would use them, against a live broker. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { consume, queueBind, queueDeclare } from '../support/filter-session.ts'
import { permissionExample } from '../support/permission-examples.ts'
import { type PermissionGateway, startPermissionGateway } from '../support/permission-gateway.ts'
import { isClosed, type RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

let live: PermissionGateway

before(async () => {
  live = await startPermissionGateway({
    '/chat': { permissions: permissionExample('chat').permissions },
    '/rpc': { permissions: permissionExample('rpc').permissions },
    '/market': { permissions: permissionExample('market').permissions },
  })
  await live.judge.assertExchange('chat', 'topic')
  await live.judge.assertExchange('quotes', 'topic')
})

after(() => live.stop())

async function assertRefused(client: RawClient): Promise<void> {
  const verdict = await client.verdict()
  assert.equal(isClosed(verdict) && verdict.code, 403)
}

describe('example: a chat', () => {
  it('everybody hears what somebody says under their own name', async () => {
    const [joe, jane] = [
      await live.connect('joe.smith', [], { path: '/chat' }),
      await live.connect('jane', ['moderator'], { path: '/chat' }),
    ]
    for (const person of [joe, jane]) {
      assert.ok(!isClosed(await person.call('queue.declare', queueDeclare(''), 'queue.declare-ok')))
      assert.ok(!isClosed(await person.call('queue.bind', queueBind('', 'chat', 'room.lobby.*'), 'queue.bind-ok')))
      assert.ok(
        !isClosed(await person.call('queue.bind', queueBind('', 'chat', 'room.announcements'), 'queue.bind-ok')),
      )
      assert.ok(!isClosed(await person.call('basic.consume', consume('', { noAck: true }), 'basic.consume-ok')))
    }

    joe.publish('chat', 'room.lobby.joe%2Esmith', { body: 'hello' })
    jane.publish('chat', 'room.announcements', { body: 'welcome' })

    for (const person of [joe, jane]) await until(() => person.bodies.length === 2)
    assert.deepEqual([...jane.bodies].sort(), ['hello', 'welcome'])
  })

  it('nobody speaks as somebody else, or hears what is not for everybody', async () => {
    const joe = await live.connect('joe.smith', [], { path: '/chat' })

    joe.publish('chat', 'room.lobby.jane', { body: 'forged' })
    await assertRefused(joe)
    joe.publish('chat', 'room.announcements', { body: 'forged' })
    await assertRefused(joe)
    await joe.call('queue.declare', queueDeclare(''), 'queue.declare-ok')
    assert.ok(isClosed(await joe.call('queue.bind', queueBind('', 'chat', '#'), 'queue.bind-ok')))
  })
})

describe('example: questions and answers', () => {
  it('an answer reaches who asked', async () => {
    const [joe, pricing] = [
      await live.connect('joe', ['user'], { path: '/rpc' }),
      await live.connect('pricing', ['service'], { path: '/rpc' }),
    ]
    assert.ok(!isClosed(await pricing.call('queue.declare', queueDeclare('rpc.prices'), 'queue.declare-ok')))
    assert.ok(
      !isClosed(await pricing.call('basic.consume', consume('rpc.prices', { noAck: true }), 'basic.consume-ok')),
    )
    assert.ok(
      !isClosed(await joe.call('basic.consume', consume('amq.rabbitmq.reply-to', { noAck: true }), 'basic.consume-ok')),
    )

    joe.publish('', 'rpc.prices', {
      properties: { replyTo: 'amq.rabbitmq.reply-to', correlationId: '1' },
      body: 'DAX?',
    })
    await until(() => pricing.bodies.includes('DAX?'))
    pricing.publish('', pricing.replyTos.at(-1) ?? '', { properties: { correlationId: '1' }, body: '18000' })

    await until(() => joe.bodies.includes('18000'))
  })

  it('nobody else answers, and nobody else listens', async () => {
    const joe = await live.connect('joe', ['user'], { path: '/rpc' })

    assert.ok(isClosed(await joe.call('basic.consume', consume('rpc.prices'), 'basic.consume-ok')))
    joe.publish('', 'amq.rabbitmq.reply-to.g2dkAA5yZXBseUBub2Rl.made-up', { body: 'forged' })
    await assertRefused(joe)
    joe.publish('', 'rpc.prices', { properties: { replyTo: 'rpc.prices' }, body: 'loop' })
    await assertRefused(joe)
  })
})

describe('example: market data', () => {
  it('people see the regions that they pay for, and no more than they can keep', async () => {
    const [feed, jane] = [
      await live.connect('reuters', ['feed'], { path: '/market' }),
      await live.connect('jane', ['trader'], { path: '/market', claims: { region: 'eu' } }),
    ]
    assert.ok(!isClosed(await jane.call('queue.declare', queueDeclare('quotes.jane.1'), 'queue.declare-ok')))
    assert.ok(!isClosed(await jane.call('queue.bind', queueBind('', 'quotes', 'eu.#'), 'queue.bind-ok')))
    assert.ok(isClosed(await jane.call('queue.bind', queueBind('quotes.jane.1', 'quotes', 'us.#'), 'queue.bind-ok')))

    for (let n = 0; n < 1100; n += 1) feed.publish('quotes', n % 2 === 0 ? 'eu.de.dax' : 'us.spx', { body: String(n) })
    await until(async () => (await live.judge.checkQueue('quotes.jane.1')).messageCount === 550)
    for (let n = 0; n < 1000; n += 1) feed.publish('quotes', 'eu.de.dax', { body: 'more' })

    assert.equal(await feed.verdict(), 'open')
    await until(async () => (await live.judge.checkQueue('quotes.jane.1')).messageCount === 1000)
    jane.publish('quotes', 'eu.de.dax', { body: 'forged' })
    await assertRefused(jane)
  })
})
