/**
 * Errors that RabbitMQ gives after `open-ok`, each with what provokes it: sent at once, on channel 1 of a connection of its
 * own. They are in vhosts where a stage was set (`setStage`), by a user who may do everything but with names that begin with
 * `forbidden`. Left out is what the gateway refuses before the broker can: broken frames, channels that are not open,
 * another’s user-id.
 */
import type { Channel } from 'amqplib'
import type { Arguments, FromClient } from '../../proxy/codec/spec.ts'
import type { Table, TableEntry } from '../../proxy/codec/table.ts'
import type { RawClient } from './raw-client.ts'

export interface Provocation {
  readonly name: string
  readonly by: (client: RawClient) => void
}

type Part<M extends FromClient> = Partial<Arguments<M>>

const longstr = (key: string, value: string): TableEntry => ({ key, type: 'S', value: Buffer.from(value) })
const int = (key: string, value: number): TableEntry => ({ key, type: 'I', value })

const QUEUE = { passive: false, durable: true, exclusive: false, autoDelete: false, noWait: false, arguments: [] }
const EXCHANGE = { ...QUEUE, type: 'direct', internal: false }
const CONSUME = { consumerTag: '', noLocal: false, noAck: false, exclusive: false, noWait: false, arguments: [] }
const QOS = { prefetchSize: 0, prefetchCount: 0, global: false }
const ABSENT = 'inbox.joe@example.com'

function declareQueue(queue: string, part: Part<'queue.declare'> = {}): Provocation['by'] {
  return (client) => client.send('queue.declare', { queue, ...QUEUE, ...part })
}

function declareExchange(exchange: string, part: Part<'exchange.declare'> = {}): Provocation['by'] {
  const { exclusive: _, ...fields } = EXCHANGE
  return (client) => client.send('exchange.declare', { exchange, ...fields, ...part })
}

function bind(queue: string, exchange: string, args: Table = [], routingKey = 'k'): Provocation['by'] {
  return (client) => client.send('queue.bind', { queue, exchange, routingKey, noWait: false, arguments: args })
}

function bindExchange(destination: string, source: string): Provocation['by'] {
  return (client) =>
    client.send('exchange.bind', { destination, source, routingKey: 'k', noWait: false, arguments: [] })
}

function consume(queue: string, part: Part<'basic.consume'> = {}): Provocation['by'] {
  return (client) => client.send('basic.consume', { queue, ...CONSUME, ...part })
}

function deleteQueue(queue: string, ifUnused: boolean, ifEmpty: boolean): Provocation['by'] {
  return (client) => client.send('queue.delete', { queue, ifUnused, ifEmpty, noWait: false })
}

function deleteExchange(exchange: string, ifUnused = false): Provocation['by'] {
  return (client) => client.send('exchange.delete', { exchange, ifUnused, noWait: false })
}

function all(...steps: readonly Provocation['by'][]): Provocation['by'] {
  return (client) => {
    for (const step of steps) step(client)
  }
}

const get =
  (queue: string): Provocation['by'] =>
  (client) =>
    client.send('basic.get', { queue, noAck: false })
const publish =
  (...args: Parameters<RawClient['publish']>): Provocation['by'] =>
  (client) =>
    client.publish(...args)
const qos =
  (part: Part<'basic.qos'>): Provocation['by'] =>
  (client) =>
    client.send('basic.qos', { ...QOS, ...part })
const txSelect: Provocation['by'] = (client) => client.send('tx.select', {})
const confirmSelect: Provocation['by'] = (client) => client.send('confirm.select', { noWait: false })
const withArgument = (...args: Table): Provocation['by'] => declareQueue('new', { arguments: args })
const LONG = 'n'.repeat(240)

