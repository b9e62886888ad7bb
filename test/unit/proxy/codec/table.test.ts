import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TABLE_DEPTH_MAX, TABLE_ENTRIES_MAX } from '../../../../proxy/codec/scan.ts'
import { checkTable, decodeTable, encodeTable, find, findAll, type Table } from '../../../../proxy/codec/table.ts'
import { ConnectionFault } from '../../../../proxy/faults.ts'

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** A table of one entry `k` of this type. */
function single(type: string, value: Buffer): Buffer {
  return withLength(Buffer.concat([Buffer.from(`\u0001k${type}`), value]))
}

/** As many containers inside each other, the outermost a table. */
function nested(depth: number, type: 'F' | 'A'): Buffer {
  const head = type === 'F' ? Buffer.from('\u0001kF') : Buffer.from('A')
  const outermost = Buffer.from(`\u0001k${type}`)
  const parts: Buffer[] = []
  let size = 0
  for (let level = 1; level < depth; level += 1) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(size)
    const tag = level === depth - 1 ? outermost : head
    parts.push(Buffer.concat([tag, length]))
    size += tag.length + 4
  }
  return withLength(Buffer.concat(parts.reverse()))
}

function refused(table: Buffer, text: RegExp, end = table.length): void {
  assert.throws(
    () => checkTable(table, 0, end),
    (error) => error instanceof ConnectionFault && text.test(error.message),
  )
}

const check = (table: Buffer): number => checkTable(table, 0, table.length)

describe('checkTable', () => {
  const sizes: Readonly<Record<string, number>> = {
    t: 1,
    b: 1,
    B: 1,
    s: 2,
    u: 2,
    I: 4,
    i: 4,
    l: 8,
    L: 8,
    f: 4,
    d: 8,
    D: 5,
    T: 8,
    V: 0,
  }

  it('C13 accepts exactly RabbitMQ’s types, each of exactly its size', () => {
    for (let octet = 0; octet < 256; octet += 1) {
      const tag = Buffer.from([1, 0x6b, octet])
      const type = String.fromCharCode(octet)
      const size = sizes[type]
      if (size !== undefined) {
        // 0x5a in every octet is a number in every type.
        const whole = withLength(Buffer.concat([tag, Buffer.alloc(size, 0x5a)]))
        assert.equal(check(whole), whole.length, type)
        if (size > 0) refused(withLength(Buffer.concat([tag, Buffer.alloc(size - 1)])), /lengths do not agree/)
        refused(withLength(Buffer.concat([tag, Buffer.alloc(size + 1)])), /SYNTAX_ERROR/)
      } else if ('SxAF'.includes(type)) {
        const whole = withLength(Buffer.concat([tag, Buffer.alloc(4)]))
        assert.equal(check(whole), whole.length, type)
        for (const cut of [0, 1, 3])
          refused(withLength(Buffer.concat([tag, Buffer.alloc(cut)])), /lengths do not agree/)
      } else {
        refused(withLength(tag), /unknown type/)
      }
    }
  })

  it('refuses numbers that are none, on which RabbitMQ drops the connection', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const [float, double] = [Buffer.alloc(4), Buffer.alloc(8)]
      float.writeFloatBE(value)
      double.writeDoubleBE(value)
      refused(single('f', float), /infinite or not a number/)
      refused(single('d', double), /infinite or not a number/)
      assert.throws(() => encodeTable([{ key: 'k', type: 'f', value }]), RangeError)
      assert.throws(() => encodeTable([{ key: 'k', type: 'd', value }]), RangeError)
    }
    for (const value of [0, -0, Number.MAX_VALUE, Number.MIN_VALUE, -Number.MAX_VALUE]) {
      const bytes = encodeTable([{ key: 'k', type: 'd', value }])
      assert.equal(check(bytes), bytes.length)
    }
    const float = single('f', Buffer.from([0x7f, 0x7f, 0xff, 0xff]))
    assert.equal(check(float), float.length, 'the largest number of single precision')
  })

  it('starts and ends where it is told', () => {
    const table = single('I', Buffer.alloc(4))
    const inside = Buffer.concat([Buffer.from('--'), table, Buffer.from('--')])
    assert.equal(checkTable(inside, 2, inside.length), 2 + table.length)
    assert.throws(() => checkTable(inside, 2, 2 + table.length - 1), ConnectionFault)
    assert.throws(() => checkTable(inside, 2, 5), ConnectionFault)
  })

  it('C17 accepts an empty table, empty keys and the same key twice', () => {
    assert.equal(check(withLength(Buffer.alloc(0))), 4)
    const twice = withLength(Buffer.from('\u0000V\u0000V'))
    assert.equal(check(twice), twice.length)
  })

  it('C14 refuses lengths that reach beyond what is around them', () => {
    refused(Buffer.from([0xff, 0xff, 0xff, 0xff, 0]), /ends too early/)
    for (const type of 'SxAF') {
      refused(single(type, Buffer.from([0, 0, 0, 1])), /lengths do not agree/)
      refused(single(type, Buffer.from([0xff, 0xff, 0xff, 0xff])), /lengths do not agree/)
    }
    refused(withLength(Buffer.from('\u0005ab')), /lengths do not agree/)
    refused(withLength(Buffer.from('\u0001k')), /lengths do not agree/)
  })

  it('C14 does not let a value run over the end of its own table into the one around it', () => {
    const inner = Buffer.concat([Buffer.from('\u0001kF\u0000\u0000\u0000\u0003\u0001kI'), Buffer.alloc(4)])
    refused(withLength(inner), /lengths do not agree/)
    const element = Buffer.concat([Buffer.from('\u0001kA\u0000\u0000\u0000\u0001l'), Buffer.alloc(8)])
    refused(withLength(element), /lengths do not agree/)
  })

  it('goes back to arrays and tables in the right order', () => {
    const table: Table = [
      {
        key: 'a',
        type: 'A',
        value: [
          { type: 'F', value: [{ key: 'f', type: 'A', value: [{ type: 'V', value: undefined }] }] },
          { type: 'I', value: 1 },
        ],
      },
      { key: 'b', type: 'F', value: [] },
      { key: 'c', type: 'V', value: undefined },
    ]
    const bytes = encodeTable(table)
    assert.equal(check(bytes), bytes.length)
    assert.deepEqual(decodeTable(bytes, 0, bytes.length), table)
  })

  it('C18 refuses keys that are not UTF-8, and lets byte strings be anything', () => {
    refused(withLength(Buffer.from([1, 0xff, 0x56])), /not valid UTF-8/)
    const opaque = single('S', Buffer.from([0, 0, 0, 1, 0xff]))
    assert.equal(check(opaque), opaque.length)
  })

  it(`C15 accepts ${TABLE_DEPTH_MAX} tables inside each other, and not one more`, () => {
    for (const type of ['F', 'A'] as const) {
      const deepest = nested(TABLE_DEPTH_MAX, type)
      assert.equal(check(deepest), deepest.length)
      decodeTable(deepest, 0, deepest.length)
      refused(nested(TABLE_DEPTH_MAX + 1, type), /nested too deeply/)
    }
  })

  it('C15 refuses 21000 levels without using up the stack', () => {
    const deep = nested(21_000, 'F')
    refused(deep, /nested too deeply/)
    assert.throws(() => decodeTable(deep, 0, deep.length), ConnectionFault)
  })

  it(`C15 D14 accepts ${TABLE_ENTRIES_MAX} entries on all levels together, and not one more`, () => {
    const entries = (count: number): Buffer => Buffer.from('\u0000V'.repeat(count))
    const whole = withLength(entries(TABLE_ENTRIES_MAX))
    assert.equal(check(whole), whole.length)
    refused(withLength(entries(TABLE_ENTRIES_MAX + 1)), /too many table entries/)
    const spread = Buffer.concat([Buffer.from('\u0000A'), withLength(Buffer.from('V'.repeat(1000))), entries(24)])
    refused(withLength(spread), /too many table entries/)
  })
})

