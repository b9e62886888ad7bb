/**
 * What pages do with an unmodified @cloudamqp/amqp-client: each function is one scenario, run in the browser by a test and
 * judged there. Whatever is returned has to survive JSON.
 */
import { AMQPSession, AMQPWebSocketClient } from '/amqp-client.mjs'

/** Where the gateway is and who logs in: set by `configure`. */
let place
/** The one connection of most scenarios. */
let client
/** Its second life: a session that reconnects by itself, and what it has told so far. */
let session
const heard = { received: [], confirmed: [], failed: [], events: [] }

export function configure(settings) {
  place = settings
}

/** Asks the gateway for a ticket as this person; `as=cookie` leaves it in the browser's jar. */
export async function ticket(subject, password, as) {
  const answer = await fetch(`${place.http}/auth/ticket${as === undefined ? '' : `?as=${as}`}`, {
    method: 'POST',
    credentials: 'include',
    headers: { Authorization: `Basic ${btoa(`${subject}:${password}`)}`, 'X-Requested-With': 'XMLHttpRequest' },
  })
  return { status: answer.status, challenge: answer.headers.get('www-authenticate'), ...(await answer.json()) }
}

/** A client with credentials that nobody has, as every page should send. */
function invented(url) {
  const { username, password, vhost } = place.claimed
  return new AMQPWebSocketClient({ url, username, password, vhost, name: 'orders-ui' })
}

/** Logs in, connects with the ticket in the URL, and keeps the connection. */
export async function open(subject, password) {
  const { ticket: value } = await ticket(subject, password)
  client = invented(`${place.ws}?ticket=${encodeURIComponent(value)}`)
  await client.connect()
  return { channelMax: client.channelMax, frameMax: client.frameMax }
}

export async function close() {
  await client.close()
  return client.closed
}

/** How a connection that is refused looks to the page: the client's error, and the WebSocket's own close. */
export async function refused(query) {
  const Native = globalThis.WebSocket
  let closed
  globalThis.WebSocket = class extends Native {
    constructor(...args) {
      super(...args)
      closed = new Promise((resolve) => this.addEventListener('close', ({ code, reason }) => resolve({ code, reason })))
    }
  }
  try {
    await invented(`${place.ws}${query}`).connect()
    return { error: 'none' }
  } catch (error) {
    return { error: error.message ?? error.type, ...(await closed) }
  } finally {
    globalThis.WebSocket = Native
  }
}

/** Publishes with confirms, all at once; the delivery tags that were confirmed. */
export async function confirms(queue, count) {
  const channel = await client.channel()
  await channel.queueDeclare(queue, { durable: true })
  await channel.confirmSelect()
  const numbers = Array.from({ length: count }, (_, n) => n)
  const tags = await Promise.all(
    numbers.map((n) => channel.basicPublish('', queue, `${n}`, { deliveryMode: 2, headers: { n } })),
  )
  await channel.close()
  return tags
}

/** Consumes so many messages, acknowledging each; their bodies and headers in order. */
export async function consume(queue, count) {
  const channel = await client.channel()
  const seen = []
  await new Promise((resolve) => {
    void channel.basicConsume(queue, { noAck: false }, async (message) => {
      seen.push([message.bodyString(), message.properties.headers.n])
      await message.ack()
      if (seen.length === count) resolve()
    })
  })
  await channel.close()
  return seen
}

/** Consumes without acknowledging; returns once the prefetch count is reached and a round trip brought nothing more. */
export async function prefetch(queue, limit) {
  const channel = await client.channel()
  await channel.prefetch(limit)
  const held = []
  await new Promise((resolve) => {
    void channel.basicConsume(queue, { noAck: false }, (message) => {
      held.push(message)
      if (held.length === limit) resolve()
    })
  })
  const { messageCount } = await channel.queueDeclare(queue, { passive: true })
  await channel.basicQos(limit)
  const first = held.length
  await held[held.length - 1].ack(true)
  while (held.length < 2 * limit) await channel.basicQos(limit)
  await channel.close()
  return { first, messageCount, second: held.length }
}

/** A mandatory message that finds no queue. */
export async function returned() {
  const channel = await client.channel()
  await channel.confirmSelect()
  const order = []
  channel.onReturn = (message) => order.push([message.replyCode, message.replyText, message.bodyString()])
  await channel.basicPublish('', 'no-such-queue', 'lost', {}, true)
  order.push('confirmed')
  await channel.close()
  return order
}

/** Refuses a message once: it comes again, marked. */
export async function nacked() {
  const channel = await client.channel()
  const { name } = await channel.queueDeclare('', { exclusive: true })
  await channel.basicPublish('', name, 'again')
  const seen = []
  await new Promise((resolve) => {
    void channel.basicConsume(name, { noAck: false }, async (message) => {
      seen.push(message.redelivered)
      if (message.redelivered) await message.ack()
      else await message.nack(true)
      if (message.redelivered) resolve()
    })
  })
  await channel.close()
  return seen
}

