/** Public clients, unmodified: each sees a refusal as the exception that it knows, and goes on working on other channels. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AMQPWebSocketClient } from '@cloudamqp/amqp-client'
import { AMQPChannelError, Connection } from 'rabbitmq-client'
import { type ClientOptions, WebSocket } from 'ws'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { basic } from '../support/door.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { runPika } from '../support/pika.ts'
import { until, within } from '../support/until.ts'
import { WebSocketBridge } from '../support/websocket-bridge.ts'

const REFUSED_DECLARE = /configure on queue 'secret' refused for 'ada'/
const REFUSED_PUBLISH = /write on exchange 'secret' for routing key 'k' refused for 'ada'/

let live: LiveGateway
const headers = { authorization: basic('ada') }

before(async () => {
  const mine = [{ queue: 'mine.*' }]
  live = await startLiveGateway({
    service: { permissions: [{ configure: mine, write: [...mine, { exchange: 'mine' }], read: mine }] },
  })
  const judge = await (await live.broker.judge()).createChannel()
  await judge.assertExchange('mine', 'fanout')
})

after(() => live.stop())

describe('refusals as clients know them', () => {
  it('amqp-client.js', async () => {
    globalThis.WebSocket = AuthorizedWebSocket as unknown as typeof globalThis.WebSocket
    const connection = await new AMQPWebSocketClient(live.url(), '/', 'invented', 'invented').connect()
    const [refused, publishing, other] = [
      await connection.channel(),
      await connection.channel(),
      await connection.channel(),
    ]
    await publishing.confirmSelect()

    await assert.rejects(refused.queueDeclare('secret'), REFUSED_DECLARE)
    await assert.rejects(publishing.basicPublish('secret', 'k', 'body', {}), REFUSED_PUBLISH)

    await other.queueDeclare('mine.js', { autoDelete: true })
    await other.confirmSelect()
    await other.basicPublish('', 'mine.js', 'still here')
    assert.equal((await other.basicGet('mine.js', { noAck: true }))?.bodyString(), 'still here')
    await connection.close()
  })

  it('amqplib', async () => {
    const { connection } = await connectAmqplib(live.url(), { websocket: { headers } })
    const [refused, publishing, other] = [
      await connection.createChannel(),
      await connection.createConfirmChannel(),
      await connection.createConfirmChannel(),
    ]
    refused.on('error', () => undefined)
    const heard = new Promise<Error>((resolve) => publishing.once('error', resolve))

    await assert.rejects(refused.assertQueue('secret'), REFUSED_DECLARE)
    publishing.publish('secret', 'k', Buffer.from('body'))
    assert.match((await within(heard)).message, REFUSED_PUBLISH)

    await other.assertQueue('mine.lib', { autoDelete: true })
    other.sendToQueue('mine.lib', Buffer.from('still here'))
    await other.waitForConfirms()
    const message = await until(() => other.get('mine.lib', { noAck: true }))
    assert.equal(message.content.toString(), 'still here')
    await connection.close()
  })

  it('rabbitmq-client, through a stream', async () => {
    const bridge = await WebSocketBridge.start(live.url(), headers)
    const connection = new Connection({
      hostname: '127.0.0.1',
      port: bridge.port,
      username: 'invented',
      password: 'invented',
    })
    try {
      const lost: unknown[] = []
      connection.on('error', (error) => lost.push(error))
      const [refused, publishing, other] = [
        await connection.acquire(),
        await connection.acquire(),
        await connection.acquire(),
      ]
      await publishing.confirmSelect()

      await assert.rejects(refused.queueDeclare('secret'), isRefusal(REFUSED_DECLARE))
      await assert.rejects(
        publishing.basicPublish({ exchange: 'secret', routingKey: 'k' }, 'body'),
        isRefusal(REFUSED_PUBLISH),
      )

      await other.queueDeclare({ queue: 'mine.rabbit', autoDelete: true })
      await other.confirmSelect()
      await other.basicPublish('mine.rabbit', 'still here')
      assert.equal((await other.basicGet({ queue: 'mine.rabbit', noAck: true }))?.body, 'still here')
      await other.close()
      await connection.close()
      assert.deepEqual(lost, [])
    } finally {
      connection.unsafeDestroy()
      bridge.stop()
    }
  })

  it('pika, a client of another language, through a stream', async () => {
    const bridge = await WebSocketBridge.start(live.url(), headers)
    try {
      const seen = await runPika(PIKA, [String(bridge.port)])

      const { declare, publish, body } = seen as { declare: [number, string]; publish: [number, string]; body: string }
      assert.equal(declare[0], 403)
      assert.match(declare[1], REFUSED_DECLARE)
      assert.equal(publish[0], 403)
      assert.match(publish[1], REFUSED_PUBLISH)
      assert.equal(body, 'still here')
    } finally {
      bridge.stop()
    }
  })
})

/** The class and the code that rabbitmq-client has for a channel that was closed. */
function isRefusal(text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AMQPChannelError)
    assert.equal(error.code, 'ACCESS_REFUSED')
    assert.match(error.message, text)
    return true
  }
}

/** What a page's browser does by itself: it sends the credentials it has. */
class AuthorizedWebSocket extends WebSocket {
  constructor(url: string, protocols?: string | string[], options: ClientOptions = {}) {
    super(url, protocols, { ...options, headers })
  }
}

const PIKA = `
import json, sys, pika
connection = pika.BlockingConnection(pika.ConnectionParameters(
    host='127.0.0.1', port=int(sys.argv[1]), credentials=pika.PlainCredentials('invented', 'invented')))
refused, publishing, other = connection.channel(), connection.channel(), connection.channel()
seen = {}
try:
    refused.queue_declare('secret')
except pika.exceptions.ChannelClosedByBroker as error:
    seen['declare'] = [error.reply_code, error.reply_text]
try:
    publishing.confirm_delivery()
    publishing.basic_publish('secret', 'k', b'body')
except pika.exceptions.ChannelClosedByBroker as error:
    seen['publish'] = [error.reply_code, error.reply_text]
other.queue_declare('mine.pika', auto_delete=True)
other.confirm_delivery()
other.basic_publish('', 'mine.pika', b'still here')
method, properties, body = other.basic_get('mine.pika', auto_ack=True)
seen['body'] = body.decode()
connection.close()
print(json.dumps(seen))
`
