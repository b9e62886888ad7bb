// A program that works off a queue, and connects again by itself after every interruption:
//
//   GATEHOUSE_URL=wss://gate.example.com/amqp GATEHOUSE_LOGIN=worker:PASSWORD node worker.mjs
//
// It needs the packages @cloudamqp/amqp-client and ws, and a user of type basic who may declare the queue and read it.
import { AMQPSession } from '@cloudamqp/amqp-client'
import { WebSocket } from 'ws'

const { GATEHOUSE_URL: url, GATEHOUSE_LOGIN: login, GATEHOUSE_QUEUE: name = 'tasks' } = process.env
if (!url || !login) throw new Error('set GATEHOUSE_URL, and GATEHOUSE_LOGIN to NAME:PASSWORD')

// A program can set headers: each upgrade has the login, and no ticket is needed. The client library takes the global
// WebSocket, which has no option for headers, so this one adds them.
globalThis.WebSocket = class extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, { headers: { Authorization: `Basic ${Buffer.from(login).toString('base64')}` } })
    // The gateway refuses programs by HTTP status: "Unexpected server response: 401". The session tries again later.
    this.on('error', (error) => console.error(error.message))
  }
}

const session = await AMQPSession.connect(url, {
  reconnectInterval: 500,
  onconnect: () => console.log('connected'),
  ondisconnect: () => console.log('disconnected'),
}).catch(({ message }) => {
  // The first connection has no second try: an address or a login that is wrong should be seen.
  console.error(`not connected: ${message}`)
  process.exit(1)
})

// After a new connection the session consumes again. A task that was not acknowledged arrives a second time.
const queue = await session.queue(name, { durable: true })
await queue.subscribe({ noAck: false, prefetch: 10 }, async (task) => {
  console.log(`done: ${task.bodyString()}`)
  await task.ack()
})

process.once('SIGTERM', () => void session.stop())
