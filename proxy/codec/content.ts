/**
 * Writing content headers: new ones, and changed copies of those on their way. [AMQP §4.2.6.1]
 *
 * Whatever is not named in the changes is copied byte for byte, in its order and its encoding, because re-encoding would
 * alter what the gateway has no business with. Reading and checking is in content-header.ts.
 */
import { BODY_SIZE_AT, type ContentHeader, FLAGS_AT, PROPERTIES_AT_BYTES } from './content-header.ts'
import { FRAME_HEADER, frame } from './frame.ts'
import { BASIC_CLASS_ID, flagOf, PROPERTIES, PROPERTY_NAMES, type Properties, type PropertyName } from './properties.ts'
import { entryBytes } from './scan.ts'
import { TABLE, type Table, writeEntries } from './table.ts'
import { VALUE_CODECS } from './value.ts'
import { SHORTSTR, type ValueCodec } from './wire.ts'

export { bodySizeOf, ContentHeader } from './content-header.ts'
export type { Properties, PropertyName } from './properties.ts'

/** A content header's payload. @throws RangeError for a value that does not fit */
export function encodeContentHeader(content: { bodySize: bigint | number; properties?: Properties }): Buffer {
  const { bodySize, properties = {} } = content
  let flags = 0
  let bytes = PROPERTIES_AT_BYTES
  PROPERTY_NAMES.forEach((name, place) => {
    const value: unknown = properties[name]
    if (value === undefined) return
    const codec: ValueCodec<unknown> = VALUE_CODECS[PROPERTIES[name]]
    bytes += codec.size(value)
    flags |= flagOf(place)
  })
  const payload = Buffer.alloc(bytes)
  payload.writeUInt16BE(BASIC_CLASS_ID, 0)
  payload.writeBigUInt64BE(BigInt(bodySize), BODY_SIZE_AT)
  let at = payload.writeUInt16BE(flags, FLAGS_AT)
  PROPERTY_NAMES.forEach((name) => {
    const value: unknown = properties[name]
    if (value === undefined) return
    const codec: ValueCodec<unknown> = VALUE_CODECS[PROPERTIES[name]]
    at = codec.write(payload, at, value)
  })
  return payload
}

/** A whole content header frame around a copy of the payload. */
export function contentHeaderFrame(channel: number, payload: Buffer): Buffer {
  return frame(FRAME_HEADER, channel, payload)
}

/** What to change in a content header; what is not named stays as it is. */
export interface HeaderChanges {
  /** Properties to set, whether they were there or not. */
  readonly set?: Omit<Properties, 'headers'>
  /** Properties to remove; with `headers` all entries go, before those of `addHeaders` come. */
  readonly remove?: readonly PropertyName[]
  /** Which entries of `headers` to remove, by key; entries inside other entries' tables are not asked about. */
  readonly removeHeaders?: (key: string) => boolean
  /** Entries to add behind those that stay. */
  readonly addHeaders?: Table
}

/**
 * The payload of a changed copy of a header that has been read. It may be longer than the original: whether it still
 * fits into a frame is for the caller to see. @throws RangeError for a value that does not fit
 */
export function rewrite(header: ContentHeader, changes: HeaderChanges): Buffer {
  const { set = {}, remove = [], addHeaders = [] } = changes
  const added = addHeaders.length === 0 ? 0 : TABLE.size(addHeaders)
  const payload = Buffer.allocUnsafe(header.end - header.start + setBytes(set) + added)
  header.buffer.copy(payload, 0, header.start, header.start + FLAGS_AT)
  let at = PROPERTIES_AT_BYTES
  let flags = 0
  for (let place = 0; place < PROPERTY_NAMES.length; place += 1) {
    const name = PROPERTY_NAMES[place] as PropertyName
    const before = at
    const given: unknown = name === 'headers' ? undefined : set[name]
    const kept = header.has(name) && !remove.includes(name)
    if (given !== undefined) {
      const codec: ValueCodec<unknown> = VALUE_CODECS[PROPERTIES[name]]
      at = codec.write(payload, at, given)
    } else if (name === 'headers' && (kept || added > 0)) {
      at = writeHeaders(payload, at, kept ? header : undefined, changes)
    } else if (kept) {
      at += header.buffer.copy(payload, at, header.startOf(place), header.endOf(place))
    }
    if (at > before) flags |= flagOf(place)
  }
  payload.writeUInt16BE(flags, FLAGS_AT)
  return payload.subarray(0, at)
}

function setBytes(set: Omit<Properties, 'headers'>): number {
  let bytes = 0
  for (const name of Object.keys(set) as (keyof typeof set)[]) {
    const value: unknown = set[name]
    const codec: ValueCodec<unknown> = VALUE_CODECS[PROPERTIES[name]]
    if (value !== undefined) bytes += codec.size(value)
  }
  return bytes
}

/** Writes the `headers` property: the original's entries that stay, then the added ones. */
function writeHeaders(
  payload: Buffer,
  offset: number,
  original: ContentHeader | undefined,
  changes: HeaderChanges,
): number {
  let at = offset + 4
  if (original !== undefined) {
    const place = PROPERTY_NAMES.indexOf('headers')
    at = copyEntries(
      payload,
      at,
      original.buffer,
      original.startOf(place) + 4,
      original.endOf(place),
      changes.removeHeaders,
    )
  }
  if (changes.addHeaders !== undefined) at = writeEntries(payload, at, changes.addHeaders)
  payload.writeUInt32BE(at - offset - 4, offset)
  return at
}

/** Copies table entries, but for those that `removed` names, in runs as long as possible; returns the offset behind. */
function copyEntries(
  target: Buffer,
  offset: number,
  source: Buffer,
  start: number,
  end: number,
  removed: ((key: string) => boolean) | undefined,
): number {
  if (removed === undefined) return offset + source.copy(target, offset, start, end)
  let at = offset
  let run = start
  for (let entry = start; entry < end; ) {
    const next = entry + entryBytes(source, entry)
    if (removed(SHORTSTR.read(source, entry))) {
      at += source.copy(target, at, run, entry)
      run = next
    }
    entry = next
  }
  return at + source.copy(target, at, run, end)
}
