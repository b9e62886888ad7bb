/**
 * Field tables as values: decoding, encoding and looking things up. [AMQP §4.2.5.5, RabbitMQ's grammar of types]
 *
 * A table is a list of entries in wire order, duplicates included, never an object with a peer's keys. Bytes are scanned
 * (scan.ts) before they are decoded, so the recursion here is bounded. `s` is a 16-bit integer as in RabbitMQ, not the
 * short string of the specification, and `l` and `L` are both signed.
 */
import { checkTable, TABLE_DEPTH_MAX, TABLE_ENTRIES_MAX, valueBytes } from './scan.ts'
import { LONGLONG, LONGSTR, SHORTSTR, type ValueCodec } from './wire.ts'

export { checkTable } from './scan.ts'

/** A value inside a table or an array, under its type's octet on the wire. */
export type TableValue =
  | { readonly type: 't'; readonly value: boolean }
  | { readonly type: 'b' | 'B' | 's' | 'u' | 'I' | 'i' | 'f' | 'd'; readonly value: number }
  | { readonly type: 'l' | 'L' | 'T'; readonly value: bigint }
  | { readonly type: 'D'; readonly value: Decimal }
  | { readonly type: 'S' | 'x'; readonly value: Buffer }
  | { readonly type: 'A'; readonly value: readonly TableValue[] }
  | { readonly type: 'F'; readonly value: Table }
  | { readonly type: 'V'; readonly value: undefined }

export type TableType = TableValue['type']

/** `digits` divided by ten to the `scale`; both unsigned. */
export interface Decimal {
  readonly scale: number
  readonly digits: number
}

export type TableEntry = TableValue & { readonly key: string }

export type Table = readonly TableEntry[]

/** The first entry with this key; RabbitMQ's own lookups take the first, too. */
export function find(table: Table, key: string): TableEntry | undefined {
  return table.find((entry) => entry.key === key)
}

/** All entries with this key; more than one is legal on the wire, and seldom meant well. */
export function findAll(table: Table, key: string): TableEntry[] {
  return table.filter((entry) => entry.key === key)
}

/** Checks and decodes the table with its length at `offset`; byte strings are views. @throws as `checkTable` */
export function decodeTable(buffer: Buffer, offset: number, end: number): Table {
  checkTable(buffer, offset, end)
  return readTable(buffer, offset)
}

function readTable(buffer: Buffer, offset: number): Table {
  const entries: TableEntry[] = []
  let at = offset + 4
  const end = at + buffer.readUInt32BE(offset)
  while (at < end) {
    const key = SHORTSTR.read(buffer, at)
    at += 1 + (buffer[at] as number)
    entries.push({ key, ...readValue(buffer, at) })
    at += valueBytes(buffer, at)
  }
  return entries
}

function readArray(buffer: Buffer, offset: number): TableValue[] {
  const values: TableValue[] = []
  let at = offset + 4
  const end = at + buffer.readUInt32BE(offset)
  while (at < end) {
    values.push(readValue(buffer, at))
    at += valueBytes(buffer, at)
  }
  return values
}

/** A checked value, with its type's octet at `offset`. */
function readValue(buffer: Buffer, offset: number): TableValue {
  const type = String.fromCharCode(buffer[offset] as number) as TableType
  const at = offset + 1
  switch (type) {
    case 't':
      return { type, value: buffer[at] !== 0 }
    case 'b':
      return { type, value: buffer.readInt8(at) }
    case 'B':
      return { type, value: buffer.readUInt8(at) }
    case 's':
      return { type, value: buffer.readInt16BE(at) }
    case 'u':
      return { type, value: buffer.readUInt16BE(at) }
    case 'I':
      return { type, value: buffer.readInt32BE(at) }
    case 'i':
      return { type, value: buffer.readUInt32BE(at) }
    case 'l':
    case 'L':
      return { type, value: buffer.readBigInt64BE(at) }
    case 'T':
      return { type, value: buffer.readBigUInt64BE(at) }
    case 'f':
      return { type, value: buffer.readFloatBE(at) }
    case 'd':
      return { type, value: buffer.readDoubleBE(at) }
    case 'D':
      return { type, value: { scale: buffer.readUInt8(at), digits: buffer.readUInt32BE(at + 1) } }
    case 'S':
    case 'x':
      return { type, value: LONGSTR.read(buffer, at) }
    case 'A':
      return { type, value: readArray(buffer, at) }
    case 'F':
      return { type, value: readTable(buffer, at) }
    case 'V':
      return { type, value: undefined }
  }
}

interface Budget {
  depth: number
  entries: number
}

