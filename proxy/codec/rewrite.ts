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

// What stands before each set property in a rewrite's bytes: its length.
const LENGTH_BYTES = 2

/** Compiled changes, to be applied to any number of content headers. */
export class HeaderRewrite {
  // Everything that is written, in one buffer, as there may be a rewrite for each session: the properties that are set, in
  // the order of their places and each behind its length, then the added entries.
  readonly #bytes: Buffer
  readonly #addedStart: number
  readonly #setFlags: number
  // What of the original stays.
  readonly #keepFlags: number
  readonly #removed: ((key: string) => boolean) | undefined

  /** @throws RangeError for a value that does not fit */
  constructor({ set = {}, remove = [], removeHeaders, addHeaders = [] }: HeaderChanges) {
    const given = new Map<string, unknown>(Object.entries(set))
    const parts: Buffer[] = []
    let setFlags = 0
    PROPERTY_NAMES.forEach((name, place) => {
      const value = given.get(name)
      if (value === undefined) return
      parts.push(encoded(VALUE_CODECS[PROPERTIES[name]], value))
      setFlags |= flagOf(place)
    })
    const addedStart = parts.reduce((sum, { length }) => sum + length, 0)
    parts.push(encodeTable(addHeaders).subarray(TABLE_LENGTH_BYTES))
    this.#bytes = joined(parts)
    this.#addedStart = addedStart
    this.#setFlags = setFlags
    this.#keepFlags = 0xffff & ~remove.reduce((flags, name) => flags | flagOf(PROPERTY_NAMES.indexOf(name)), setFlags)
    this.#removed = removeHeaders
  }

  /** The payload of a changed copy of a header that has been read; it may be longer than a frame takes. */
  payload(header: ContentHeader): Buffer {
    const payload = Buffer.allocUnsafe(header.end - header.start + this.#growthBytes)
    return payload.subarray(0, this.#write(header, payload, 0, this.#removed))
  }

  /**
   * A whole frame with the payload of a changed copy. It may be longer than agreed upon: that is for the caller to see.
   * @param removed which entries of `headers` to remove, instead of those of the changes
   */
  frame(channel: number, header: ContentHeader, removed: HeaderChanges['removeHeaders'] = this.#removed): Buffer {
    const whole = Buffer.allocUnsafe(header.end - header.start + this.#growthBytes + FRAME_OVERHEAD_BYTES)
    const end = this.#write(header, whole, FRAME_HEADER_BYTES, removed)
    sealFrame(whole, 0, FRAME_HEADER, channel, end - FRAME_HEADER_BYTES)
    return whole.subarray(0, end + 1)
  }

  /** The most that a header can grow by. */
  get #growthBytes(): number {
    return TABLE_LENGTH_BYTES + this.#bytes.length
  }

  #write(header: ContentHeader, target: Buffer, start: number, removed: HeaderChanges['removeHeaders']): number {
    const bytes = this.#bytes
    const keptFlags = header.flags & this.#keepFlags
    const headersFlag = flagOf(HEADERS_PLACE)
    const flags = keptFlags | this.#setFlags | (this.#addedStart < bytes.length ? headersFlag : 0)
    copyBytes(target, start, header.buffer, header.start, header.start + FLAGS_AT)
    target[start + FLAGS_AT] = flags >> 8
    target[start + FLAGS_AT + 1] = flags & 0xff
    let at = start + PROPERTIES_AT_BYTES
    let next = 0
    for (let place = 0, left = flags; left !== 0; place += 1, left = (left << 1) & 0xffff) {
      if ((left & 0x8000) === 0) continue
      const kept = (keptFlags & flagOf(place)) !== 0
      if ((this.#setFlags & flagOf(place)) !== 0) {
        const from = next + LENGTH_BYTES
        next = from + (((bytes[next] as number) << 8) | (bytes[next + 1] as number))
        at = copyBytes(target, at, bytes, from, next)
      } else if (place === HEADERS_PLACE) at = this.#writeHeaders(target, at, kept ? header : undefined, removed)
      else at = copyBytes(target, at, header.buffer, header.startOf(place), header.endOf(place))
    }
    return at
  }

  /** Writes the `headers` property: the original's entries that stay, then the added ones. */
  #writeHeaders(
    target: Buffer,
    start: number,
    original: ContentHeader | undefined,
    removed: HeaderChanges['removeHeaders'],
  ): number {
    let at = start + TABLE_LENGTH_BYTES
    if (original !== undefined) {
      const first = original.startOf(HEADERS_PLACE) + TABLE_LENGTH_BYTES
      const end = original.endOf(HEADERS_PLACE)
      if (removed === undefined) at = copyBytes(target, at, original.buffer, first, end)
      else at = copyEntries(target, at, original.buffer, first, end, removed)
    }
    at = copyBytes(target, at, this.#bytes, this.#addedStart, this.#bytes.length)
    target.writeUInt32BE(at - start - TABLE_LENGTH_BYTES, start)
    return at
  }
}

/** One changed copy; for changes that are made more than once, `HeaderRewrite` is cheaper. @throws as its constructor */
export function rewrite(header: ContentHeader, changes: HeaderChanges): Buffer {
  return new HeaderRewrite(changes).payload(header)
}

function encoded(codec: ValueCodec<unknown>, value: unknown): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES + codec.size(value))
  bytes.writeUInt16BE(bytes.length - LENGTH_BYTES)
  codec.write(bytes, LENGTH_BYTES, value)
  return bytes
}

/** As `Buffer.concat`, but outside the pool: what lives as long as a session would keep all of it. */
function joined(parts: readonly Buffer[]): Buffer {
  const whole = Buffer.alloc(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) at = copyBytes(whole, at, part, 0, part.length)
  return whole
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
