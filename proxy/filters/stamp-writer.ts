/**
 * Writes stamped copies of content headers. What is stamped is encoded once for a session; the rest of a header is copied in
 * runs as long as possible, byte for byte.
 *
 * Made for one purpose, and therefore a multiple faster than the codec's general rewriting, to which it is compared in tests.
 */
import type { ContentHeader } from '../codec/content.ts'
import { FRAME_HEADER, FRAME_HEADER_BYTES, FRAME_OVERHEAD_BYTES, sealFrame } from '../codec/frame.ts'
import { flagOf, PROPERTY_NAMES, type PropertyName } from '../codec/properties.ts'
import { entryBytes } from '../codec/scan.ts'
import { encodeTable } from '../codec/table.ts'
import { SHORTSTR } from '../codec/wire.ts'
import { HEADERS_PLACE, type ReservedNames } from './stamp-names.ts'

/** Class, weight, body size and flags before the properties; the flags are the last two bytes. */
const PROPERTIES_AT_BYTES = 14
const FLAGS_AT = 12

const SHORTSTR_MAX_BYTES = 255
const SHORT_COPY_BYTES = 64
const NOTHING: Buffer = Buffer.alloc(0)

/** What every message of a session carries. */
export interface Stamps {
  /** Set to this; '' removes what the client sent; undefined leaves it alone. */
  readonly userId?: string | undefined
  readonly appId?: string | undefined
  /** Seconds since 1970, asked for each message. */
  readonly timestamp?: (() => number) | undefined
  /** Name and text of headers. */
  readonly headers: readonly (readonly [name: string, value: string])[]
}

interface Piece {
  readonly place: number
  /** Property bytes; none: the property is removed. */
  readonly bytes: Buffer
}

export class StampWriter {
  readonly #pieces: readonly Piece[]
  readonly #entries: Buffer
  readonly #names: ReservedNames
  readonly #timestamp: Buffer = Buffer.alloc(8)
  readonly #now: (() => number) | undefined

  /** @throws RangeError for a value that does not fit into its property */
  constructor(stamps: Stamps, names: ReservedNames) {
    const { userId, appId, timestamp, headers } = stamps
    const pieces: Piece[] = []
    if (timestamp !== undefined) pieces.push({ place: placeOf('timestamp'), bytes: this.#timestamp })
    if (userId !== undefined) pieces.push({ place: placeOf('userId'), bytes: shortstr(userId) })
    if (appId !== undefined) pieces.push({ place: placeOf('appId'), bytes: shortstr(appId) })
    this.#now = timestamp
    this.#pieces = pieces
    this.#names = names
    this.#entries = encodeTable(
      headers.map(([key, value]) => ({ key, type: 'S', value: Buffer.from(value) })),
    ).subarray(4)
  }

  /** The most that a header can grow by. */
  get bytes(): number {
    return this.#pieces.reduce((sum, { bytes }) => sum + bytes.length, 4 + this.#entries.length)
  }

  /**
   * A whole content header frame.
   * @param reservedBytes how many bytes of the header's table belong to reserved names: they are left out
   */
  write(channel: number, header: ContentHeader, reservedBytes: number): Buffer {
    const { buffer, start, end } = header
    const payloadBytes = this.#payloadBytes(header, reservedBytes)
    const frame = Buffer.allocUnsafe(payloadBytes + FRAME_OVERHEAD_BYTES)
    sealFrame(frame, 0, FRAME_HEADER, channel, payloadBytes)
    if (this.#now !== undefined) writeSeconds(this.#timestamp, this.#now())
    let at = copy(frame, FRAME_HEADER_BYTES, buffer, start, start + PROPERTIES_AT_BYTES)
    let from = start + PROPERTIES_AT_BYTES
    let { flags } = header
    if (this.#entries.length > 0 || reservedBytes > 0) {
      const boundary = boundaryBefore(header, HEADERS_PLACE)
      at = copy(frame, at, buffer, from, boundary)
      at = this.#writeHeaders(frame, at, header, reservedBytes)
      from = header.has('headers') ? header.endOf(HEADERS_PLACE) : boundary
      flags |= flagOf(HEADERS_PLACE)
    }
    for (const { place, bytes } of this.#pieces) {
      const boundary = boundaryBefore(header, place)
      at = copy(frame, at, buffer, from, boundary)
      at = copy(frame, at, bytes, 0, bytes.length)
      from = (flags & flagOf(place)) === 0 ? boundary : header.endOf(place)
      flags = bytes.length === 0 ? flags & ~flagOf(place) : flags | flagOf(place)
    }
    copy(frame, at, buffer, from, end)
    frame.writeUInt16BE(flags, FRAME_HEADER_BYTES + FLAGS_AT)
    return frame
  }

  #payloadBytes(header: ContentHeader, reservedBytes: number): number {
    let bytes = header.end - header.start - reservedBytes
    if (this.#entries.length > 0) bytes += this.#entries.length + (header.has('headers') ? 0 : 4)
    for (const piece of this.#pieces) {
      bytes += piece.bytes.length
      if ((header.flags & flagOf(piece.place)) !== 0) bytes -= header.endOf(piece.place) - header.startOf(piece.place)
    }
    return bytes
  }

  /** The table: the client's entries that stay, then the stamps. Returns the offset behind. */
  #writeHeaders(frame: Buffer, offset: number, header: ContentHeader, reservedBytes: number): number {
    let at = offset + 4
    if (header.has('headers')) {
      const { buffer } = header
      const end = header.endOf(HEADERS_PLACE)
      let from = header.startOf(HEADERS_PLACE) + 4
      if (reservedBytes > 0) {
        for (let entry = from; entry < end; ) {
          const next = entry + entryBytes(buffer, entry)
          if (this.#names.isAt(buffer, entry)) {
            at = copy(frame, at, buffer, from, entry)
            from = next
          }
          entry = next
        }
      }
      at = copy(frame, at, buffer, from, end)
    }
    at = copy(frame, at, this.#entries, 0, this.#entries.length)
    frame.writeUInt32BE(at - offset - 4, offset)
    return at
  }
}

/** Copies; returns the offset behind. A few bytes are moved faster here than by a call into the runtime. */
function copy(target: Buffer, at: number, source: Buffer, from: number, to: number): number {
  if (to - from > SHORT_COPY_BYTES) return at + source.copy(target, at, from, to)
  let next = at
  for (let offset = from; offset < to; offset += 1, next += 1) target[next] = source[offset] as number
  return next
}

function placeOf(name: PropertyName): number {
  return PROPERTY_NAMES.indexOf(name)
}

/** Where the property begins, or would begin if it were there. */
function boundaryBefore(header: ContentHeader, place: number): number {
  if ((header.flags & flagOf(place)) !== 0) return header.startOf(place)
  for (let before = place - 1; before >= 0; before -= 1) {
    if ((header.flags & flagOf(before)) !== 0) return header.endOf(before)
  }
  return header.start + PROPERTIES_AT_BYTES
}

function shortstr(value: string): Buffer {
  if (value === '') return NOTHING
  if (Buffer.byteLength(value) > SHORTSTR_MAX_BYTES)
    throw new RangeError(`a property takes at most ${SHORTSTR_MAX_BYTES} bytes`)
  const bytes = Buffer.alloc(SHORTSTR.size(value))
  SHORTSTR.write(bytes, 0, value)
  return bytes
}

function writeSeconds(target: Buffer, seconds: number): void {
  target.writeUInt32BE(Math.floor(seconds / 0x1_0000_0000), 0)
  target.writeUInt32BE(seconds % 0x1_0000_0000, 4)
}
