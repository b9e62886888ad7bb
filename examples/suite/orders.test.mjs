// Tests of an application's permissions, with a gateway of their own: node --test
//
// They need a RabbitMQ, and the packages amqp-gatehouse, @cloudamqp/amqp-client and ws.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { AMQPWebSocketClient } from '@cloudamqp/amqp-client'
import { startTestGateway } from 'amqp-gatehouse/testing'
import { WebSocket } from 'ws'

// Node 20 has no WebSocket of its own.
globalThis.WebSocket = WebSocket

const permissions = [
  {
    for: { role: 'trader' },
    write: [{ exchange: 'amq.topic', routingKey: 'orders.${subject}.#' }],
  },
]

let gate
before(async () => {
  const users = { jane: { roles: ['trader'] }, eve: {} }
  gate = await startTestGateway({ broker: process.env.BROKER_URL, users, service: { permissions } })
})
after(() => gate.close())

/** Publishes an order as somebody, and waits until the broker has it. */
async function order(user, routingKey) {
  const client = new AMQPWebSocketClient({ url: await gate.urlFor(user) })
  await client.connect()
  const channel = await client.channel()
  await channel.confirmSelect()
  await channel.basicPublish('amq.topic', routingKey, 'buy')
  await client.close()
}

it('lets a trader publish her own orders', async () => {
  await order('jane', 'orders.jane.1')
  const { exchange, messages } = await gate.audited('publish.counted', { subject: 'jane' })
  assert.deepEqual([exchange, messages], ['amq.topic', 1])
})

it("refuses somebody else's orders", async () => {
  await assert.rejects(order('jane', 'orders.joe.1'), /ACCESS_REFUSED.*orders\.joe\.1/)
  await gate.audited('permission.refused', { subject: 'jane', routingKey: 'orders.joe.1' })
})

it('refuses who is no trader', async () => {
  await assert.rejects(order('eve', 'orders.eve.1'), /ACCESS_REFUSED/)
})
