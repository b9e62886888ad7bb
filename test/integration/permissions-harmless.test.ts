/**
 * What a client may do with hardly any permission, as it harms nobody; and what no broker implements. Asked twice, straight at
 * the broker and through the gateway: the answers are the same.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Channel } from 'amqplib'
import type { Arguments, FromClient } from '../../proxy/codec/spec.ts'
import { consume, queueDeclare } from '../support/filter-session.ts'
import { type PermissionGateway, startPermissionGateway } from '../support/permission-gateway.ts'
import { isClosed, RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

const MINE = 'ui.ada.1'

describe('permissions: what is harmless', () => {
  let live: PermissionGateway
  let judge: Channel

  before(async () => {
    live = await startPermissionGateway({
      '/amqp': {
        permissions: [
          { configure: [{ queue: '' }], write: [{ queue: MINE }], read: [{ queue: MINE }] },
          { for: { role: 'everything' }, configure: [{ queue: '*' }], write: [{ queue: '*' }], read: [{ queue: '*' }] },
        ],
        audit: { include: ['publish'] },
      },
    })
    judge = live.judge
    for (const queue of [MINE, 'secret']) await judge.assertQueue(queue)
  })

  after(async () => {
    await live.stop()
  })

  async function direct(): Promise<RawClient> {
    return RawClient.overTcp(live.broker, live.webuser, live.broker.vhost)
  }

  /** Asks both sides the same; each has a connection for the question alone. */
  async function both<T>(ask: (client: RawClient) => Promise<T>): Promise<{ broker: T; gateway: T }> {
    const straight = await direct()
    const ada = await live.connect('ada')
    try {
      return { broker: await ask(straight), gateway: await ask(ada) }
    } finally {
      straight.close()
      ada.close()
    }
  }

  const UNIMPLEMENTED: readonly (readonly [FromClient, object])[] = [
    ['basic.qos', { prefetchSize: 7, prefetchCount: 0, global: false }],
    ['channel.flow', { active: false }],
    ['basic.recover', { requeue: false }],
    ['basic.recover-async', { requeue: false }],
  ]
  for (const [name, fields] of UNIMPLEMENTED) {
    it(`B26 ${name} that no broker implements: 540, word for word`, async () => {
      const { broker, gateway } = await both(async (client) => {
        client.send(name, fields as Arguments<typeof name>)
        return client.next()
      })

      assert.equal(broker.name, 'connection.close')
      assert.equal(broker.fields['replyCode'], 540)
      assert.deepEqual(gateway, broker)
    })
  }

  it('B26 an immediate publish: 540, word for word', async () => {
    const { broker, gateway } = await both(async (client) => {
      client.publish('', MINE, { immediate: true })
      return client.next()
    })

    assert.equal(broker.fields['replyCode'], 540)
    assert.deepEqual(gateway, broker)
    assert.equal((await judge.checkQueue(MINE)).messageCount, 0)
  })

  it('an old client’s access.request gets its ticket, which means nothing', async () => {
    const { broker, gateway } = await both(async (client) => {
      client.send('access.request', {
        realm: '/',
        exclusive: false,
        passive: true,
        active: true,
        write: true,
        read: true,
      })
      return client.next()
    })

    assert.deepEqual(gateway, broker)
  })

  it('a message to the default exchange with an empty key goes nowhere, and comes back where it is mandatory', async () => {
    const { broker, gateway } = await both(async (client) => {
      await client.call('queue.declare', queueDeclare(''), 'queue.declare-ok')
      client.publish('', '')
      const verdict = await client.verdict()
      client.publish('', '', { mandatory: true })
      const { name, fields } = await client.next()
      return { verdict, name, fields }
    })

    assert.equal(broker.verdict, 'open')
    assert.equal(broker.name, 'basic.return')
    assert.deepEqual(gateway, broker)
  })

  it('B46 a server-named queue that is auto-delete but not exclusive is the session’s own, and goes with its consumer', async () => {
    const ada = await live.connect('ada')
    const bob = await live.connect('bob', ['everything'])
    const declared = await ada.call(
      'queue.declare',
      queueDeclare('', { exclusive: false, autoDelete: true }),
      'queue.declare-ok',
    )
    assert.ok(!isClosed(declared))

    ada.publish('', declared.queue, { body: 'own' })
    assert.ok(
      !isClosed(
        await ada.call('basic.consume', consume(declared.queue, { noAck: true, consumerTag: 'c' }), 'basic.consume-ok'),
      ),
    )
    await until(() => ada.bodies.includes('own'))
    assert.ok(isClosed(await bob.call('basic.consume', consume(declared.queue), 'basic.consume-ok')))
    bob.publish('', declared.queue, { body: 'foreign' })
    assert.ok(isClosed(await bob.verdict()))
    await ada.call('basic.cancel', { consumerTag: 'c', noWait: false }, 'basic.cancel-ok')

    assert.equal(await live.broker.queue(declared.queue), undefined)
    const neither = await ada.call('queue.declare', queueDeclare('', { exclusive: false }), 'queue.declare-ok')
    assert.ok(isClosed(neither))
  })

  it('B30 a transaction is committed as a whole, and rolled back as a whole by a refusal, whatever is sent behind it', async () => {
    const ada = await live.connect('ada')
    await ada.call('tx.select', {}, 'tx.select-ok')
    for (const body of ['one', 'two']) ada.publish('', MINE, { body })
    assert.ok(!isClosed(await ada.call('tx.commit', {}, 'tx.commit-ok')))
    ada.publish('', MINE, { body: 'taken back' })
    assert.ok(!isClosed(await ada.call('tx.rollback', {}, 'tx.rollback-ok')))
    ada.publish('', MINE, { body: 'lost' })
    ada.publish('', 'secret', { body: 'refused' })
    ada.publish('', MINE, { body: 'lost, too' })
    const refused = await ada.call('tx.commit', {}, 'tx.commit-ok')
    ada.publish('', MINE, { body: 'three' })
    assert.equal(await ada.verdict(), 'open')

    assert.ok(isClosed(refused))
    assert.deepEqual([refused.refused, refused.code], ['channel.close', 403])
    const stored: string[] = []
    for (let message = await judge.get(MINE, { noAck: true }); message !== false; ) {
      stored.push(message.content.toString())
      message = await judge.get(MINE, { noAck: true })
    }
    assert.deepEqual(stored, ['one', 'two', 'three'])
    assert.equal((await judge.checkQueue('secret')).messageCount, 0)
  })

  it('a channel is in one mode: transactions and confirms do not mix, as the broker says', async () => {
    const { broker, gateway } = await both(async (client) => {
      await client.call('tx.select', {}, 'tx.select-ok')
      const confirms = await client.call('confirm.select', { noWait: false }, 'confirm.select-ok')
      await client.call('confirm.select', { noWait: false }, 'confirm.select-ok')
      return [
        confirms,
        await client.call('tx.select', {}, 'tx.select-ok'),
        await client.call('tx.commit', {}, 'tx.commit-ok'),
      ]
    })

    assert.deepEqual(gateway, broker)
  })
})
