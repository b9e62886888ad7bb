/**
 * The codecs inside two clients, as second opinions in tests: amqplib's and amqp-client.js's. Neither exports its codec,
 * so they are reached by file; and our values are turned into theirs, as far as they can express them.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Table, TableValue } from '../../proxy/codec/table.ts'

const require = createRequire(import.meta.url)

interface MethodInfo {
  readonly args: readonly { readonly name: string; readonly type: string }[]
}

/** amqplib/lib/defs.js; `id` is class and method in one number, or the class for content properties. */
export interface AmqplibCodec {
  info(id: number): MethodInfo
  decode(id: number, buffer: Buffer): Record<string, unknown>
  encodeMethod(id: number, channel: number, fields: object): Buffer
  encodeProperties(id: number, channel: number, size: number, fields: object): Buffer
}

export const amqplib = require(join(dirname(require.resolve('amqplib')), 'lib', 'defs.js')) as AmqplibCodec

/** amqp-client.js's view; setters answer with the bytes written, getters with value and bytes read. */
interface AmqpView {
  setTable(offset: number, table: object): number
  getTable(offset: number): [unknown, number]
  setProperties(offset: number, properties: object): number
  getProperties(offset: number): [Record<string, unknown>, number]
}

const { AMQPView } = require(join(dirname(require.resolve('@cloudamqp/amqp-client')), 'amqp-view.js')) as {
  AMQPView: new (buffer: ArrayBufferLike, offset: number, length: number) => AmqpView
}

/** amqp-client.js's view on this buffer. */
export function amqpView(buffer: Buffer): AmqpView {
  return new AMQPView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

/** The first time, in seconds since 1970, that a Date cannot hold. */
export const LATEST_SECONDS = 8_640_000_000_000n

/**
 * Our table with what plain objects and strings cannot express made tame: keys unique, in order and harmless, byte
 * strings under `S` text, no `L` (which neither client knows), times that a Date can hold.
 */
export function tame(table: Table): Table {
  return table.map(({ key, ...value }, position) => {
    const tamed = Buffer.byteLength(key) < 240 ? `k${position}${key}` : `k${position}`
    return { key: tamed, ...tameValue(value) }
  })
}

function tameValue(item: TableValue): TableValue {
  switch (item.type) {
    case 'L':
      return { type: 'l', value: item.value }
    case 'T':
      return { type: 'T', value: item.value % LATEST_SECONDS }
    case 'S':
      return { type: 'S', value: Buffer.from(item.value.toString('latin1')) }
    case 'F':
      return { type: 'F', value: tame(item.value) }
    case 'A':
      return { type: 'A', value: item.value.map(tameValue) }
    default:
      return item
  }
}

/** A tame table as an object, its values by `convert`. */
export function objectOf(table: Table, convert: (value: TableValue) => unknown): Record<string, unknown> {
  return Object.fromEntries(table.map((entry) => [entry.key, convert(entry)]))
}

const AMQPLIB_NAMES = {
  b: 'int8',
  B: 'uint8',
  s: 'int16',
  u: 'uint16',
  I: 'int32',
  i: 'uint32',
  l: 'int64',
  f: 'float',
  d: 'double',
  T: 'timestamp',
} as const

/** What amqplib has to be given so that it writes this value with this type. */
export function amqplibInput(item: TableValue): unknown {
  switch (item.type) {
    case 't':
    case 'x':
      return item.value
    case 'S':
      return item.value.toString()
    case 'V':
      return null
    case 'F':
      return objectOf(item.value, amqplibInput)
    case 'A':
      return item.value.map(amqplibInput)
    case 'D':
      return { '!': 'decimal', value: { places: item.value.scale, digits: item.value.digits } }
    case 'L':
      throw new TypeError('amqplib has no L')
    default:
      return { '!': AMQPLIB_NAMES[item.type], value: item.value }
  }
}

/** What amqplib makes of this value. */
export function amqplibOutput(item: TableValue): unknown {
  switch (item.type) {
    case 'l':
    case 'L':
      return Number(item.value)
    case 'T':
      return { '!': 'timestamp', value: Number(item.value) }
    case 'F':
      return objectOf(item.value, amqplibOutput)
    case 'A':
      return item.value.map(amqplibOutput)
    case 'S':
    case 'V':
    case 'D':
      return amqplibInput(item)
    default:
      return item.value
  }
}

/** What amqp-client.js makes of this value. */
export function amqpClientOutput(item: TableValue): unknown {
  switch (item.type) {
    case 'l':
    case 'L':
      return Number(item.value)
    case 'T':
      return new Date(Number(item.value) * 1000)
    case 'D':
      return item.value.digits / 10 ** item.value.scale
    case 'S':
      return item.value.toString()
    case 'V':
      return null
    case 'x':
      return new Uint8Array(item.value)
    case 'F':
      return objectOf(item.value, amqpClientOutput)
    case 'A':
      return item.value.map(amqpClientOutput)
    default:
      return item.value
  }
}

/** Our value as amqp-client.js would write it: it chooses the type by the JavaScript value. */
export function asAmqpClientWrites(item: TableValue): TableValue {
  switch (item.type) {
    case 't':
    case 'S':
    case 'x':
    case 'T':
    case 'V':
      return item
    case 'F':
      return { type: 'F', value: item.value.map((entry) => ({ key: entry.key, ...asAmqpClientWrites(entry) })) }
    case 'A':
      return { type: 'A', value: item.value.map(asAmqpClientWrites) }
    case 'l':
    case 'L':
      return { type: 'l', value: item.value }
    case 'f':
    case 'd':
    case 'D':
      return { type: 'f', value: 1.5 }
    default:
      return { type: 'I', value: item.value | 0 }
  }
}

/** What amqp-client.js has to be given so that it writes a value of `asAmqpClientWrites`. */
export function amqpClientInput(item: TableValue): unknown {
  switch (item.type) {
    case 'l':
      return item.value
    case 'F':
      return objectOf(item.value, amqpClientInput)
    case 'A':
      return item.value.map(amqpClientInput)
    default:
      return amqpClientOutput(item)
  }
}
