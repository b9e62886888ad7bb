import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  checkMethod,
  checkShape,
  decodeMethod,
  encodeMethod,
  indexOf,
  METHOD_IDS_BYTES,
  METHOD_NAMES,
  MethodView,
  methodFrame,
  peek,
} from '../../../../proxy/codec/method.ts'
import { METHODS, type MethodFieldName, type MethodName } from '../../../../proxy/codec/spec.ts'
import { ConnectionFault } from '../../../../proxy/faults.ts'

const PUBLISH = encodeMethod('basic.publish', {
  exchange: 'quotes',
  routingKey: 'fx.eur',
  mandatory: true,
  immediate: false,
})

function check(name: MethodName, payload: Buffer): void {
  checkMethod(indexOf(name), payload, METHOD_IDS_BYTES, payload.length)
}

function refused(name: MethodName, payload: Buffer, text: string): void {
  assert.throws(
    () => check(name, payload),
    (error) => {
      assert.ok(error instanceof ConnectionFault)
      assert.equal(error.replyText, text)
      const [classId, methodId] = METHODS[name].id
      assert.deepEqual(error.caused, { classId, methodId })
      return true
    },
  )
}

function changed(payload: Buffer, at: number, octet: number): Buffer {
  const copy = Buffer.from(payload)
  copy[at < 0 ? copy.length + at : at] = octet
  return copy
}

describe('checkMethod', () => {
  it('passes what is canonical, and nothing when there are no arguments', () => {
    check('basic.publish', PUBLISH)
    check('channel.close-ok', encodeMethod('channel.close-ok', {}))
  })

  it('C11 names method and field of what ends too early or goes on too long', () => {
    refused('basic.publish', PUBLISH.subarray(0, 5), 'FRAME_ERROR - reserved1 of basic.publish ends too early')
    refused('basic.publish', PUBLISH.subarray(0, -9), 'FRAME_ERROR - exchange of basic.publish ends too early')
    refused('basic.publish', PUBLISH.subarray(0, -2), 'FRAME_ERROR - routingKey of basic.publish ends too early')
    refused('basic.publish', PUBLISH.subarray(0, -1), 'FRAME_ERROR - immediate of basic.publish ends too early')
    const longer = Buffer.concat([PUBLISH, Buffer.from('secret')])
    refused('basic.publish', longer, 'FRAME_ERROR - basic.publish has bytes behind its end')
  })

  it('C12 refuses every bit that is not defined', () => {
    for (let octet = 0; octet < 256; octet += 1) {
      const payload = changed(PUBLISH, -1, octet)
      if (octet < 4) check('basic.publish', payload)
      else refused('basic.publish', payload, 'SYNTAX_ERROR - immediate of basic.publish has undefined bits set')
    }
    const flow = encodeMethod('channel.flow', { active: true })
    refused('channel.flow', changed(flow, -1, 3), 'SYNTAX_ERROR - active of channel.flow has undefined bits set')
  })

  it('B9 C18 refuses short strings that are not UTF-8, without showing them', () => {
    refused('basic.publish', changed(PUBLISH, 8, 0xff), 'SYNTAX_ERROR - exchange of basic.publish is not valid UTF-8')
    refused(
      'basic.publish',
      changed(PUBLISH, -3, 0xc3),
      'SYNTAX_ERROR - routingKey of basic.publish is not valid UTF-8',
    )
  })

  it('lets long strings be anything, secrets above all', () => {
    check('connection.secure-ok', encodeMethod('connection.secure-ok', { response: Buffer.from([0xff, 0, 0xfe]) }))
  })

  it('checks tables', () => {
    const bind = encodeMethod('queue.bind', {
      queue: 'q',
      exchange: 'e',
      routingKey: '#',
      noWait: false,
      arguments: [{ key: 'k', type: 'V', value: undefined }],
    })
    check('queue.bind', bind)
    refused(
      'queue.bind',
      changed(bind, -1, 0x55),
      'SYNTAX_ERROR - arguments of queue.bind has a table value of an unknown type',
    )
  })
})

describe('checkShape', () => {
  const index = indexOf('basic.publish')
  const shape = (payload: Buffer): void => checkShape(index, payload, METHOD_IDS_BYTES, payload.length)

  it('lets short strings be any bytes', () => {
    shape(changed(changed(PUBLISH, 8, 0xff), -2, 0xc3))
  })

  it('is strict about everything else', () => {
    for (let length = METHOD_IDS_BYTES; length < PUBLISH.length; length += 1) {
      assert.throws(() => shape(PUBLISH.subarray(0, length)), ConnectionFault)
    }
    assert.throws(() => shape(Buffer.concat([PUBLISH, PUBLISH])), ConnectionFault)
    assert.throws(() => shape(changed(PUBLISH, -1, 0x80)), ConnectionFault)
  })
})

