/** What a channel owes, read from the bytes of its methods: tags of every width. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { indexOf, methodFrame } from '../../../../../proxy/codec/method.ts'
import { Dues } from '../../../../../proxy/session/relaying/dues.ts'
import { EarlyRoom } from '../../../../../proxy/session/relaying/outstanding.ts'

/** Of a method's arguments in its frame: behind the frame's head and the method's name. [AMQP §4.2.3, §4.2.4] */
const START = 7 + 4
const WHERE = { consumerTag: 'tag', redelivered: false, exchange: '', routingKey: 'key' }

const deliver = (deliveryTag: bigint) => methodFrame(1, 'basic.deliver', { ...WHERE, deliveryTag })
const ack = (deliveryTag: bigint, multiple = false) => methodFrame(1, 'basic.ack', { deliveryTag, multiple })

describe('Dues', () => {
  for (const first of [
    1n,
    2n ** 8n,
    2n ** 16n,
    2n ** 24n,
    2n ** 31n - 2n,
    2n ** 31n,
    2n ** 32n - 2n,
    2n ** 32n,
    2n ** 40n,
  ]) {
    it(`of deliveries from ${first} are settled one by one, in another order, and together`, () => {
      const dues = new Dues(new EarlyRoom())
      const handed = (tag: bigint) => dues.delivered(true, deliver(tag), START)
      for (let tag = first; tag < first + 5n; tag++) handed(tag)
      dues.acknowledged(ack(first), START)
      dues.acknowledged(ack(first + 2n), START)
      dues.forwarded(
        indexOf('basic.reject'),
        methodFrame(1, 'basic.reject', { deliveryTag: first + 1n, requeue: true }),
        START,
      )
      assert.equal(dues.areClients, true)
      dues.acknowledged(ack(first + 3n, true), START)
      assert.equal(dues.areNone, false)
      dues.acknowledged(ack(first + 4n), START)
      assert.equal(dues.areNone, true)
    })
  }

  it('of publishes are settled by confirms, also of several at once', () => {
    const dues = new Dues(new EarlyRoom())
    dues.forwarded(indexOf('confirm.select'), methodFrame(1, 'confirm.select', { noWait: false }), START)
    for (let count = 0; count < 3; count++) dues.published()
    dues.answered(indexOf('basic.ack'), ack(2n, true), START)
    assert.equal(dues.areNone, false)
    dues.answered(
      indexOf('basic.nack'),
      methodFrame(1, 'basic.nack', { deliveryTag: 3n, multiple: false, requeue: false }),
      START,
    )
    assert.equal(dues.areNone, true)
  })
})