/** How many bytes entries or elements take without the length before them. */
function listBytes(list: readonly (TableValue | TableEntry)[], budget: Budget): number {
  budget.depth += 1
  if (budget.depth > TABLE_DEPTH_MAX) throw new RangeError(`tables nest at most ${TABLE_DEPTH_MAX} deep`)
  budget.entries += list.length
  if (budget.entries > TABLE_ENTRIES_MAX) throw new RangeError(`a table takes at most ${TABLE_ENTRIES_MAX} entries`)
  let bytes = 0
  for (const item of list) bytes += ('key' in item ? SHORTSTR.size(item.key) : 0) + encodedBytes(item, budget)
  budget.depth -= 1
  return bytes
}

/** How many bytes a value takes with its type's octet. @throws RangeError when it does not fit its type */
function encodedBytes(item: TableValue, budget: Budget): number {
  switch (item.type) {
    case 't':
      return 2
    case 'b':
      return 1 + integerBytes(item.value, 1, true)
    case 'B':
      return 1 + integerBytes(item.value, 1, false)
    case 's':
      return 1 + integerBytes(item.value, 2, true)
    case 'u':
      return 1 + integerBytes(item.value, 2, false)
    case 'I':
      return 1 + integerBytes(item.value, 4, true)
    case 'i':
      return 1 + integerBytes(item.value, 4, false)
    case 'l':
    case 'L':
      if (item.value !== BigInt.asIntN(64, item.value)) throw new RangeError('expected a signed number of 64 bits')
      return 9
    case 'T':
      return 1 + LONGLONG.size(item.value)
    case 'f':
      if (Math.fround(item.value) !== item.value) throw new RangeError('expected a number of single precision')
      return 1 + floatBytes(item.value, 4)
    case 'd':
      return 1 + floatBytes(item.value, 8)
    case 'D':
      return 1 + integerBytes(item.value.scale, 1, false) + integerBytes(item.value.digits, 4, false)
    case 'S':
    case 'x':
      return 1 + LONGSTR.size(item.value)
    case 'A':
    case 'F':
      return 5 + listBytes(item.value, budget)
    case 'V':
      return 1
  }
}

function floatBytes(value: number, bytes: number): number {
  if (!Number.isFinite(value)) throw new RangeError('expected a finite number')
  return bytes
}

function integerBytes(value: number, bytes: number, signed: boolean): number {
  const span = 256 ** bytes
  const lowest = signed ? -span / 2 : 0
  if (!Number.isInteger(value) || value < lowest || value >= lowest + span) {
    throw new RangeError(`expected a whole number from ${lowest} to ${lowest + span - 1}`)
  }
  return bytes
}

/** Writes checked entries or elements with the length before them; returns the offset behind. */
function writeList(buffer: Buffer, offset: number, list: readonly (TableValue | TableEntry)[]): number {
  let at = offset + 4
  for (const item of list) {
    if ('key' in item) at = SHORTSTR.write(buffer, at, item.key)
    at = writeValue(buffer, at, item)
  }
  buffer.writeUInt32BE(at - offset - 4, offset)
  return at
}

function writeValue(buffer: Buffer, offset: number, item: TableValue): number {
  const at = buffer.writeUInt8(item.type.charCodeAt(0), offset)
  switch (item.type) {
    case 't':
      return buffer.writeUInt8(item.value ? 1 : 0, at)
    case 'b':
      return buffer.writeInt8(item.value, at)
    case 'B':
      return buffer.writeUInt8(item.value, at)
    case 's':
      return buffer.writeInt16BE(item.value, at)
    case 'u':
      return buffer.writeUInt16BE(item.value, at)
    case 'I':
      return buffer.writeInt32BE(item.value, at)
    case 'i':
      return buffer.writeUInt32BE(item.value, at)
    case 'l':
    case 'L':
      return buffer.writeBigInt64BE(item.value, at)
    case 'T':
      return buffer.writeBigUInt64BE(item.value, at)
    case 'f':
      return buffer.writeFloatBE(item.value, at)
    case 'd':
      return buffer.writeDoubleBE(item.value, at)
    case 'D':
      return buffer.writeUInt32BE(item.value.digits, buffer.writeUInt8(item.value.scale, at))
    case 'S':
    case 'x':
      return LONGSTR.write(buffer, at, item.value)
    case 'A':
    case 'F':
      return writeList(buffer, at, item.value)
    case 'V':
      return at
  }
}

/** Tables as the encoder's other wire types. `size` @throws RangeError beyond the bounds that checking has, too */
export const TABLE: ValueCodec<Table> = {
  read: readTable,
  size: (table) => 4 + listBytes(table, { depth: 0, entries: 0 }),
  write: writeList,
}

/** The bytes of a table with its length. @throws RangeError for what does not fit */
export function encodeTable(table: Table): Buffer {
  const bytes = Buffer.allocUnsafe(TABLE.size(table))
  TABLE.write(bytes, 0, table)
  return bytes
}
