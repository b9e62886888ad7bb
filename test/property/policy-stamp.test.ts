import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ContentHeader, encodeContentHeader, type Properties, rewrite } from '../../proxy/codec/content.ts'
import type { TableEntry } from '../../proxy/codec/table.ts'
import { ReservedNames } from '../../proxy/filters/stamp-names.ts'
import { type Stamps, StampWriter } from '../../proxy/filters/stamp-writer.ts'

const word = fc.constantFrom('', 'a', 'text', 'ü'.repeat(20))
const key = fc.constantFrom('a', 'x-trace', 'X-Gatehouse-User', 'x-gatehouse-a', 'desk', 'Desk', 'CC')
const entry: fc.Arbitrary<TableEntry> = fc.oneof(
  fc.record({ key, type: fc.constant('S' as const), value: word.map((value) => Buffer.from(value)) }),
  fc.record({ key, type: fc.constant('l' as const), value: fc.bigInt({ min: 0n, max: 9n }) }),
  fc.record({
    key,
    type: fc.constant('F' as const),
    value: fc.constant([{ key: 'x-gatehouse-n', type: 'V', value: undefined }] as const),
  }),
)
const properties = fc.record(
  {
    contentType: word,
    contentEncoding: word,
    headers: fc.array(entry, { maxLength: 6 }),
    deliveryMode: fc.constantFrom(1, 2),
    priority: fc.constant(3),
    correlationId: word,
    replyTo: word,
    expiration: word,
    messageId: word,
    timestamp: fc.constant(7n),
    type: word,
    userId: word,
    appId: word,
    clusterId: word,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Properties>
const stamps = fc.record(
  {
    userId: fc.constantFrom('', 'webuser'),
    appId: fc.constantFrom('app'),
    timestamp: fc.constant(() => 1_790_000_000),
    headers: fc.constantFrom<Stamps['headers']>(
      [],
      [
        ['x-gatehouse-user', 'joe'],
        ['desk', 'fx'],
      ],
    ),
  },
  { requiredKeys: ['headers'] },
) as fc.Arbitrary<Stamps>

describe('StampWriter', () => {
  it('writes byte for byte what the codec’s general rewriting writes', () => {
    fc.assert(
      fc.property(properties, stamps, fc.nat(100), (given, wanted, bodySize) => {
        const payload = encodeContentHeader({ bodySize, properties: given })
        const header = new ContentHeader().read(Buffer.concat([Buffer.from('before'), payload]), 6, 6 + payload.length)
        const names = new ReservedNames(wanted.headers.map(([name]) => name))
        const reserved = /^x-gatehouse-/i

        const frame = new StampWriter(wanted, names).write(7, header, names.bytesIn(header))

        const expected = rewrite(header, {
          set: {
            ...(wanted.userId === undefined || wanted.userId === '' ? {} : { userId: wanted.userId }),
            ...(wanted.appId === undefined ? {} : { appId: wanted.appId }),
            ...(wanted.timestamp === undefined ? {} : { timestamp: BigInt(wanted.timestamp()) }),
          },
          remove: wanted.userId === '' ? ['userId'] : [],
          removeHeaders: (name) => reserved.test(name) || (wanted.headers.length > 0 && name.toLowerCase() === 'desk'),
          addHeaders: wanted.headers.map(([name, value]) => ({ key: name, type: 'S', value: Buffer.from(value) })),
        })
        assert.deepEqual(frame.subarray(7, -1), expected)
        assert.deepEqual(
          [frame[0], frame.readUInt16BE(1), frame.readUInt32BE(3), frame.at(-1)],
          [2, 7, expected.length, 0xce],
        )
      }),
      { numRuns: 2000 },
    )
  })
})
