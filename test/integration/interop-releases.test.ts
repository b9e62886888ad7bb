/**
 * Where RabbitMQ's releases differ, measured straight at the one at hand, and what a client sees of that through the
 * gateway: the same in front of each. docs/brokers.md is the table; `npm run test:brokers` runs this against several.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame, PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import type { MethodName } from '../../proxy/codec/spec.ts'
import type { TableEntry } from '../../proxy/codec/table.ts'
import { openWebSocket } from '../support/amqplib-over-websocket.ts'
import { BareClient } from '../support/bare-client.ts'
import { basic } from '../support/door.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { isClosed, RawClient } from '../support/raw-client.ts'
import { type SeenFrame, Transcript } from '../support/seen-frames.ts'
import { until, within } from '../support/until.ts'

const MIB = 1024 * 1024

let live: LiveGateway
/** Release of the broker at hand: 4.3.6 → 40306. */
let release: number
before(async () => {
  live = await startLiveGateway({ tap: {} })
  const [major = 0, minor = 0, patch = 0] = live.broker.rabbit.version.split('.').map(Number)
  release = major * 10_000 + minor * 100 + patch
})
after(() => live.stop())

const upgrade = () => BareClient.upgrade(live.url(), { headers: { authorization: basic() } })

/** The broker leg of the last connection, frame by frame. */
async function brokerLeg(): Promise<Transcript> {
  const recorded = new Transcript(true)
  recorded.add((await live.tap.connection(live.tap.connections.length - 1)).fromClient)
  return recorded
}

function publish(client: BareClient, routingKey: string, body: Buffer, pieceBytes: number): void {
  client.send('basic.publish', { exchange: '', routingKey, mandatory: false, immediate: false }, 1)
  client.write(frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: body.length })))
  for (let at = 0; at < body.length; at += pieceBytes) {
    client.write(frame(FRAME_BODY, 1, body.subarray(at, at + pieceBytes)))
  }
}

const queue = (name: string, more: object = {}) => ({
  queue: name,
  passive: false,
  durable: false,
  exclusive: true,
  autoDelete: false,
  noWait: false,
  arguments: [],
  ...more,
})

describe('a client with frames of 4096 bytes', () => {
  it('is served by every release, with bodies cut as each leg wants them', async () => {
    const client = await upgrade()
    await client.open({ tuneOk: { frameMax: 4096 } })
    await client.channel()
    client.send('queue.declare', queue('small-frames'), 1)
    await client.received.method('queue.declare-ok')
    const body = Buffer.from(Array.from({ length: 50_000 }, (_, at) => at % 251))
    publish(client, 'small-frames', body, 4088)
    client.send(
      'basic.consume',
      {
        queue: 'small-frames',
        consumerTag: 'c',
        noLocal: false,
        noAck: true,
        exclusive: false,
        noWait: false,
        arguments: [],
      },
      1,
    )
    await client.received.method('basic.deliver')

    const bodies = (): SeenFrame[] => client.received.frames.filter(({ type }) => type === FRAME_BODY)
    await until(() => Buffer.concat(bodies().map(({ payload }) => payload)).equals(body), 'the body')
    for (const { payload } of client.received.frames) assert.ok(payload.length <= 4088)
    const tuned = (await brokerLeg()).frames.find(({ name }) => name === 'connection.tune-ok')
    assert.equal(tuned?.fields['frameMax'], 8192)
    client.vanish()
  })

  it('could not be served by 4.1 and later otherwise', async () => {
    const { smithj } = live.users
    const direct = RawClient.overTcp(live.broker, smithj, live.broker.vhost, 4096)
    if (release >= 40_100) await assert.rejects(direct)
    else (await direct).close()
  })
})

