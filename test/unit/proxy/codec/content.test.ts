import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  bodySizeOf,
  ContentHeader,
  contentHeaderFrame,
  encodeContentHeader,
  type HeaderChanges,
  HeaderRewrite,
  type Properties,
  rewrite,
} from '../../../../proxy/codec/content.ts'
import type { Table } from '../../../../proxy/codec/table.ts'
import { ConnectionFault } from '../../../../proxy/faults.ts'

const HEADERS: Table = [
  { key: 'CC', type: 'A', value: [{ type: 'S', value: Buffer.from('a.b') }] },
  { key: 'x-gatehouse-user', type: 'S', value: Buffer.from('mallory') },
  { key: 'trace', type: 'F', value: [{ key: 'x-gatehouse-user', type: 'V', value: undefined }] },
]

const PROPERTIES: Properties = {
  contentType: 'text/plain',
  headers: HEADERS,
  deliveryMode: 2,
  correlationId: 'ü',
  timestamp: 2n ** 63n,
  userId: 'joe',
}

function headerOf(payload: Buffer): ContentHeader {
  return new ContentHeader().read(payload, 0, payload.length)
}

function refused(payload: Buffer, text: string): void {
  assert.throws(
    () => headerOf(payload),
    (error) => error instanceof ConnectionFault && error.replyText === text,
  )
}

/** All properties of a payload, decoded. */
function read(payload: Buffer): Properties {
  const header = headerOf(payload)
  const names = ['contentType', 'headers', 'deliveryMode', 'correlationId', 'timestamp', 'userId', 'appId'] as const
  return Object.fromEntries(names.filter((name) => header.has(name)).map((name) => [name, header.property(name)]))
}

function rewritten(changes: HeaderChanges, properties: Properties = PROPERTIES): Properties {
  return read(rewrite(headerOf(encodeContentHeader({ bodySize: 5, properties })), changes))
}