describe('decodeMethod', () => {
  it('takes a reply text that the broker has cut inside a character, when told so', () => {
    const whole = { replyCode: 404, replyText: `${'x'.repeat(253)}ä`, classId: 50, methodId: 10 }
    const payload = changed(encodeMethod('channel.close', whole), -5, 0x2e)
    const read = (check?: typeof checkMethod): unknown =>
      decodeMethod('channel.close', payload, METHOD_IDS_BYTES, payload.length, check)
    assert.throws(() => read(), ConnectionFault)
    assert.deepEqual(read(checkShape), { ...whole, replyText: `${'x'.repeat(253)}\ufffd.` })
  })

  it('checks before it decodes', () => {
    assert.throws(() => decodeMethod('basic.publish', PUBLISH, METHOD_IDS_BYTES, PUBLISH.length - 1), ConnectionFault)
  })

  it('hands out long strings as views', () => {
    const payload = encodeMethod('connection.secure-ok', { response: Buffer.from('secret') })
    const { response } = decodeMethod('connection.secure-ok', payload, METHOD_IDS_BYTES, payload.length)
    payload.fill(0, METHOD_IDS_BYTES)
    assert.equal(response.toString(), '\0'.repeat(6))
  })

  it('C19 keeps numbers of 64 bits exact', () => {
    for (const deliveryTag of [2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      const payload = encodeMethod('basic.ack', { deliveryTag, multiple: false })
      assert.equal(decodeMethod('basic.ack', payload, METHOD_IDS_BYTES, payload.length).deliveryTag, deliveryTag)
    }
  })
})

describe('encodeMethod', () => {
  it('leaves reserved fields zero', () => {
    assert.equal(PUBLISH.toString('hex', 0, 6), '003c00280000')
    assert.equal(encodeMethod('channel.open-ok', {}).toString('hex'), '0014000b00000000')
  })

  it('packs bits from the lowest up', () => {
    const bits = { exclusive: false, passive: true, active: false, write: false, read: true }
    assert.equal(encodeMethod('access.request', { realm: '', ...bits }).toString('hex'), '001e000a00' + '12')
  })

  it('refuses what does not fit, and never truncates', () => {
    const close = { replyText: '', classId: 0, methodId: 0 }
    assert.throws(() => encodeMethod('connection.close', { ...close, replyCode: 65536 }), RangeError)
    assert.throws(() => encodeMethod('connection.close', { ...close, replyCode: 320.5 }), RangeError)
    assert.throws(
      () => encodeMethod('connection.close', { ...close, replyCode: 320, replyText: 'ä'.repeat(128) }),
      RangeError,
    )
    assert.throws(() => encodeMethod('basic.ack', { deliveryTag: -1n, multiple: false }), RangeError)
  })
})

describe('methodFrame', () => {
  it('is the payload in a whole frame', () => {
    const { exchange, routingKey } = { exchange: 'quotes', routingKey: 'fx.eur' }
    const whole = methodFrame(515, 'basic.publish', { exchange, routingKey, mandatory: true, immediate: false })
    assert.equal(whole.toString('hex'), `01020300000015${PUBLISH.toString('hex')}ce`)
  })

  it('refuses a channel that does not fit', () => {
    assert.throws(() => methodFrame(65536, 'channel.close-ok', {}), RangeError)
    assert.throws(() => methodFrame(-1, 'channel.close-ok', {}), RangeError)
  })
})

describe('peek', () => {
  it('reads one field, wherever the arguments begin', () => {
    const shifted = Buffer.concat([Buffer.from('-----'), PUBLISH])
    assert.equal(peek('basic.publish', 'routingKey')(PUBLISH, 4), 'fx.eur')
    assert.equal(peek('basic.publish', 'routingKey')(shifted, 9), 'fx.eur')
    assert.equal(peek('basic.publish', 'mandatory')(shifted, 9), true)
    assert.equal(peek('basic.publish', 'immediate')(shifted, 9), false)
  })

  it('gets over tables, long strings and octets of bits', () => {
    const arguments_ = [{ key: 'k', type: 'S', value: Buffer.from('v') }] as const
    const start = encodeMethod('connection.start', {
      versionMajor: 0,
      versionMinor: 9,
      serverProperties: arguments_,
      mechanisms: Buffer.from('PLAIN'),
      locales: Buffer.from('en_US'),
    })
    assert.equal(peek('connection.start', 'locales')(start, 4).toString(), 'en_US')
    const getOk = { deliveryTag: 7n, redelivered: true, exchange: 'e', routingKey: 'k', messageCount: 9 }
    assert.equal(peek('basic.get-ok', 'messageCount')(encodeMethod('basic.get-ok', getOk), 4), 9)
    const declare = encodeMethod('queue.declare', {
      queue: 'q',
      passive: false,
      durable: true,
      exclusive: false,
      autoDelete: false,
      noWait: false,
      arguments: arguments_,
    })
    assert.deepEqual(peek('queue.declare', 'arguments')(declare, 4), arguments_)
  })
})

describe('MethodView', () => {
  const view = new MethodView()

  it('shows one method after the other', () => {
    view.set(indexOf('basic.publish'), 3, PUBLISH, METHOD_IDS_BYTES, PUBLISH.length)
    assert.deepEqual([view.name, view.channel, view.field('exchange')], ['basic.publish', 3, 'quotes'])
    const ack = encodeMethod('basic.ack', { deliveryTag: 5n, multiple: true })
    view.set(indexOf('basic.ack'), 4, ack, METHOD_IDS_BYTES, ack.length)
    assert.deepEqual([view.name, view.field('deliveryTag'), view.field('multiple')], ['basic.ack', 5n, true])
  })

  it('refuses fields that the method does not have', () => {
    const ok = encodeMethod('channel.close-ok', {})
    view.set(indexOf('channel.close-ok'), 1, ok, METHOD_IDS_BYTES, ok.length)
    assert.throws(() => view.field('queue'), RangeError)
  })

  it('has every field of every method', () => {
    for (const [index, name] of METHOD_NAMES.entries()) {
      view.set(index, 1, Buffer.alloc(40), 0, 40)
      for (const field of Object.keys(METHODS[name].fields)) view.field(field as MethodFieldName)
    }
  })
})
