/** amqplib, unmodified, through the gateway to a real RabbitMQ: what a client does all day, and how it hears of failures. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import type { Channel, ConsumeMessage, GetMessage, Message } from 'amqplib'
import type { AmqplibConnection } from '../support/amqplib-over-websocket.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { until, within } from '../support/until.ts'

/** amqplib has no transactions in its interface, but knows the methods of class 90 by their numbers. */
interface WithRpc {
  rpc(method: number, fields: object, expect: number): Promise<unknown>
}
function tx(channel: Channel, method: 'select' | 'commit' | 'rollback'): Promise<unknown> {
  const id = 90 * 65_536 + { select: 10, commit: 20, rollback: 30 }[method]
  return (channel as unknown as WithRpc).rpc(id, {}, id + 1)
}

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** Every type of property and of table value that amqplib can write. */
const PROPERTIES = {
  contentType: 'application/json',
  contentEncoding: 'identity',
  headers: {
    text: 'Grüße, 世界 🐇',
    yes: true,
    byte: 7,
    negative: -70_000,
    large: 2 ** 52,
    half: 0.5,
    nothing: undefined,
    bytes: Buffer.from([0, 255, 206]),
    list: ['a', 1, false],
    table: { deeper: { still: 'here' } },
    at: { '!': 'timestamp', value: 1_700_000_000 },
  },
  deliveryMode: 2,
  priority: 5,
  correlationId: 'c-1',
  replyTo: 'answers',
  expiration: '600000',
  messageId: 'm-1',
  timestamp: 1_700_000_001,
  type: 'order',
  appId: 'tests',
} as const

/** The next n messages of a queue; acknowledged where the consumer must. */
async function take(channel: Channel, queue: string, count: number, noAck = true): Promise<ConsumeMessage[]> {
  const taken: ConsumeMessage[] = []
  const all = new Promise<void>((resolve) => {
    void channel.consume(
      queue,
      (message) => {
        if (message === null || taken.length === count) return
        taken.push(message)
        if (!noAck) channel.ack(message)
        if (taken.length === count) resolve()
      },
      { noAck, consumerTag: `take-${queue}` },
    )
  })
  await within(all, `${count} messages from ${queue}`)
  await channel.cancel(`take-${queue}`)
  return taken
}

async function get(channel: Channel, queue: string, noAck = true): Promise<GetMessage> {
  return (await until(() => channel.get(queue, { noAck }), `a message in ${queue}`)) as GetMessage
}

