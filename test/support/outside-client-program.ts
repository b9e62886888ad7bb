/** A client of its own process: logs in at a WebSocket, publishes a message, gets it back, says so, and waits to be ended. */
import { connectAmqplib } from './amqplib-over-websocket.ts'

interface Order {
  readonly url: string
  readonly servername: string
  readonly ca: string
  readonly authorization: string
  readonly queue: string
  readonly message: string
}

const order = JSON.parse(process.env['ORDER'] ?? '') as Order
const { url, servername, ca, authorization, queue, message } = order
const websocket = { ca, servername, headers: { authorization } }
const { connection } = await connectAmqplib(url, { deadlineMs: 30_000, websocket })
const channel = await connection.createConfirmChannel()
await channel.assertQueue(queue, { exclusive: true })
const received = new Promise<string>((resolve) => {
  void channel.consume(queue, (delivery) => resolve(delivery?.content.toString() ?? ''), { noAck: true })
})
channel.sendToQueue(queue, Buffer.from(message))
await channel.waitForConfirms()
console.log(JSON.stringify({ isSame: (await received) === message }))
