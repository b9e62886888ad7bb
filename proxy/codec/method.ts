/**
 * Methods as values: decoding, encoding, peeking at one field, and the view that filters are handed; all derived from
 * the METHODS table. [AMQP §4.2.4, §4.2.5]
 *
 * Peeking and views are only for arguments that `checkMethod` has passed; decoding checks by itself. The encoder refuses
 * what does not fit and never truncates. Not here: who may send what when (the session's phases).
 */
import { checkMethod } from './check.ts'
import { FRAME_HEADER_BYTES, FRAME_METHOD, FRAME_OVERHEAD_BYTES, sealFrame } from './frame.ts'
import { type FieldLayout, indexOf, LAYOUTS, METHOD_IDS_BYTES, METHOD_NAMES, SPECS } from './layout.ts'
import type { Arguments, Fields, FieldValue, MethodFieldName, MethodName } from './spec.ts'
import { VALUE_CODECS, type WireType } from './value.ts'
import { SHORTSTR, type ValueCodec } from './wire.ts'

export { checkMethod, checkShape } from './check.ts'
export {
  carriesContent,
  causeOf,
  indexOf,
  isFromBroker,
  isFromClient,
  METHOD_COUNT,
  METHOD_IDS_BYTES,
  METHOD_NAMES,
  methodIndex,
  methodIndexAt,
} from './layout.ts'

/** Reads one field of a method's checked arguments, which begin at `start`. */
type Peek<T> = (buffer: Buffer, start: number) => T

// How to get over a field: so many bytes, or by the length that stands in it.
const OVER_SHORTSTR = -1
const OVER_LONGSTR = -2
const OVER: { readonly [T in WireType]: number } = {
  octet: 1,
  short: 2,
  long: 4,
  longlong: 8,
  timestamp: 8,
  bit: 0,
  shortstr: OVER_SHORTSTR,
  longstr: OVER_LONGSTR,
  table: OVER_LONGSTR,
}

/** The steps to the field at `position`; neighbouring fields of fixed size are one step. */
function pathTo(layout: readonly FieldLayout[], position: number): Int16Array {
  const path: number[] = []
  let fixed = 0
  const flush = (): void => {
    if (fixed > 0) path.push(fixed)
    fixed = 0
  }
  layout.forEach(({ type, bit }, at) => {
    if (at > position) return
    const over = OVER[type]
    // An octet of bits is behind us as soon as a field follows that is not in it.
    const previous = layout[at - 1]
    if (previous?.type === 'bit' && (type !== 'bit' || bit === 0)) fixed += 1
    if (at === position) return
    if (over >= 0) {
      fixed += over
    } else {
      flush()
      path.push(over)
    }
  })
  flush()
  return Int16Array.from(path)
}

function follow(path: Int16Array, buffer: Buffer, start: number): number {
  let at = start
  for (let step = 0; step < path.length; step += 1) {
    const over = path[step] as number
    if (over >= 0) at += over
    else if (over === OVER_SHORTSTR) at += 1 + (buffer[at] as number)
    else at += 4 + buffer.readUInt32BE(at)
  }
  return at
}

function compilePeek(layout: readonly FieldLayout[], position: number, { type, bit }: FieldLayout): Peek<unknown> {
  const path = pathTo(layout, position)
  switch (type) {
    case 'bit': {
      const mask = 1 << bit
      return (buffer, start) => ((buffer[follow(path, buffer, start)] as number) & mask) !== 0
    }
    case 'shortstr':
      return (buffer, start) => SHORTSTR.read(buffer, follow(path, buffer, start))
    default: {
      const codec: ValueCodec<unknown> = VALUE_CODECS[type]
      return (buffer, start) => codec.read(buffer, follow(path, buffer, start))
    }
  }
}

const PEEKS: readonly ReadonlyMap<string, Peek<unknown>>[] = LAYOUTS.map(
  (layout) => new Map(layout.map((field, position) => [field.name, compilePeek(layout, position, field)])),
)

/**
 * A compiled reader of one field: `(buffer, start)`, with `start` behind the method's ids.
 * @throws RangeError for a field that the method does not have
 */
export function peek<M extends MethodName, F extends keyof Fields<M> & string>(name: M, field: F): Peek<Fields<M>[F]> {
  const found = PEEKS[indexOf(name)]?.get(field)
  if (found === undefined) throw new RangeError(`${name} has no field of this name`)
  return found as Peek<Fields<M>[F]>
}

/**
 * Checks and decodes arguments from `start` (behind the ids) to `end`. With `checkShape` for what the broker sends: bytes
 * that are not UTF-8 become U+FFFD then, which may make a string longer than a short string can be.
 * @throws ConnectionFault as the check
 */