describe('amqplib through the gateway', () => {
  let live: LiveGateway
  let client: AmqplibConnection
  let channel: Channel
  before(async () => {
    live = await startLiveGateway()
    client = await live.connect()
    channel = await client.connection.createChannel()
  })
  after(async () => {
    await client.connection.close()
    assert.equal((await client.closed).code, 1000)
    assert.deepEqual(client.errors, [])
    await live.stop()
  })

  /** A channel that expects to be closed, with the error it is closed with. */
  async function doomed(): Promise<{ channel: Channel; error: Promise<Error & { code: number }> }> {
    const own = await client.connection.createChannel()
    const error = once(own, 'error').then(([caught]) => caught as Error & { code: number })
    return { channel: own, error }
  }

  it('publishes with confirms, and the broker has what it confirmed', async () => {
    const confirms = await client.connection.createConfirmChannel()
    await confirms.assertQueue('confirmed', { durable: true })

    for (let n = 0; n < 300; n++) confirms.sendToQueue('confirmed', Buffer.from(`${n}`), { persistent: true })
    await confirms.waitForConfirms()

    assert.equal((await live.broker.queue('confirmed'))?.messages, 300)
    const messages = await take(channel, 'confirmed', 300)
    assert.deepEqual(
      messages.map(({ content }) => content.toString()),
      Array.from({ length: 300 }, (_, n) => `${n}`),
    )
    await confirms.close()
  })

  it('sees every property, and every value of a table, as it was published', async () => {
    const { queue } = await channel.assertQueue('', { exclusive: true })
    channel.publish('', queue, Buffer.from('{}'), PROPERTIES)
    const through = await get(channel, queue)

    const judge = await live.broker.judge()
    const direct = await judge.createChannel()
    const own = await direct.assertQueue('', { exclusive: true })
    direct.publish('', own.queue, Buffer.from('{}'), PROPERTIES)
    const straight = await get(direct, own.queue)

    assert.deepEqual(through.properties, straight.properties)
    assert.equal(through.properties.headers?.['text'], PROPERTIES.headers.text)
    await judge.close()
  })

  it('is given no more than its prefetch count without acknowledging', async () => {
    const own = await client.connection.createChannel()
    const { queue } = await own.assertQueue('prefetched')
    for (let n = 0; n < 20; n++) own.sendToQueue(queue, Buffer.from(`${n}`))
    await own.prefetch(3)
    const held: Message[] = []
    await own.consume(queue, (message) => message && held.push(message))

    await until(() => held.length === 3, 'three deliveries')
    assert.equal((await live.broker.queue(queue))?.messages, 17)
    assert.equal(held.length, 3)

    own.ack(held[2] as Message, true)
    await until(() => held.length === 6, 'three more')
    await own.close()
    await until(async () => (await live.broker.queue(queue))?.messages === 17, 'what was not acknowledged is back')
  })

  it('C31 has a mandatory message that finds no queue returned, before its confirm', async () => {
    const own = await client.connection.createConfirmChannel()
    const order: string[] = []
    own.on('return', () => order.push('return'))
    const returned = once(own, 'return')
    own.publish('', 'no-such-queue', Buffer.from('lost'), { mandatory: true }, () => order.push('confirm'))
    await own.waitForConfirms()

    const [message] = (await returned) as [Message & { fields: { replyCode: number; replyText: string } }]
    assert.deepEqual([message.fields.replyCode, message.fields.replyText], [312, 'NO_ROUTE'])
    assert.equal(message.content.toString(), 'lost')
    assert.deepEqual(order, ['return', 'confirm'])
    await own.close()
  })

  it('gets what it refused once more, marked as redelivered', async () => {
    const { queue } = await channel.assertQueue('', { exclusive: true })
    channel.sendToQueue(queue, Buffer.from('again'))

    const first = await get(channel, queue, false)
    channel.nack(first, false, true)
    const second = await get(channel, queue, false)
    channel.reject(second, false)

    assert.deepEqual([first.fields.redelivered, second.fields.redelivered], [false, true])
    assert.equal(second.content.toString(), 'again')
    assert.equal(await channel.get(queue), false)
  })

  it('carries a message of 5 MB both ways, and one of no bytes', async () => {
    const { queue } = await channel.assertQueue('', { exclusive: true })
    const large = randomBytes(5_000_000)
    channel.sendToQueue(queue, large)
    channel.sendToQueue(queue, Buffer.alloc(0))

    assert.equal(sha((await get(channel, queue)).content), sha(large))
    assert.equal((await get(channel, queue)).content.length, 0)
  })

  it('opens 200 channels at once and uses each', async () => {
    const channels = await Promise.all(Array.from({ length: 200 }, () => client.connection.createChannel()))
    const { queue } = await channel.assertQueue('', { exclusive: true })
    for (const [n, own] of channels.entries()) own.sendToQueue(queue, Buffer.from(`${n}`))

    const numbers = (await take(channel, queue, 200)).map(({ content }) => Number(content))
    assert.deepEqual(
      numbers.sort((a, b) => a - b),
      channels.map((_, n) => n),
    )
    await Promise.all(channels.map((own) => own.close()))
  })

  it('binds exchanges to exchanges', async () => {
    await channel.assertExchange('inner', 'fanout', { autoDelete: true })
    await channel.assertExchange('outer', 'topic', { autoDelete: true })
    const { queue } = await channel.assertQueue('', { exclusive: true })
    await channel.bindQueue(queue, 'inner', '')
    await channel.bindExchange('inner', 'outer', 'orders.#')

    channel.publish('outer', 'orders.eu.1', Buffer.from('in'))
    channel.publish('outer', 'quotes.eu.1', Buffer.from('out'))

    assert.equal((await get(channel, queue)).fields.routingKey, 'orders.eu.1')
    await channel.unbindExchange('inner', 'outer', 'orders.#')
    assert.equal(await channel.get(queue), false)
    await channel.unbindQueue(queue, 'inner', '')
  })

  it('publishes in a transaction: nothing before its commit, nothing after its rollback', async () => {
    const own = await client.connection.createChannel()
    const { queue } = await own.assertQueue('transacted', { autoDelete: true })
    await tx(own, 'select')

    own.sendToQueue(queue, Buffer.from('dropped'))
    await tx(own, 'rollback')
    own.sendToQueue(queue, Buffer.from('kept'))
    assert.equal((await own.checkQueue(queue)).messageCount, 0)
    await tx(own, 'commit')

    assert.equal((await get(channel, queue)).content.toString(), 'kept')
    await own.close()
  })

  it('gets single messages, the number of those left, and an empty answer', async () => {
    const { queue } = await channel.assertQueue('', { exclusive: true })
    assert.equal(await channel.get(queue), false)
    for (const text of ['a', 'b', 'c']) channel.sendToQueue(queue, Buffer.from(text))
    await until(async () => (await channel.checkQueue(queue)).messageCount === 3)

    const first = await get(channel, queue)
    assert.deepEqual([first.content.toString(), first.fields.messageCount], ['a', 2])
    assert.deepEqual(await channel.purgeQueue(queue), { messageCount: 2 })
  })

  it('hears that its consumer is cancelled when somebody deletes the queue', async () => {
    await channel.assertQueue('short-lived')
    const cancelled = new Promise<void>((resolve) => {
      void channel.consume('short-lived', (message) => message === null && resolve())
    })
    await until(async () => (await live.broker.queue('short-lived'))?.consumers === 1, 'the consumer')
    const judge = await live.broker.judge()
    await (await judge.createChannel()).deleteQueue('short-lived')

    await within(cancelled, 'the cancellation')
    await judge.close()
  })

  const exceptions: Record<string, { code: number; text: RegExp; cause: (own: Channel) => unknown }> = {
    'a queue that does not exist': {
      code: 404,
      text: /NOT_FOUND - no queue 'nowhere' in vhost '.*'/,
      cause: (own) => own.checkQueue('nowhere'),
    },
    'a publish to an exchange that does not exist': {
      code: 404,
      text: /NOT_FOUND - no exchange 'nowhere' in vhost '.*'/,
      cause: (own) => own.publish('nowhere', '', Buffer.from('x')),
    },
    'a queue declared with other arguments': {
      code: 406,
      text: /PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'declared' in vhost '.*'/,
      cause: (own) => own.assertQueue('declared', { autoDelete: true, maxLength: 5 }),
    },
    'an unknown delivery tag': {
      code: 406,
      text: /PRECONDITION_FAILED - unknown delivery tag 99/,
      cause: (own) => own.ack({ fields: { deliveryTag: 99 } } as Message),
    },
    "another connection's exclusive queue": {
      code: 405,
      text: /RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'locked' in vhost '.*'/,
      cause: (own) => own.assertQueue('locked', { exclusive: true }),
    },
  }
  for (const [what, { code, text, cause }] of Object.entries(exceptions)) {
    it(`hears ${code} for ${what}, and its connection lives on`, async () => {
      const other = await live.connect()
      const elsewhere = await other.connection.createChannel()
      if (code === 405) await elsewhere.assertQueue('locked', { exclusive: true })
      await channel.assertQueue('declared', { autoDelete: true })
      const { channel: own, error } = await doomed()

      void Promise.resolve(cause(own)).catch(() => undefined)

      const { code: heard, message } = await within(error, 'the channel exception')
      assert.equal(heard, code)
      assert.match(message, text)
      assert.equal((await channel.checkQueue('declared')).messageCount, 0)
      await other.connection.close()
    })
  }
})
