/** Requests that cross their answers, before a broker that is far away: judged by the broker's own lists. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { methodFrame } from '../../proxy/codec/method.ts'
import { consume, exchangeDeclare, queueDeclare } from '../support/filter-session.ts'
import { type PermissionGateway, startPermissionGateway, token } from '../support/permission-gateway.ts'
import { isClosed, type RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

/** One way: twice this is a round trip. */
const DISTANCE_MS = 25

let live: PermissionGateway

before(async () => {
  const permissions = [
    { configure: [{ queue: 'ui.${subject}.*' }], read: [{ queue: 'ui.${subject}.*' }] },
    { for: { role: 'trader' }, read: [{ queue: 'desk' }] },
  ]
  const limits = { perIdentity: { consumers: 3, queues: 2, exchanges: 2 } }
  live = await startPermissionGateway(
    { '/amqp': { permissions }, '/shares': { limits }, '/audited': { audit: { include: ['consume'] } } },
    DISTANCE_MS,
  )
  for (const queue of ['desk', 'ui.joe.1']) await live.judge.assertQueue(queue)
})

after(() => live.stop())

interface ListedConsumer {
  readonly consumer_tag: string
  readonly queue: { readonly name: string }
}

/** What the broker itself says of who consumes. */
async function listed(queue: string): Promise<string[]> {
  const path = `/api/consumers/${encodeURIComponent(live.broker.vhost)}`
  const all = (await live.broker.rabbit.management.request('GET', path)) as ListedConsumer[]
  return all.filter((consumer) => consumer.queue.name === queue).map(({ consumer_tag: tag }) => tag)
}

const asked = (queue: string, consumerTag: string): Buffer =>
  methodFrame(1, 'basic.consume', consume(queue, { consumerTag, noAck: true }))

async function withdraw(client: RawClient, subject: string): Promise<void> {
  const newSecret = Buffer.from(token(subject, []))
  client.send('connection.update-secret', { newSecret, reason: 'renewed' }, 0)
  await client.expect('connection.update-secret-ok', 0)
}

describe('tags that cross', () => {
  it('B36 a consumer that took over a tag’s place in the queue of answers is cancelled when its right is withdrawn', async () => {
    const joe = await live.connect('joe', ['trader'])
    joe.write(asked('ui.joe.1', 't'))
    // The first request is with the broker, and its answer is not here yet.
    await until(async () => (await live.judge.checkQueue('ui.joe.1')).consumerCount === 1)
    joe.write(Buffer.concat([methodFrame(1, 'basic.cancel', { consumerTag: 't', noWait: false }), asked('desk', '')]))
    assert.equal((await joe.expect('basic.consume-ok')).consumerTag, 't')
    assert.equal((await joe.expect('basic.cancel-ok')).consumerTag, 't')
    const { consumerTag } = await joe.expect('basic.consume-ok')
    await until(async () => (await listed('desk')).includes(consumerTag))

    await withdraw(joe, 'joe')

    assert.equal((await joe.expect('basic.cancel')).consumerTag, consumerTag)
    await until(async () => (await live.judge.checkQueue('desk')).consumerCount === 0)
    assert.equal((await live.event('permission.lost'))['consumerTag'], consumerTag)
  })

  it('B36 the same where all is sent at once, and without waiting for answers', async () => {
    const jane = await live.connect('jane', ['trader'])
    await jane.call('queue.declare', queueDeclare('ui.jane.1'), 'queue.declare-ok')
    const silent = (queue: string, consumerTag: string): Buffer =>
      methodFrame(1, 'basic.consume', consume(queue, { consumerTag, noAck: true, noWait: true }))
    jane.write(
      Buffer.concat([
        silent('ui.jane.1', 't'),
        methodFrame(1, 'basic.cancel', { consumerTag: 't', noWait: true }),
        silent('desk', 't'),
        silent('desk', ''),
      ]),
    )
    await until(async () => (await live.judge.checkQueue('desk')).consumerCount === 2)

    await withdraw(jane, 'jane')

    const cancelled = [await jane.expect('basic.cancel'), await jane.expect('basic.cancel')]
    assert.equal(cancelled[0]?.consumerTag, 't')
    await until(async () => (await live.judge.checkQueue('desk')).consumerCount === 0)
    assert.equal(await jane.verdict(), 'open')
    assert.equal((await live.judge.checkQueue('ui.jane.1')).consumerCount, 0)
  })
})

describe('shares that cross', () => {
  it('D17 consumers that the broker still has are counted, however fast tags are used again', async () => {
    const joe = await live.connect('busy', [], { path: '/shares' })
    await live.judge.assertQueue('many')
    let refused = 0
    for (let round = 0; round < 20; round += 1) {
      const first = consume('many', { consumerTag: 't' })
      if (isClosed(await joe.call('basic.consume', first, 'basic.consume-ok'))) refused += 1
      const cancel = methodFrame(1, 'basic.cancel', { consumerTag: 't', noWait: round % 2 === 0 })
      joe.write(Buffer.concat([cancel, asked('many', '')]))
      if (isClosed(await joe.answer('basic.consume-ok'))) refused += 1
      assert.ok((await live.judge.checkQueue('many')).consumerCount <= 3)
    }
    assert.ok(refused > 0)
  })

  it('D17 an exchange is counted until it is deleted, and a deletion that the broker refuses changes nothing', async () => {
    const joe = await live.connect('builder', [], { path: '/shares' })
    for (const exchange of ['x1', 'x2']) {
      assert.ok(!isClosed(await joe.call('exchange.declare', exchangeDeclare(exchange), 'exchange.declare-ok')))
    }
    await live.judge.assertQueue('bound')
    await live.judge.bindQueue('bound', 'x1', '#')
    joe.send('exchange.delete', { exchange: 'x1', ifUnused: true, noWait: true })
    assert.ok(isClosed(await joe.verdict()))

    const third = await joe.call('exchange.declare', exchangeDeclare('x3'), 'exchange.declare-ok')

    assert.ok(isClosed(third))
    assert.match(third.text, /no more than 2 exchanges for 'builder'/)
    joe.send('exchange.delete', { exchange: 'x1', ifUnused: false, noWait: true })
    assert.equal(await joe.verdict(), 'open')
    assert.ok(!isClosed(await joe.call('exchange.declare', exchangeDeclare('x3'), 'exchange.declare-ok')))
  })

  it('D17 a queue is counted for as long as the broker has it', async () => {
    const first = await live.connect('keeper', [], { path: '/shares' })
    const declare = (client: RawClient, queue: string, autoDelete: boolean) =>
      client.call('queue.declare', queueDeclare(queue, { autoDelete }), 'queue.declare-ok')
    assert.ok(!isClosed(await declare(first, 'unread', true)))
    first.send('queue.declare', queueDeclare('', { exclusive: false, noWait: true }))
    assert.equal(await first.verdict(), 'open')
    first.close()
    const second = await live.connect('keeper', [], { path: '/shares' })
    assert.ok(isClosed(await declare(second, 'third', false)), 'an auto-delete queue that nobody read is still there')

    await second.call('basic.consume', consume('unread', { consumerTag: 'c' }), 'basic.consume-ok')
    await second.call('basic.cancel', { consumerTag: 'c', noWait: false }, 'basic.cancel-ok')

    assert.ok(!isClosed(await declare(second, 'third', false)))
    assert.equal(await live.broker.queue('unread'), undefined)
  })
})