export function decodeMethod<M extends MethodName>(
  name: M,
  buffer: Buffer,
  start: number,
  end: number,
  check: typeof checkMethod = checkMethod,
): Fields<M> {
  const index = indexOf(name)
  check(index, buffer, start, end)
  const fields: Record<string, unknown> = {}
  for (const [field, read] of PEEKS[index] ?? []) fields[field] = read(buffer, start)
  return fields as Fields<M>
}

const ZERO = {
  octet: 0,
  short: 0,
  long: 0,
  longlong: 0n,
  timestamp: 0n,
  bit: false,
  shortstr: '',
  longstr: Buffer.alloc(0),
  table: [],
} as const

/** The values in wire order, with zeroes for reserved fields that were left out. */
function valuesOf(layout: readonly FieldLayout[], fields: object): readonly unknown[] {
  const given = fields as Readonly<Record<string, unknown>>
  const values: unknown[] = []
  for (const { name, type } of layout)
    values.push(given[name] ?? (name.startsWith('reserved') ? ZERO[type] : undefined))
  return values
}

function argumentBytes(layout: readonly FieldLayout[], values: readonly unknown[]): number {
  let bytes = 0
  for (const [position, { type, bit }] of layout.entries()) {
    if (type === 'bit') {
      if (bit === 0) bytes += 1
    } else {
      const codec: ValueCodec<unknown> = VALUE_CODECS[type]
      bytes += codec.size(values[position])
    }
  }
  return bytes
}

function writeArguments(
  buffer: Buffer,
  start: number,
  layout: readonly FieldLayout[],
  values: readonly unknown[],
): void {
  let at = start
  for (const [position, { type, bit }] of layout.entries()) {
    const value = values[position]
    if (type !== 'bit') {
      const codec: ValueCodec<unknown> = VALUE_CODECS[type]
      at = codec.write(buffer, at, value)
      continue
    }
    if (bit === 0) at = buffer.writeUInt8(0, at)
    if (value === true) buffer[at - 1] = (buffer[at - 1] as number) | (1 << bit)
  }
}

/** Writes ids and arguments behind `before` bytes and leaves `behind` bytes free; those are not initialised. */
function encode<M extends MethodName>(name: M, fields: Arguments<M>, before: number, behind: number): Buffer {
  const index = indexOf(name)
  const layout = LAYOUTS[index] as readonly FieldLayout[]
  const [classId, methodId] = (SPECS[index] as (typeof SPECS)[number]).id
  const values = valuesOf(layout, fields)
  const buffer = Buffer.allocUnsafe(before + METHOD_IDS_BYTES + argumentBytes(layout, values) + behind)
  buffer.writeUInt16BE(methodId, buffer.writeUInt16BE(classId, before))
  writeArguments(buffer, before + METHOD_IDS_BYTES, layout, values)
  return buffer
}

/** A method's payload: ids and arguments. @throws RangeError for a value that does not fit its field */
export function encodeMethod<M extends MethodName>(name: M, fields: Arguments<M>): Buffer {
  return encode(name, fields, 0, 0)
}

/** A whole method frame. @throws RangeError for a value that does not fit its field, or a channel that does not */
export function methodFrame<M extends MethodName>(channel: number, name: M, fields: Arguments<M>): Buffer {
  const whole = encode(name, fields, FRAME_HEADER_BYTES, 1)
  sealFrame(whole, 0, FRAME_METHOD, channel, whole.length - FRAME_OVERHEAD_BYTES)
  return whole
}

const NOTHING: Buffer = Buffer.alloc(0)

/** One checked method as it passes by; reused for the next one, so it must not be kept. Decodes what is asked for. */
export class MethodView {
  name: MethodName = 'connection.start'
  index = 0
  channel = 0
  buffer: Buffer = NOTHING
  /** The arguments, behind the ids. */
  start = 0
  end = 0

  /** Points the view at arguments that `checkMethod` has passed. */
  set(index: number, channel: number, buffer: Buffer, start: number, end: number): this {
    this.name = METHOD_NAMES[index] as MethodName
    this.index = index
    this.channel = channel
    this.buffer = buffer
    this.start = start
    this.end = end
    return this
  }

  /** The value of one field; long strings are views. @throws RangeError for a field that this method does not have */
  field<F extends MethodFieldName>(name: F): FieldValue<F> {
    const read = PEEKS[this.index]?.get(name)
    if (read === undefined) throw new RangeError(`${this.name} has no field of this name`)
    return read(this.buffer, this.start) as FieldValue<F>
  }
}