async function sha(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Publishes random bytes and gets them back; the hashes of both. */
export async function large(bytes) {
  const channel = await client.channel()
  const { name } = await channel.queueDeclare('', { exclusive: true })
  await channel.confirmSelect()
  const body = new Uint8Array(bytes)
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(body.subarray(at, Math.min(bytes, at + 65_536)))
  await channel.basicPublish('', name, body)
  const message = await channel.basicGet(name)
  await channel.close()
  return { sent: await sha(body), got: await sha(message.body), bytes: message.bodySize }
}

/** Opens so many channels at once, publishes on each, and closes them; how many messages arrived. */
export async function channels(count) {
  const all = await Promise.all(Array.from({ length: count }, () => client.channel()))
  const { name } = await all[0].queueDeclare('', { exclusive: true })
  for (const channel of all) await channel.confirmSelect()
  await Promise.all(all.map((channel, n) => channel.basicPublish('', name, `${n}`)))
  const { messageCount } = await all[0].queueDeclare(name, { passive: true, exclusive: true })
  await Promise.all(all.map((channel) => channel.close()))
  return { ids: new Set(all.map(({ id }) => id)).size, messageCount }
}

/** A transaction that is rolled back, then one that is committed; how many messages there were after each. */
export async function transactions() {
  const channel = await client.channel()
  const { name } = await channel.queueDeclare('', { exclusive: true })
  const count = async () => (await channel.queueDeclare(name, { passive: true, exclusive: true })).messageCount
  await channel.txSelect()
  await channel.basicPublish('', name, 'dropped')
  await channel.txRollback()
  const afterRollback = await count()
  await channel.basicPublish('', name, 'kept')
  await channel.txCommit()
  const afterCommit = await count()
  await channel.close()
  return [afterRollback, afterCommit]
}

/** A channel exception: the error, and whether the connection still works. */
export async function missing() {
  const channel = await client.channel()
  const error = await channel.queueDeclare('nowhere', { passive: true }).catch(({ message }) => message)
  const next = await client.channel()
  await next.close()
  return { error, closed: channel.closed, connected: !client.closed }
}

/** Somebody else deletes the queue of a consumer: the error it ends with. */
export async function cancelled(queue) {
  const channel = await client.channel()
  await channel.queueDeclare(queue)
  const consumer = await channel.basicConsume(queue, {}, () => undefined)
  const other = await client.channel()
  const ended = consumer.wait().catch(({ message }) => message)
  await other.queueDelete(queue)
  const error = await ended
  await Promise.all([channel.close(), other.close()])
  return error
}

/** One whole session of an unmodified client; everything that it hands to its WebSocket, in hex. */
export async function record(subject, password, claimed, body) {
  const { ticket: value } = await ticket(subject, password)
  const written = []
  const Native = globalThis.WebSocket
  globalThis.WebSocket = class extends Native {
    send(bytes) {
      written.push(Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join(''))
      super.send(bytes)
    }
  }
  const own = new AMQPWebSocketClient({ url: `${place.ws}?ticket=${encodeURIComponent(value)}`, ...claimed })
  await own.connect()
  globalThis.WebSocket = Native
  const channel = await own.channel()
  await channel.confirmSelect()
  await channel.exchangeDeclare('t.exchange', 'topic')
  await channel.queueDeclare('t.queue', {}, { 'x-max-length': 1_000 })
  await channel.queueBind('t.queue', 't.exchange', 't.#')
  await channel.prefetch(10)
  const properties = { contentType: 'text/plain', deliveryMode: 2, headers: { n: 1, text: 'Grüße' } }
  for (const part of ['small', new Uint8Array(body), null]) {
    await channel.basicPublish('t.exchange', 't.key', part, properties, true)
  }
  await new Promise((resolve) => {
    void channel.basicConsume('t.queue', { tag: 't.consumer', noAck: false }, async (message) => {
      await message.ack()
      if (message.deliveryTag === 3) resolve()
    })
  })
  await channel.basicCancel('t.consumer')
  await channel.basicGet('t.queue')
  await channel.queueUnbind('t.queue', 't.exchange', 't.#')
  await channel.queueDelete('t.queue')
  await channel.exchangeDelete('t.exchange')
  await channel.close()
  await own.close()
  return written
}

/** A session object at a fixed URL: before every connection it fetches a ticket into the browser's cookie jar. */
export async function startSession(subject, password, queue) {
  session = await AMQPSession.connect(place.ws, {
    vhost: place.claimed.vhost,
    reconnectInterval: 200,
    maxReconnectInterval: 400,
    beforeConnect: async () => {
      const { status } = await ticket(subject, password, 'cookie')
      heard.events.push(`ticket ${status}`)
    },
    onconnect: () => heard.events.push('connected'),
    ondisconnect: (error) => heard.events.push(`disconnected: ${error.message}`),
    onrecoverfailed: (name, error) => heard.events.push(`not recovered: ${name}: ${error.message}`),
  })
  const own = await session.queue(queue, { durable: true })
  await own.subscribe({ noAck: false }, (message) => {
    heard.received.push(Number(message.bodyString()))
  })
}

/** Publishes a number with confirm and tells which ones the broker confirmed; failures are the page's to repeat. */
export async function publish(queue, from, to) {
  for (let n = from; n < to; n++) {
    const own = await session.queue(queue, { durable: true }).catch(() => undefined)
    const outcome = await own?.publish(`${n}`, { deliveryMode: 2 }).then(
      () => 'confirmed',
      () => 'failed',
    )
    heard[outcome ?? 'failed'].push(n)
  }
  return heard
}

export const told = () => heard

export async function stopSession() {
  await session.stop()
}
