// Tests of an application's permissions, with a gateway of their own: node --test
//
// They need a RabbitMQ, a user of it that may do everything in one vhost (the gateway takes no guest), and the packages
// amqp-gatehouse, @cloudamqp/amqp-client and ws.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { AMQPWebSocketClient } from '@cloudamqp/amqp-client'
import { startGateway } from 'amqp-gatehouse'
import { WebSocket } from 'ws'

// Node 20 has no WebSocket of its own.
globalThis.WebSocket = WebSocket

const { BROKER_URL = 'amqp://127.0.0.1:5672', BROKER_VHOST = '/', BROKER_USER = 'webuser' } = process.env

// The hash of "welcome", from `gatehouse hash-password`.
const password = '$scrypt$ln=15,r=8,p=1$ety7at16m1r6am1mcGmonw$sFlDaGAsYZ/dB96EqwV6uhkIXvde7qEPttBKxF8CnVg'

let gateway
before(async () => {
  const config = {
    listen: { host: '127.0.0.1', port: 0 },
    log: { level: 'error' },
    brokers: {
      main: {
        urls: [BROKER_URL],
        credentials: { webuser: { username: BROKER_USER, password: { env: 'BROKER_PASSWORD' } } },
      },
    },
    authenticators: {
      people: { type: 'basic', users: { jane: { password, roles: ['trader'] } } },
      tickets: { type: 'ticket' },
    },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost: BROKER_VHOST,
        authenticate: ['people', 'tickets'],
        promote: [{ when: { role: 'trader' }, to: 'webuser' }],
        permissions: [
          {
            configure: [{ queue: 'ui.${subject}.*' }],
            write: [{ queue: 'ui.${subject}.*' }, { exchange: 'amq.topic', routingKey: 'orders.${subject}.#' }],
            read: [{ queue: 'ui.${subject}.*' }],
          },
        ],
      },
    ],
  }
  gateway = await startGateway(config)
})
after(() => gateway.close())

/** Buys a ticket with the password, and connects with it. */
async function connect(user) {
  const { url } = gateway.addresses[0]
  const answer = await fetch(`${url.replace(/^ws/, 'http')}/auth/ticket?service=/amqp`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`${user}:welcome`)}` },
  })
  const { ticket, error } = await answer.json()
  if (!answer.ok) throw new Error(error)
  const client = new AMQPWebSocketClient({ url: `${url}/amqp?ticket=${ticket}` })
  await client.connect()
  return client
}

it('lets a trader publish her own orders', async () => {
  const client = await connect('jane')
  const channel = await client.channel()
  await channel.confirmSelect()
  await channel.basicPublish('amq.topic', 'orders.jane.1', 'buy')
  await client.close()
})

it("refuses somebody else's orders", async () => {
  const client = await connect('jane')
  const channel = await client.channel()
  await channel.confirmSelect()
  await assert.rejects(channel.basicPublish('amq.topic', 'orders.joe.1', 'buy'), /ACCESS_REFUSED.*orders\.joe\.1/)
  await client.close()
})

it('gives a stranger no ticket', async () => {
  await assert.rejects(connect('eve'), /not authenticated/)
})