/** Makes what the provocations run into. @param locked is another's, and holds what is exclusive */
export async function setStage(channel: Channel, locked: Channel): Promise<void> {
  await channel.assertQueue('durable', { durable: true })
  await channel.assertQueue('limited', { durable: true, maxLength: 7 })
  await channel.assertQueue('full', { durable: true })
  channel.sendToQueue('full', Buffer.from('x'))
  await channel.assertQueue('quorum', { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await channel.assertQueue('stream', { durable: true, arguments: { 'x-queue-type': 'stream' } })
  await channel.assertExchange('direct', 'direct', { durable: true })
  await channel.assertExchange('headers', 'headers', { durable: true })
  await channel.assertExchange('topics', 'topic', { durable: true })
  await channel.assertExchange('internal', 'fanout', { durable: true, internal: true })
  await channel.bindQueue('durable', 'direct', 'k')
  await locked.assertQueue('locked', { exclusive: true })
  await locked.assertQueue('taken', { durable: true })
  await locked.consume('taken', () => undefined, { exclusive: true })
  await locked.assertQueue('used', { durable: true })
  await locked.consume('used', () => undefined)
}

/** @param brokerUser a name that a client may give its own queue as well */
export function provocations(brokerUser: string): Provocation[] {
  return Object.entries<Provocation['by']>({
    'a queue that is not there': declareQueue(ABSENT, { passive: true }),
    'one that is called like the broker user': declareQueue(brokerUser, { passive: true }),
    'one that is called like a message of the broker': declareQueue("x' refused for <<1>>", { passive: true }),
    'one with a name so long that the text is cut': declareQueue(LONG, { passive: true }),
    'one with a quote in its name': declareQueue("o'neil", { passive: true }),
    'one in other letters': declareQueue('почта', { passive: true }),
    'an exchange that is not there': declareExchange(ABSENT, { passive: true }),
    'consuming what is not there': consume(ABSENT),
    'getting from what is not there': get(ABSENT),
    'purging what is not there': (client) => client.send('queue.purge', { queue: ABSENT, noWait: false }),
    'binding what is not there': bind(ABSENT, 'direct'),
    'binding to what is not there': bind('durable', ABSENT),
    'binding an exchange that is not there': bindExchange('direct', ABSENT),
    'binding to an exchange that is not there': bindExchange(ABSENT, 'direct'),
    'publishing to what is not there': publish(ABSENT, 'k'),
    'publishing to an internal exchange': publish('internal', 'k'),
    'binding the queue declared last, without one': bind('', 'direct'),
    'a reserved queue name': declareQueue('amq.joe@host'),
    'a reserved exchange name': declareExchange('amq.joe@host'),
    'declaring the default exchange': declareExchange(''),
    'binding to the default exchange': bind('durable', ''),
    'deleting the default exchange': deleteExchange(''),
    'deleting an exchange of the broker’s': deleteExchange('amq.direct'),
    'an exchange of unknown type': declareExchange('new', { type: 'x-delayed-message' }),
    'an exchange of another type': declareExchange('direct', { type: 'fanout' }),
    'an alternate exchange that is no name': declareExchange('new', { arguments: [int('alternate-exchange', 1)] }),
    'a queue of other durability': declareQueue('durable', { autoDelete: true }),
    'a queue with other arguments': declareQueue('limited', { arguments: [int('x-max-length', 9)] }),
    'a queue with an argument of a strange text': declareQueue('durable', {
      arguments: [longstr('x-dead-letter-exchange', 'joe@<<x>>')],
    }),
    'a negative length': withArgument(int('x-max-length', -1)),
    'a length that is a text': withArgument(longstr('x-max-length', 'joe@host')),
    'a negative expiry': withArgument(int('x-expires', 0)),
    'an unknown queue type': withArgument(longstr('x-queue-type', 'joe@host')),
    'an unknown overflow': withArgument(longstr('x-overflow', 'joe@host')),
    'a dead letter key without an exchange': withArgument(longstr('x-dead-letter-routing-key', 'k')),
    'too many priorities': withArgument(int('x-max-priority', 300)),
    'a quorum queue that is to be deleted': declareQueue('new', {
      autoDelete: true,
      arguments: [longstr('x-queue-type', 'quorum')],
    }),
    'a quorum queue without a name': declareQueue('', { arguments: [longstr('x-queue-type', 'quorum')] }),
    'another’s exclusive queue': declareQueue('locked'),
    'consuming another’s exclusive queue': consume('locked'),
    'deleting another’s exclusive queue': deleteQueue('locked', false, false),
    'consuming what another consumes alone': consume('taken'),
    'consuming alone what another consumes': consume('used', { exclusive: true }),
    'deleting a queue that is used': deleteQueue('used', true, false),
    'deleting a queue that is not empty': deleteQueue('full', false, true),
    'deleting an exchange that is used': deleteExchange('direct', true),
    'deleting a quorum queue if it is unused': deleteQueue('quorum', true, false),
    'deleting a quorum queue if it is empty': deleteQueue('quorum', false, true),
    'getting from a stream': get('stream'),
    'consuming a stream without prefetch': consume('stream'),
    'consuming a stream without acknowledging': all(qos({ prefetchCount: 1 }), consume('stream', { noAck: true })),
    'purging a stream': (client) => client.send('queue.purge', { queue: 'stream', noWait: false }),
    'a consumer tag twice': all(
      consume('durable', { consumerTag: brokerUser }),
      consume('durable', { consumerTag: brokerUser }),
    ),
    'a consumer’s priority that is a text': consume('durable', { arguments: [longstr('x-priority', 'joe@host')] }),
    'an acknowledgement of nothing': (client) => client.send('basic.ack', { deliveryTag: 99n, multiple: false }),
    'a rejection of nothing': (client) => client.send('basic.reject', { deliveryTag: 99n, requeue: true }),
    'a negative acknowledgement of nothing': (client) =>
      client.send('basic.nack', { deliveryTag: 99n, multiple: true, requeue: true }),
    'a commit without a transaction': (client) => client.send('tx.commit', {}),
    'a rollback without a transaction': (client) => client.send('tx.rollback', {}),
    'confirms in a transaction': all(txSelect, confirmSelect),
    'a transaction with confirms': all(confirmSelect, txSelect),
    immediate: publish('direct', 'k', { immediate: true }),
    'a prefetch of bytes': qos({ prefetchSize: 4 }),
    'recovery without requeue': (client) => client.send('basic.recover', { requeue: false }),
    'a flow that stops': (client) => client.send('channel.flow', { active: false }),
    'an expiry that is no number': publish('direct', 'k', { properties: { expiration: 'soon@host' } }),
    'a negative expiry of a message': publish('direct', 'k', { properties: { expiration: '-1' } }),
    'copies that are no list': publish('direct', 'k', { properties: { headers: [int('CC', 1)] } }),
    'a reply consumer that acknowledges': consume('amq.rabbitmq.reply-to'),
    'a second reply consumer': all(
      consume('amq.rabbitmq.reply-to', { noAck: true }),
      consume('amq.rabbitmq.reply-to', { noAck: true }),
    ),
    'a reply without a reply consumer': publish('direct', 'k', { properties: { replyTo: 'amq.rabbitmq.reply-to' } }),
    'a headers binding that matches strangely': bind('durable', 'headers', [longstr('x-match', 'joe@host')]),
    'a right to configure that is missing': declareQueue('forbidden.q'),
    'a right to write that is missing': publish('forbidden.e', 'k'),
    'a right to read that is missing': consume('forbidden.q'),
    'a right on an exchange that is missing': declareExchange('forbidden.e'),
    'a right on the dead letter exchange that is missing': withArgument(longstr('x-dead-letter-exchange', 'forbidden')),
    'a right on a topic that is missing': publish('topics', 'secret.k'),
    'a right on a topic binding that is missing': bind('durable', 'topics', [], 'secret.k'),
  }).map(([name, by]) => ({ name, by }))
}
