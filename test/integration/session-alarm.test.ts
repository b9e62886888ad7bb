/**
 * A broker under a memory alarm, which stops reading from those who publish: publishers pause, others go on, endings
 * are answered by the gateway, and when the alarm clears nothing is lost.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ConfirmChannel } from 'amqplib'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_HEADER, frame } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import type { AmqplibConnection } from '../support/amqplib-over-websocket.ts'
import { BareClient } from '../support/bare-client.ts'
import { basic } from '../support/door.ts'
import { type LiveGateway, privateBroker, startLiveGateway } from '../support/live-gateway.ts'
import { until, within } from '../support/until.ts'

const PUBLISHERS = 4
/** More than the sockets of both legs and the gateway hold for one session together. */
const MESSAGES = 1_500
const BODY_BYTES = 8_000
/** For one session: the high watermark of its broker leg, and one read of the client's socket. */
const HELD_BYTES_MAX = 256 * 1024 + 64 * 1024 + BODY_BYTES

let live: LiveGateway
before(async () => {
  live = await startLiveGateway({ broker: await privateBroker(), drain: '2s' })
})
after(() => live.stop())

async function alarm(isOn: boolean): Promise<void> {
  await live.broker.rabbit.ctl('set_vm_memory_high_watermark', isOn ? '0.000001' : '0.6')
  await until(
    async () => {
      const nodes = (await live.broker.rabbit.management.request('GET', '/api/nodes')) as { mem_alarm?: boolean }[]
      return nodes[0]?.mem_alarm === isOn
    },
    `memory alarm ${isOn ? 'on' : 'off'}`,
  )
}

/** A client that has published one message and heard that its connection is blocked. */
async function blockedClient(): Promise<BareClient> {
  const client = await BareClient.upgrade(live.url(), { headers: { authorization: basic() } })
  await client.open()
  await client.channel()
  client.write(publish('nowhere'))
  const { fields } = await client.received.method('connection.blocked')
  assert.match(fields.reason, /memory/)
  return client
}

function publish(routingKey: string): Buffer {
  const fields = { exchange: '', routingKey, mandatory: false, immediate: false }
  return Buffer.concat([
    methodFrame(1, 'basic.publish', fields),
    frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: 0 })),
  ])
}

describe('a memory alarm', () => {
  const publishers: { client: AmqplibConnection; channel: ConfirmChannel; queue: string }[] = []
  const heard: string[] = []

  before(async () => {
    for (let n = 0; n < PUBLISHERS; n++) {
      const client = await live.connect(n % 2 === 0 ? 'ada' : 'bob')
      const channel = await client.connection.createConfirmChannel()
      const queue = `alarm-${n}`
      await channel.assertQueue(queue)
      client.connection.on('blocked', (reason: string) => heard.push(`blocked: ${reason}`))
      client.connection.on('unblocked', () => heard.push('unblocked'))
      publishers.push({ client, channel, queue })
    }
    const [first] = publishers
    await first?.channel.assertQueue('stock')
    for (let n = 0; n < 100; n++) first?.channel.sendToQueue('stock', Buffer.from(`${n}`))
    await first?.channel.waitForConfirms()
    await alarm(true)
  })

  it('is told to publishers once they publish, and what they send from then on waits with them', async () => {
    assert.deepEqual(heard, [])
    const confirmed: string[] = []
    for (const { channel, queue } of publishers) {
      for (let n = 0; n < MESSAGES; n++) {
        channel.sendToQueue(queue, Buffer.alloc(BODY_BYTES, n), {}, () => confirmed.push(queue))
      }
    }
    await until(() => heard.length === PUBLISHERS, 'every publisher heard of the alarm')
    assert.deepEqual([...new Set(heard)], ['blocked: low on memory'])

    let last = -1
    let same = 0
    await until(
      async () => {
        const now = await live.metric('gatehouse_bytes_total')
        same = now === last ? same + 1 : 0
        last = now
        return same === 30
      },
      'a standstill',
      30_000,
    )
    const held = await live.metric('gatehouse_buffered_bytes')
    assert.ok(held > PUBLISHERS * 128 * 1024, `only ${held} bytes are held: the broker still reads`)
    assert.ok(held <= PUBLISHERS * HELD_BYTES_MAX, `${held} bytes are held`)
    assert.ok(confirmed.length < PUBLISHERS * MESSAGES)
  })

  it('does not stop those who only consume', async () => {
    const client = await live.connect()
    const channel = await client.connection.createChannel()
    const received: number[] = []
    await channel.consume('stock', (message) => received.push(Number(message?.content)), { noAck: true })
    await until(() => received.length === 100, 'the stock')
    await client.connection.close()
  })

  it('does not keep a client that closes: close-ok at once, then 1000', async () => {
    const client = await blockedClient()
    client.send('connection.close', { replyCode: 200, replyText: 'bye', classId: 0, methodId: 0 })

    await within(client.received.method('connection.close-ok'), 'close-ok', 1_000)
    assert.equal((await within(client.closed, 'the close', 2_000)).code, 1000)
  })

  it('A17 is no word to a client that does not know the word', async () => {
    const client = await BareClient.upgrade(live.url(), { headers: { authorization: basic() } })
    await client.open({
      startOk: { clientProperties: [{ key: 'product', type: 'S', value: Buffer.from('wordless') }] },
    })
    await client.channel()
    client.write(publish('nowhere'))
    await until(async () => {
      const rows = await live.broker.connections()
      return rows.some(({ state, client_properties: of }) => state === 'blocked' && of?.['product'] === 'wordless')
    }, 'the connection blocked in the list of the broker')

    assert.equal(client.received.names().includes('connection.blocked'), false)
    client.vanish()
  })

  it('F13 does not keep the sessions of clients that are gone for more than five seconds', async () => {
    const client = await blockedClient()
    client.vanish()
    await until(() => live.gateway.sessionCount === PUBLISHERS, 'no session but those of the publishers', 8_000)
  })

  it('D10 clears: publishers go on, and everything arrives, once and in order', async () => {
    await alarm(false)
    await Promise.all(publishers.map(({ channel }) => within(channel.waitForConfirms(), 'confirms', 60_000)))

    assert.equal(heard.filter((word) => word === 'unblocked').length, PUBLISHERS)
    for (const { queue } of publishers) assert.equal((await live.broker.queue(queue))?.messages, MESSAGES)
    const judge = await live.broker.judge()
    const channel = await judge.createChannel()
    for (let n = 0; n < 20; n++) {
      const message = await channel.get(publishers[0]?.queue ?? '', { noAck: true })
      assert.deepEqual(message === false ? false : message.content, Buffer.alloc(BODY_BYTES, n))
    }
    await judge.close()
    assert.equal(await live.metric('gatehouse_buffered_bytes'), 0)
    await Promise.all(publishers.map(({ client }) => client.connection.close()))
  })
})

describe('a drain during an alarm', () => {
  it('ends within its bounds, and every client hears why', async () => {
    await alarm(true)
    const clients = await Promise.all(Array.from({ length: 5 }, () => blockedClient()))
    const closes = clients.map(async (client) => {
      const { fields } = await client.received.method('connection.close')
      client.send('connection.close-ok', {})
      return { text: fields.replyText, code: (await client.closed).code }
    })

    await within(live.gateway.close(), 'the drain, and five seconds for the broker', 9_000)

    for (const { text, code } of await Promise.all(closes)) {
      assert.match(text, /^CONNECTION_FORCED - /)
      assert.equal(code, 1012)
    }
  })
})