describe('ContentHeader', () => {
  it('finds properties without decoding the others', () => {
    const payload = encodeContentHeader({ bodySize: 5, properties: PROPERTIES })
    const header = new ContentHeader().read(Buffer.concat([Buffer.from('--'), payload]), 2, 2 + payload.length)
    assert.equal(header.bodySize, 5n)
    assert.equal(header.bodyBytes, 5)
    assert.equal(header.has('userId'), true)
    assert.equal(header.has('replyTo'), false)
    assert.equal(header.property('replyTo'), undefined)
    assert.equal(header.property('correlationId'), 'ü')
    assert.equal(header.property('timestamp'), 2n ** 63n)
    assert.deepEqual(header.property('headers'), HEADERS)
    assert.equal(header.raw('userId')?.toString(), '\u0003joe')
    assert.equal(header.raw('headers')?.readUInt32BE(0), (header.raw('headers')?.length ?? 0) - 4)
    assert.equal(header.raw('appId'), undefined)
  })

  it('forgets the last header when it reads the next', () => {
    const payload = encodeContentHeader({ bodySize: 5, properties: PROPERTIES })
    const header = headerOf(payload)
    const bare = encodeContentHeader({ bodySize: 0 })
    header.read(bare, 0, bare.length)
    assert.equal(header.has('userId'), false)
    assert.equal(header.raw('headers'), undefined)
    assert.equal(header.bodySize, 0n)
  })

  it('has no properties after a fault', () => {
    const header = headerOf(encodeContentHeader({ bodySize: 5, properties: { userId: 'joe' } }))
    const cut = encodeContentHeader({ bodySize: 6, properties: { userId: 'jim', appId: 'x' } }).subarray(0, -1)
    assert.throws(() => header.read(cut, 0, cut.length), ConnectionFault)
    assert.equal(header.property('userId'), undefined)
    assert.equal(header.property('appId'), undefined)
  })

  it('C9 C19 reads body sizes unsigned and exact', () => {
    for (const bodySize of [2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      const header = headerOf(encodeContentHeader({ bodySize }))
      assert.equal(header.bodySize, bodySize)
      assert.equal(header.bodyBytes, Number(bodySize))
    }
  })

  it('C10 refuses another class, a weight, and what is too short', () => {
    const payload = encodeContentHeader({ bodySize: 5 })
    const expected = 'UNEXPECTED_FRAME - expected a content header of class 60 and weight 0'
    for (const at of [0, 1, 2, 3]) {
      const other = Buffer.from(payload)
      other[at] = 7
      refused(other, expected)
      assert.throws(() => bodySizeOf(other, 0, other.length), ConnectionFault)
    }
    for (let length = 0; length < payload.length; length += 1) {
      refused(payload.subarray(0, length), 'FRAME_ERROR - a content header ends too early')
      assert.throws(() => bodySizeOf(payload, 0, length), ConnectionFault)
    }
  })

  it('B24 refuses flags that no property has', () => {
    for (const flag of [1, 2, 3]) {
      const payload = encodeContentHeader({ bodySize: 5 })
      payload.writeUInt16BE(flag, 12)
      refused(payload, 'SYNTAX_ERROR - the flags of a content header has undefined bits set')
    }
  })

  it('refuses properties that are cut, malformed, or not announced', () => {
    const payload = encodeContentHeader({
      bodySize: 5,
      properties: { contentType: 'a', deliveryMode: 1, userId: 'joe' },
    })
    refused(payload.subarray(0, 15), 'FRAME_ERROR - contentType of a content header ends too early')
    refused(payload.subarray(0, 16), 'FRAME_ERROR - deliveryMode of a content header ends too early')
    refused(payload.subarray(0, -1), 'FRAME_ERROR - userId of a content header ends too early')
    refused(Buffer.concat([payload, Buffer.from('x')]), 'FRAME_ERROR - a content header has bytes behind its end')
    const broken = Buffer.from(payload)
    broken[broken.length - 1] = 0x80
    refused(broken, 'SYNTAX_ERROR - userId of a content header is not valid UTF-8')
    const headers = encodeContentHeader({
      bodySize: 5,
      properties: { headers: [{ key: 'k', type: 'V', value: undefined }] },
    })
    headers.write('U', headers.length - 1)
    refused(headers, 'SYNTAX_ERROR - headers of a content header has a table value of an unknown type')
  })

  it('says which method’s content it is', () => {
    const payload = encodeContentHeader({ bodySize: 5 })
    const caused = { classId: 60, methodId: 40 }
    assert.throws(
      () => new ContentHeader().read(payload, 0, 13, caused),
      (error) => error instanceof ConnectionFault && error.caused === caused,
    )
  })
})

describe('bodySizeOf', () => {
  it('does not mind properties', () => {
    const payload = Buffer.concat([encodeContentHeader({ bodySize: 2 ** 40 }), Buffer.from('whatever')])
    payload.writeUInt16BE(0xffff, 12)
    assert.equal(bodySizeOf(payload, 0, payload.length), 2 ** 40)
  })
})

describe('encodeContentHeader', () => {
  it('refuses what does not fit', () => {
    assert.throws(() => encodeContentHeader({ bodySize: -1 }), RangeError)
    assert.throws(() => encodeContentHeader({ bodySize: 2n ** 64n }), RangeError)
    assert.throws(() => encodeContentHeader({ bodySize: 0, properties: { userId: 'j'.repeat(256) } }), RangeError)
    assert.throws(() => encodeContentHeader({ bodySize: 0, properties: { priority: 256 } }), RangeError)
  })

  it('makes a whole frame', () => {
    const whole = contentHeaderFrame(2, encodeContentHeader({ bodySize: 1, properties: { priority: 9 } }))
    assert.equal(whole.toString('hex'), '0200020000000f' + '003c0000000000000000' + '00010800' + '09' + 'ce')
  })
})

describe('rewrite', () => {
  it('changes nothing when nothing is asked', () => {
    const payload = encodeContentHeader({ bodySize: 5, properties: PROPERTIES })
    assert.deepEqual(rewrite(headerOf(payload), {}), payload)
    assert.deepEqual(
      rewrite(headerOf(payload), { removeHeaders: () => false, remove: ['appId'], addHeaders: [] }),
      payload,
    )
  })

  it('sets properties, there before or not, and leaves the original alone', () => {
    const payload = encodeContentHeader({ bodySize: 5, properties: PROPERTIES })
    const original = Buffer.from(payload)
    const changed = rewrite(headerOf(payload), { set: { userId: 'webuser', appId: 'ui' } })
    assert.deepEqual(read(changed), { ...PROPERTIES, userId: 'webuser', appId: 'ui' })
    assert.equal(headerOf(changed).bodySize, 5n)
    assert.deepEqual(payload, original)
  })

  it('removes properties', () => {
    const { userId: _, ...rest } = PROPERTIES
    assert.deepEqual(rewritten({ remove: ['userId'] }), rest)
  })

  it('sets a property that is also to be removed', () => {
    assert.equal(rewritten({ remove: ['userId'], set: { userId: 'webuser' } }).userId, 'webuser')
  })

  it('removes entries of the headers, but not of tables inside them', () => {
    const asked: string[] = []
    const removeHeaders = (key: string): boolean => {
      asked.push(key)
      return key.startsWith('x-gatehouse-')
    }
    assert.deepEqual(rewritten({ removeHeaders }).headers, [HEADERS[0], HEADERS[2]])
    assert.deepEqual(asked, ['CC', 'x-gatehouse-user', 'trace'])
    assert.deepEqual(rewritten({ removeHeaders: () => true }).headers, [])
    assert.deepEqual(rewritten({ removeHeaders: (key) => key !== 'trace' }).headers, [HEADERS[2]])
  })

  it('removes every one of several entries with one key', () => {
    const entry = { key: 'k', type: 't', value: true } as const
    const headers: Table = [entry, { key: 'l', type: 'I', value: 1 }, entry, entry]
    assert.deepEqual(rewritten({ removeHeaders: (key) => key === 'k' }, { headers }).headers, [headers[1]])
  })

  it('adds entries behind those that stay, or to headers of their own', () => {
    const stamp = { key: 'x-gatehouse-user', type: 'S', value: Buffer.from('joe.smith') } as const
    const addHeaders: Table = [stamp]
    const removeHeaders = (key: string): boolean => key === stamp.key
    assert.deepEqual(rewritten({ addHeaders, removeHeaders }).headers, [HEADERS[0], HEADERS[2], stamp])
    assert.deepEqual(rewritten({ addHeaders }, { userId: 'joe' }), { userId: 'joe', headers: [stamp] })
    assert.deepEqual(rewritten({ addHeaders, remove: ['headers'] }).headers, [stamp])
  })

  it('copies what it leaves byte for byte, odd encodings included', () => {
    const headers: Table = [{ key: 'flag', type: 't', value: true }]
    const payload = encodeContentHeader({ bodySize: 5, properties: { headers } })
    payload[payload.length - 1] = 2
    const changed = rewrite(headerOf(payload), {
      set: { userId: 'joe' },
      addHeaders: [{ key: '', type: 'V', value: undefined }],
    })
    assert.ok(changed.includes(Buffer.from('\u0004flagt\u0002')))
  })

  it('compiled once, changes header after header and makes whole frames of them', () => {
    const changes = new HeaderRewrite({
      set: { userId: 'webuser' },
      removeHeaders: (key) => key === 'trace',
      addHeaders: [{ key: 'stamp', type: 'S', value: Buffer.alloc(300, 'x') }],
    })
    for (const properties of [PROPERTIES, {}, { headers: HEADERS }]) {
      const header = headerOf(encodeContentHeader({ bodySize: 5, properties }))
      const payload = changes.payload(header)
      assert.equal(read(payload).userId, 'webuser')
      assert.equal(read(payload).headers?.at(-1)?.key, 'stamp')
      assert.deepEqual(changes.frame(7, header), contentHeaderFrame(7, payload))
    }
  })

  it('refuses what does not fit', () => {
    assert.throws(() => rewritten({ set: { userId: 'j'.repeat(256) } }), RangeError)
    assert.throws(() => rewritten({ addHeaders: [{ key: 'k', type: 'b', value: 1000 }] }), RangeError)
  })
})
