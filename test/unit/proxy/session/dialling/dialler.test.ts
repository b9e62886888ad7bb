/** A session over a stream that is no socket: the broker leg knows of its port what every duplex stream has. */
import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { FRAME_BODY, FRAME_HEADER, frame } from '../../../../../proxy/codec/frame.ts'
import { BrokerUnavailable, type Dialler, NO_BROKER } from '../../../../../proxy/index.ts'
import { type FakeBroker, Rig } from '../../../../support/session-rig.ts'

/** One end of a pair. What is written is copied: a secret is overwritten as soon as it counts as taken. */
class MemoryEnd extends Duplex {
  readonly #to: () => Duplex

  constructor(to: () => Duplex) {
    super({ allowHalfOpen: false })
    this.#to = to
  }

  static pair(): readonly [Duplex, Duplex] {
    const one: Duplex = new MemoryEnd(() => other)
    const other: Duplex = new MemoryEnd(() => one)
    return [one, other]
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, taken: () => void): void {
    this.#to().push(Buffer.from(chunk))
    setImmediate(taken)
  }

  override _final(taken: () => void): void {
    this.#to().push(null)
    taken()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#to().readableEnded) this.#to().push(null)
    done(error)
  }
}

/** Both ends of a stream in memory, the other one in the broker's hands. */
function inMemory(broker: FakeBroker): Dialler {
  return {
    hosts: [],
    dial: async () => {
      const [stream, brokersEnd] = MemoryEnd.pair()
      broker.accept(brokersEnd)
      return { stream, node: 'amqp://in-memory', gathers: false }
    },
  }
}

describe('a session over a stream in memory', () => {
  it('opens, relays both ways, and ends as one over TCP', async () => {
    const rig = await Rig.relaying({ dialler: inMemory, limits: { heartbeatSeconds: 0 } }, 1)
    rig.send('basic.publish', { reserved1: 0, exchange: '', routingKey: 'q', mandatory: false, immediate: false }, 1)
    const header = Buffer.alloc(14)
    header.writeUInt16BE(60)
    header.writeBigUInt64BE(300_000n, 4)
    rig.content(FRAME_HEADER, 1, header)
    for (let sent = 0; sent < 3; sent++) rig.content(FRAME_BODY, 1, Buffer.alloc(100_000, 'm'))
    for (let got = 0; got < 3; got++) {
      const { payload } = await rig.broker.record.frame(FRAME_BODY)
      assert.equal(payload.length, 100_000)
    }
    rig.broker.send(
      'basic.deliver',
      { consumerTag: 'c', deliveryTag: 1n, redelivered: false, exchange: '', routingKey: 'q' },
      1,
    )
    header.writeBigUInt64BE(3n, 4)
    rig.broker.write(frame(FRAME_HEADER, 1, header))
    rig.broker.write(frame(FRAME_BODY, 1, Buffer.from('abc')))
    assert.equal(String((await rig.client.frame(FRAME_BODY)).payload), 'abc')
    rig.send('connection.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 })
    await rig.client.method('connection.close-ok')
    const { reason, node } = await rig.ended
    assert.deepEqual([reason, node], ['client-closed', 'amqp://in-memory'])
  })

  it('tells the client at once that the stream has ended: 320, then 1012', async () => {
    const rig = await Rig.relaying({ dialler: inMemory })
    rig.broker.socket?.destroy()
    const { fields } = await rig.client.method('connection.close')
    assert.equal(fields.replyCode, 320)
    rig.send('connection.close-ok', {})
    assert.equal((await rig.closed).code, 1012)
    assert.equal((await rig.ended).reason, 'broker-lost')
  })

  it('tells the client that there is none, whatever a dialler fails of', async () => {
    for (const error of [new BrokerUnavailable('tunnel down', 'unreachable'), new TypeError('defect')]) {
      const rig = await Rig.open({ dialler: () => ({ ...NO_BROKER, dial: () => Promise.reject(error) }) })
      rig.write(Buffer.from('AMQP\0\0\x09\x01', 'latin1'))
      await rig.client.method('connection.start')
      rig.vanish()
      const { reason, detail } = await rig.ended
      assert.equal(reason, 'broker-unavailable')
      assert.match(detail, new RegExp(error.message))
    }
  })
})
