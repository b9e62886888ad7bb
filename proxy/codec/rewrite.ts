/**
 * Changing content headers on their way: properties set or removed, header entries removed or added. The changes are
 * compiled once, as they are the same for every message of a session.
 *
 * Whatever is not named in the changes is copied byte for byte, in its order and its encoding, because re-encoding would
 * alter what the gateway has no business with.
 */
import { type ContentHeader, FLAGS_AT, PROPERTIES_AT_BYTES } from './content-header.ts'
import { FRAME_HEADER, FRAME_HEADER_BYTES, FRAME_OVERHEAD_BYTES, sealFrame } from './frame.ts'
import { flagOf, PROPERTIES, PROPERTY_NAMES, type Properties, type PropertyName } from './properties.ts'
import { entryBytes } from './scan.ts'
import { encodeTable, type Table } from './table.ts'
import { VALUE_CODECS } from './value.ts'
import { copyBytes, SHORTSTR, type ValueCodec } from './wire.ts'

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

const HEADERS_PLACE = PROPERTY_NAMES.indexOf('headers')
const TABLE_LENGTH_BYTES = 4
const NOTHING: Buffer = Buffer.alloc(0)

/** Compiled changes, to be applied to any number of content headers. */
export class HeaderRewrite {
  // The bytes of properties that are set, by place, and the flags of those and of the removed ones.
  readonly #set: readonly Buffer[]
  readonly #setFlags: number
  readonly #keepFlags: number
  readonly #removed: ((key: string) => boolean) | undefined
  readonly #added: Buffer
  // The most that a header can grow by.
  readonly #growthBytes: number

  /** @throws RangeError for a value that does not fit */
  constructor({ set = {}, remove = [], removeHeaders, addHeaders = [] }: HeaderChanges) {
    const given = new Map<string, unknown>(Object.entries(set))
    const place = (name: PropertyName): number => PROPERTY_NAMES.indexOf(name)
    this.#set = PROPERTY_NAMES.map((name) => {
      const value = given.get(name)
      return value === undefined ? NOTHING : encoded(VALUE_CODECS[PROPERTIES[name]], value)
    })
    this.#setFlags = this.#set.reduce((flags, bytes, at) => (bytes.length === 0 ? flags : flags | flagOf(at)), 0)
    this.#keepFlags = 0xffff & ~remove.reduce((flags, name) => flags | flagOf(place(name)), this.#setFlags)
    this.#removed = removeHeaders
    this.#added = encodeTable(addHeaders).subarray(TABLE_LENGTH_BYTES)
    this.#growthBytes = this.#set.reduce((sum, { length }) => sum + length, TABLE_LENGTH_BYTES + this.#added.length)
  }

  /** The payload of a changed copy of a header that has been read; it may be longer than a frame takes. */
  payload(header: ContentHeader): Buffer {
    const payload = Buffer.allocUnsafe(header.end - header.start + this.#growthBytes)
    return payload.subarray(0, this.#write(header, payload, 0))
  }

  /** A whole frame with the payload of a changed copy. It may be longer than agreed upon: that is for the caller to see. */
  frame(channel: number, header: ContentHeader): Buffer {
    const whole = Buffer.allocUnsafe(header.end - header.start + this.#growthBytes + FRAME_OVERHEAD_BYTES)
    const end = this.#write(header, whole, FRAME_HEADER_BYTES)
    sealFrame(whole, 0, FRAME_HEADER, channel, end - FRAME_HEADER_BYTES)
    return whole.subarray(0, end + 1)
  }

  #write(header: ContentHeader, target: Buffer, start: number): number {
    const keptFlags = header.flags & this.#keepFlags
    const headersFlag = flagOf(HEADERS_PLACE)
    const flags = keptFlags | this.#setFlags | (this.#added.length > 0 ? headersFlag : 0)
    copyBytes(target, start, header.buffer, header.start, header.start + FLAGS_AT)
    target[start + FLAGS_AT] = flags >> 8
    target[start + FLAGS_AT + 1] = flags & 0xff
    let at = start + PROPERTIES_AT_BYTES
    for (let place = 0, left = flags; left !== 0; place += 1, left = (left << 1) & 0xffff) {
      if ((left & 0x8000) === 0) continue
      const kept = (keptFlags & flagOf(place)) !== 0
      const bytes = this.#set[place] as Buffer
      if (bytes.length > 0) at = copyBytes(target, at, bytes, 0, bytes.length)
      else if (place === HEADERS_PLACE) at = this.#writeHeaders(target, at, kept ? header : undefined)
      else at = copyBytes(target, at, header.buffer, header.startOf(place), header.endOf(place))
    }
    return at
  }

  /** Writes the `headers` property: the original's entries that stay, then the added ones. */
  #writeHeaders(target: Buffer, start: number, original: ContentHeader | undefined): number {
    let at = start + TABLE_LENGTH_BYTES
    if (original !== undefined) {
      const first = original.startOf(HEADERS_PLACE) + TABLE_LENGTH_BYTES
      const end = original.endOf(HEADERS_PLACE)
      if (this.#removed === undefined) at = copyBytes(target, at, original.buffer, first, end)
      else at = copyEntries(target, at, original.buffer, first, end, this.#removed)
    }
    at = copyBytes(target, at, this.#added, 0, this.#added.length)
    target.writeUInt32BE(at - start - TABLE_LENGTH_BYTES, start)
    return at
  }
}

/** One changed copy; for changes that are made more than once, `HeaderRewrite` is cheaper. @throws as its constructor */
export function rewrite(header: ContentHeader, changes: HeaderChanges): Buffer {
  return new HeaderRewrite(changes).payload(header)
}

function encoded(codec: ValueCodec<unknown>, value: unknown): Buffer {
  const bytes = Buffer.alloc(codec.size(value))
  codec.write(bytes, 0, value)
  return bytes
}

/** Copies table entries, but for the removed ones, in runs as long as possible; returns the offset behind them. */
function copyEntries(
  target: Buffer,
  offset: number,
  source: Buffer,
  start: number,
  end: number,
  removed: (key: string) => boolean,
): number {
  let at = offset
  let run = start
  for (let entry = start; entry < end; ) {
    const next = entry + entryBytes(source, entry)
    if (removed(SHORTSTR.read(source, entry))) {
      at = copyBytes(target, at, source, run, entry)
      run = next
    }
    entry = next
  }
  return copyBytes(target, at, source, run, end)
}