describe('a client with much to say of itself', () => {
  const filler = (key: string): TableEntry => ({ key, type: 'S', value: Buffer.alloc(12_000, 'x') })
  const cases: Record<string, readonly TableEntry[]> = {
    properties: [
      filler('information'),
      { key: 'capabilities', type: 'F', value: [{ key: 'basic.nack', type: 't', value: true }] },
    ],
    capabilities: [
      { key: 'capabilities', type: 'F', value: [filler('x'), { key: 'basic.nack', type: 't', value: true }] },
    ],
  }
  for (const [what, clientProperties] of Object.entries(cases)) {
    it(`gets in with 12 KB of ${what}, which a broker before 4.1 would not take`, async () => {
      const client = await upgrade()
      await client.open({ startOk: { clientProperties } })

      const [startOk] = (await brokerLeg()).frames
      assert.ok((startOk?.payload.length ?? 0) <= 4096 - 8)
      const row = await until(async () => {
        const rows = await live.broker.connections()
        return rows.find(({ client_properties: of }) => String(of?.['connection_name']).startsWith('joe.smith '))
      }, 'the connection in the list of the broker')
      const capabilities = row.client_properties?.['capabilities'] as Record<string, unknown>
      assert.equal(capabilities['basic.nack'], true)
      client.send('connection.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 })
      await client.closed
      await until(async () => (await live.broker.connections()).length === 0, 'no connection')
    })
  }
})

describe('the opening', () => {
  for (const mechanism of ['ANONYMOUS', 'AMQPLAIN', 'EXTERNAL', 'NO-SUCH-MECHANISM']) {
    it(`by ${mechanism} makes a client no other than its promoted self`, async () => {
      const client = await upgrade()
      await client.open({ startOk: { mechanism, response: Buffer.alloc(0) } })
      const [startOk] = (await brokerLeg()).frames
      assert.equal(startOk?.fields['mechanism'], 'PLAIN')
      client.vanish()
    })
  }

  it('by the header of AMQP 1.0, which 4.0 and later speak, ends at the gateway', async () => {
    for (const header of ['AMQP\0\x01\0\0', 'AMQP\x03\x01\0\0']) {
      const socket = await openWebSocket(live.url(), { websocket: { headers: { authorization: basic() } } })
      const answer = once(socket, 'message')
      const closed = once(socket, 'close')
      socket.send(Buffer.from(header, 'latin1'))

      assert.deepEqual((await within(answer, 'the answer'))[0], PROTOCOL_HEADER)
      assert.equal((await within(closed, 'the close'))[0], 1002)
      const { fromClient } = await live.tap.connection(live.tap.connections.length - 1)
      assert.ok(fromClient.length === 0 || fromClient.equals(PROTOCOL_HEADER))
    }
  })
})

describe('what is too much', () => {
  it('is told alike: a message above the limit is 311 at the gateway, and never reaches the broker', async () => {
    const client = await upgrade()
    await client.open()
    await client.channel()
    client.send('basic.publish', { exchange: '', routingKey: 'q', mandatory: false, immediate: false }, 1)
    client.write(frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: 16 * MIB + 1 })))

    const { fields } = await client.received.method('channel.close')
    assert.equal(fields.replyCode, 311)
    assert.equal((await brokerLeg()).names().includes('basic.publish'), false)
    client.vanish()
  })

  it('is 406 by 4.0 and later themselves, above 16 MiB', async () => {
    const direct = await RawClient.overTcp(live.broker, live.users.smithj, live.broker.vhost)
    direct.write(frame(1, 1, Buffer.concat([Buffer.from([0, 60, 0, 40, 0, 0, 0, 1, 113, 0])])))
    direct.write(frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: 16 * MIB + 1 })))
    const piece = frame(FRAME_BODY, 1, Buffer.alloc(65_536))
    for (let n = 0; n < 256; n++) direct.write(piece)
    direct.write(frame(FRAME_BODY, 1, Buffer.alloc(1)))
    const verdict = await direct.verdict()
    assert.equal(isClosed(verdict) ? verdict.code : verdict, release >= 40_000 ? 406 : 'open')
    direct.close()
  })
})

describe('what each release thinks of', () => {
  /** Asks the broker itself, as somebody who may only do what begins with `own`. */
  async function asked(method: MethodName, fields: object, answer: MethodName): Promise<string> {
    const limited = await live.broker.user('limited', {
      permission: { configure: '^own', write: '^own', read: '^own' },
    })
    const direct = await RawClient.overTcp(live.broker, limited, live.broker.vhost)
    const found = await direct.call(method as 'queue.declare', fields as never, answer as 'queue.declare-ok')
    direct.close()
    return isClosed(found) ? `${found.code} ${found.text}` : 'ok'
  }

  it('a passive declaration without any permission: a look for free until 4.2.6', async () => {
    const judge = await live.broker.judge()
    await (await judge.createChannel()).assertQueue('foreign', { durable: true })
    await judge.close()
    const said = await asked('queue.declare', queue('foreign', { passive: true, exclusive: false }), 'queue.declare-ok')
    assert.match(said, release >= 40_206 ? /^403 / : /^ok$/)
  })

  it('a declaration without permission: 403, and since 4.0 which of the three was missing', async () => {
    const said = await asked('queue.declare', queue('foreign-too'), 'queue.declare-ok')
    assert.match(said, /^403 ACCESS_REFUSED - .*access to queue 'foreign-too' in vhost '.*' refused for user 'limited-/)
    assert.equal(said.includes('configure access'), release >= 40_000)
  })

  it('an exchange of unknown type: the end of the connection, since 4.0 of the channel', async () => {
    const exchange = { exchange: 'own.x', type: 'nope', passive: false, durable: false, autoDelete: false }
    const fields = { ...exchange, internal: false, noWait: false, arguments: [] }
    const said = await asked('exchange.declare', fields, 'exchange.declare-ok')
    assert.match(said, release >= 40_000 ? /^406 / : /^503 /)
  })
})
