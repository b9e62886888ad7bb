/**
 * Generators of protocol values for property tests, derived from the tables that the codec itself is derived from, so
 * that a method added there is generated here.
 */
import fc from 'fast-check'
import { FRAME_BODY, FRAME_HEADER, FRAME_HEARTBEAT, frame } from '../../proxy/codec/frame.ts'
import { METHOD_NAMES, methodFrame } from '../../proxy/codec/method.ts'
import { PROPERTIES, type Properties } from '../../proxy/codec/properties.ts'
import { type Arguments, METHODS, type MethodName } from '../../proxy/codec/spec.ts'
import type { Table, TableEntry, TableValue } from '../../proxy/codec/table.ts'
import type { WireType, WireValues } from '../../proxy/codec/value.ts'

/** Any code points but surrogates, at most 255 bytes of UTF-8. */
export const shortstr: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme-ascii', minLength: 255, maxLength: 255 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 63 }) },
)

export const bytes: fc.Arbitrary<Buffer> = fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array))

const unsigned64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const signed64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

/** Keys that would bite if a table ever became a plain object, among others. */
const key = fc.oneof(shortstr, fc.constantFrom('__proto__', 'constructor', 'toString', '', 'x-match', 'CC', 'BCC'))

/** A value of type `type`, in a plain object as the decoder makes it. */
function typed<T, V>(type: T, value: fc.Arbitrary<V>): fc.Arbitrary<{ type: T; value: V }> {
  return value.map((given) => ({ type, value: given }))
}

const scalar: fc.Arbitrary<TableValue> = fc.oneof(
  typed('t' as const, fc.boolean()),
  typed('b' as const, fc.integer({ min: -128, max: 127 })),
  typed('B' as const, fc.integer({ min: 0, max: 255 })),
  typed('s' as const, fc.integer({ min: -32768, max: 32767 })),
  typed('u' as const, fc.integer({ min: 0, max: 65535 })),
  typed('I' as const, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  typed('i' as const, fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  typed('l' as const, signed64),
  typed('L' as const, signed64),
  typed('T' as const, unsigned64),
  typed('f' as const, fc.float({ noNaN: true, noDefaultInfinity: true })),
  typed('d' as const, fc.double({ noNaN: true, noDefaultInfinity: true })),
  typed(
    'D' as const,
    fc
      .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
      .map(([scale, digits]) => ({ scale, digits })),
  ),
  typed('S' as const, bytes),
  typed('x' as const, bytes),
  typed('V' as const, fc.constant(undefined)),
)

const nested = fc.letrec<{ value: TableValue; table: Table; array: readonly TableValue[] }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'table', withCrossShrink: true },
    { weight: 5, arbitrary: scalar },
    { weight: 1, arbitrary: typed('F' as const, tie('table')) },
    { weight: 1, arbitrary: typed('A' as const, tie('array')) },
  ),
  table: fc.array(
    fc.tuple(key, tie('value')).map(([name, value]): TableEntry => ({ key: name, ...value })),
    { maxLength: 6, depthIdentifier: 'table' },
  ),
  array: fc.array(tie('value'), { maxLength: 4, depthIdentifier: 'table' }),
}))

export const table: fc.Arbitrary<Table> = nested.table

const WIRE: { readonly [T in WireType]: fc.Arbitrary<WireValues[T]> } = {
  octet: fc.integer({ min: 0, max: 255 }),
  short: fc.integer({ min: 0, max: 65535 }),
  long: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  longlong: unsigned64,
  timestamp: unsigned64,
  bit: fc.boolean(),
  shortstr,
  longstr: bytes,
  table,
}

/** All fields of one method. */
export function fieldsOf(name: MethodName): fc.Arbitrary<Record<string, unknown>> {
  const fields: Readonly<Record<string, WireType>> = METHODS[name].fields
  return fc.record(
    Object.fromEntries(
      Object.entries(fields).map(([field, type]): [string, fc.Arbitrary<unknown>] => [field, WIRE[type]]),
    ),
    { noNullPrototype: true },
  )
}

export interface GeneratedMethod {
  readonly name: MethodName
  readonly fields: Arguments<MethodName>
}

/** Any method with any fields. */
export const method: fc.Arbitrary<GeneratedMethod> = fc
  .constantFrom(...METHOD_NAMES)
  .chain((name) => fieldsOf(name).map((fields) => ({ name, fields: fields as Arguments<MethodName> })))

/** Any content properties, each there or not. */
export const properties: fc.Arbitrary<Properties> = fc.record(
  Object.fromEntries(
    Object.entries(PROPERTIES).map(([name, type]): [string, fc.Arbitrary<unknown>] => [name, WIRE[type]]),
  ),
  { requiredKeys: [], noNullPrototype: true },
)

const channel = fc.integer({ min: 0, max: 65535 })

/** A whole frame of any type; header and body frames with any payload. */
export const wholeFrame: fc.Arbitrary<Buffer> = fc.oneof(
  fc.tuple(channel, method).map(([number, { name, fields }]) => methodFrame(number, name, fields)),
  fc
    .tuple(fc.constantFrom(FRAME_HEADER, FRAME_BODY, FRAME_HEARTBEAT), channel, bytes)
    .map(([type, number, payload]) => frame(type, number, payload)),
)

/** How to cut a stream: at these fractions of its length. */
export const cuts: fc.Arbitrary<readonly number[]> = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
  maxLength: 12,
})

/** The stream in chunks; each is a copy, as it would arrive. Cuts at the same place make empty chunks. */
export function cut(stream: Buffer, at: readonly number[]): Buffer[] {
  const places = at.map((fraction) => Math.floor(fraction * stream.length)).sort((a, b) => a - b)
  return [...places, stream.length].map((place, position) =>
    Buffer.from(stream.subarray(places[position - 1] ?? 0, place)),
  )
}
