/** The codec against the codecs of two clients: same bytes for same values, same values for same bytes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ContentHeader, contentHeaderFrame, encodeContentHeader } from '../../proxy/codec/content.ts'
import { decodeMethod, METHOD_IDS_BYTES, METHOD_NAMES, methodFrame } from '../../proxy/codec/method.ts'
import { BASIC_CLASS_ID, PROPERTIES, PROPERTY_NAMES, type Properties } from '../../proxy/codec/properties.ts'
import { type Arguments, METHODS, type MethodName } from '../../proxy/codec/spec.ts'
import { decodeTable, encodeTable, type Table, type TableValue } from '../../proxy/codec/table.ts'
import type { WireType } from '../../proxy/codec/value.ts'
import { fieldsOf, properties, table } from '../support/arbitraries.ts'
import {
  amqpClientInput,
  amqpClientOutput,
  amqplib,
  amqplibInput,
  amqplibOutput,
  amqpView,
  asAmqpClientWrites,
  LATEST_SECONDS,
  objectOf,
  tame,
} from '../support/peer-codecs.ts'

const tameTable = table.map(tame)

/** Numbers of 64 bits as both sides can hold them: amqplib has them as doubles. */
function clip(type: WireType, value: unknown): unknown {
  if (type === 'table') return tame(value as Table)
  return typeof value === 'bigint' ? BigInt.asUintN(53, value) : value
}

function toAmqplib(type: WireType, value: unknown, convert: (value: TableValue) => unknown): unknown {
  if (type === 'table') return objectOf(value as Table, convert)
  return typeof value === 'bigint' ? Number(value) : value
}

describe('methods, against amqplib', () => {
  const known = METHOD_NAMES.filter((name) => !name.startsWith('access.'))

  for (const name of known) {
    const [classId, methodId] = METHODS[name].id
    const id = classId * 65_536 + methodId
    const types = Object.entries<WireType>(METHODS[name].fields)

    it(`${name} is written and read alike`, () => {
      const theirNames = amqplib.info(id).args.map((argument) => argument.name)
      assert.deepEqual(
        amqplib.info(id).args.map(({ type }) => type),
        types.map(([, type]) => type),
      )
      fc.assert(
        fc.property(fieldsOf(name), fc.nat({ max: 65_535 }), (generated, channel) => {
          const fields = Object.fromEntries(
            types
              .filter(([field]) => !field.startsWith('reserved'))
              .map(([field, type]) => [field, clip(type, generated[field])]),
          )
          const theirs = (convert: (value: TableValue) => unknown): Record<string, unknown> => {
            const values: Record<string, unknown> = {}
            types.forEach(([field, type], position) => {
              if (field in fields) values[String(theirNames[position])] = toAmqplib(type, fields[field], convert)
            })
            return values
          }
          const ours = methodFrame(channel, name, fields as Arguments<MethodName>)
          assert.deepEqual(amqplib.encodeMethod(id, channel, theirs(amqplibInput)), ours)
          const read = amqplib.decode(id, ours.subarray(7 + METHOD_IDS_BYTES, -1))
          for (const [field, value] of Object.entries(theirs(amqplibOutput)))
            assert.deepEqual(read[field], value, field)
          const back = decodeMethod(name, ours, 7 + METHOD_IDS_BYTES, ours.length - 1)
          for (const [field, value] of Object.entries(fields)) assert.deepEqual(Reflect.get(back, field), value, field)
        }),
        { numRuns: 40 },
      )
    })
  }
})

describe('content headers, against amqplib', () => {
  it('are written and read alike', () => {
    fc.assert(
      fc.property(properties, fc.nat(), (generated, bodySize) => {
        const given = Object.fromEntries(
          Object.entries(generated).map(([name, value]) => [name, clip(PROPERTIES[name as keyof Properties], value)]),
        ) as Properties
        const theirs = (convert: (value: TableValue) => unknown): Record<string, unknown> =>
          Object.fromEntries(
            Object.entries(given).map(([name, value]) => [
              name,
              toAmqplib(PROPERTIES[name as keyof Properties], value, convert),
            ]),
          )
        const payload = encodeContentHeader({ bodySize, properties: given })
        const frame = amqplib.encodeProperties(BASIC_CLASS_ID, 1, bodySize, theirs(amqplibInput))
        assert.deepEqual(frame, contentHeaderFrame(1, payload))
        const read = amqplib.decode(BASIC_CLASS_ID, payload.subarray(12))
        for (const [name, value] of Object.entries(theirs(amqplibOutput))) assert.deepEqual(read[name], value, name)
        const header = new ContentHeader().read(frame, 7, frame.length - 1)
        for (const name of PROPERTY_NAMES) assert.deepEqual(header.property(name), given[name], name)
      }),
      { numRuns: 600 },
    )
  })
})

describe('tables, against amqp-client.js', () => {
  it('are read by it as we wrote them', () => {
    fc.assert(
      fc.property(tameTable, (entries) => {
        const encoded = encodeTable(entries)
        const [read, length] = amqpView(encoded).getTable(0)
        assert.equal(length, encoded.length)
        assert.deepEqual(read, objectOf(entries, amqpClientOutput))
      }),
      { numRuns: 600 },
    )
  })

  it('are written by it as we would', () => {
    fc.assert(
      fc.property(tameTable, (generated) => {
        const entries = generated.map((entry) => ({ key: entry.key, ...asAmqpClientWrites(entry) }))
        const encoded = encodeTable(entries)
        const theirs = Buffer.alloc(encoded.length)
        assert.equal(amqpView(theirs).setTable(0, objectOf(entries, amqpClientInput)), encoded.length)
        assert.deepEqual(theirs, encoded)
        assert.deepEqual(decodeTable(theirs, 0, theirs.length), entries)
      }),
      { numRuns: 600 },
    )
  })
})

describe('content properties, against amqp-client.js', () => {
  // It leaves out what is falsy, does not know cluster-id, and has timestamps as Date.
  function asItKnows({ clusterId: _, ...generated }: Properties): Properties {
    const known = Object.entries(generated).flatMap(([name, value]) => {
      if (name === 'timestamp') return [[name, (value as bigint) % LATEST_SECONDS]]
      if (name === 'headers')
        return [[name, tame(value as Table).map((entry) => ({ key: entry.key, ...asAmqpClientWrites(entry) }))]]
      return value === '' || value === 0 ? [] : [[name, value]]
    })
    return Object.fromEntries(known) as Properties
  }

  function asItTakes(given: Properties, convert: (value: TableValue) => unknown): Record<string, unknown> {
    const { headers, timestamp, ...rest } = given
    return {
      ...rest,
      ...(headers === undefined ? {} : { headers: objectOf(headers, convert) }),
      ...(timestamp === undefined ? {} : { timestamp: new Date(Number(timestamp) * 1000) }),
    }
  }

  it('are written and read alike', () => {
    fc.assert(
      fc.property(properties.map(asItKnows), (given) => {
        const payload = encodeContentHeader({ bodySize: 3, properties: given })
        const ours = payload.subarray(12)
        const [read, length] = amqpView(ours).getProperties(0)
        assert.equal(length, ours.length)
        assert.deepEqual(read, asItTakes(given, amqpClientOutput))
        const theirs = Buffer.alloc(ours.length)
        assert.equal(amqpView(theirs).setProperties(0, asItTakes(given, amqpClientInput)), ours.length)
        assert.deepEqual(theirs, ours)
      }),
      { numRuns: 600 },
    )
  })
})