describe('decoding', () => {
  it('C16 keeps keys that would bite in a plain object as what they are', () => {
    const table: Table = [
      { key: '__proto__', type: 'F', value: [{ key: 'polluted', type: 't', value: true }] },
      { key: 'constructor', type: 'V', value: undefined },
    ]
    const bytes = encodeTable(table)
    const decoded = decodeTable(bytes, 0, bytes.length)
    assert.deepEqual(decoded, table)
    assert.equal(Reflect.get({}, 'polluted'), undefined)
    assert.equal(find(decoded, 'toString'), undefined)
    assert.equal(find(decoded, '__proto__')?.type, 'F')
  })

  it('finds the first entry with a key, and all of them', () => {
    const table: Table = [
      { key: 'x', type: 'I', value: 1 },
      { key: 'y', type: 'V', value: undefined },
      { key: 'x', type: 't', value: true },
    ]
    assert.deepEqual(find(table, 'x'), table[0])
    assert.deepEqual(findAll(table, 'x'), [table[0], table[2]])
    assert.deepEqual(findAll(table, 'z'), [])
  })

  it('takes any octet but zero for true', () => {
    const bytes = single('t', Buffer.from([2]))
    assert.deepEqual(decodeTable(bytes, 0, bytes.length), [{ key: 'k', type: 't', value: true }])
  })

  it('hands out byte strings as views', () => {
    const bytes = single('x', withLength(Buffer.from('abc')))
    const [entry] = decodeTable(bytes, 0, bytes.length)
    assert.ok(entry?.type === 'x')
    bytes.write('A', bytes.length - 3)
    assert.equal(entry.value.toString(), 'Abc')
  })
})

describe('encodeTable', () => {
  const refusals: readonly (readonly [string, Table])[] = [
    ['an integer beyond its type', [{ key: 'k', type: 'b', value: 128 }]],
    ['a negative number where there is none', [{ key: 'k', type: 'u', value: -1 }]],
    ['a fraction where there is none', [{ key: 'k', type: 'I', value: 1.5 }]],
    ['a number beyond signed 64 bits', [{ key: 'k', type: 'l', value: 2n ** 63n }]],
    ['a negative timestamp', [{ key: 'k', type: 'T', value: -1n }]],
    ['a number that single precision would change', [{ key: 'k', type: 'f', value: 0.1 }]],
    ['a decimal beyond its digits', [{ key: 'k', type: 'D', value: { scale: 0, digits: 2 ** 32 } }]],
    ['a key above 255 bytes', [{ key: 'k'.repeat(256), type: 'V', value: undefined }]],
    [
      'too many entries',
      Array.from({ length: TABLE_ENTRIES_MAX + 1 }, () => ({ key: '', type: 'V', value: undefined }) as const),
    ],
  ]
  for (const [what, table] of refusals) {
    it(`refuses ${what}`, () => {
      assert.throws(() => encodeTable(table), RangeError)
    })
  }

  it('refuses to nest deeper than it would read', () => {
    let table: Table = []
    for (let depth = 1; depth < TABLE_DEPTH_MAX; depth += 1) table = [{ key: 'k', type: 'F', value: table }]
    assert.equal(check(encodeTable(table)), encodeTable(table).length)
    assert.throws(() => encodeTable([{ key: 'k', type: 'F', value: table }]), RangeError)
  })
})
