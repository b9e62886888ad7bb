/**
 * The elementary types on the wire: scanning them without decoding, reading, measuring and writing them. [AMQP §4.2.5]
 *
 * Scanning is for bytes from peers: it allocates nothing and answers with the offset behind the value, or with a
 * negative flaw. Reading is only for bytes that have been scanned. Writing refuses what does not fit; nothing is ever
 * truncated. Not here: field tables (table.ts), and what a name may contain besides valid UTF-8 (policy).
 */
import { type Cause, ConnectionFault, type HardCode } from '../faults.ts'

/** Why bytes are not canonical; negative, so that it fits where an offset is returned. */
export const FLAW = {
  short: -1,
  long: -2,
  utf8: -3,
  bits: -4,
  type: -5,
  bounds: -6,
  depth: -7,
  entries: -8,
  number: -9,
} as const

const FLAWS: Readonly<Record<string, readonly [code: HardCode, text: string]>> = {
  [FLAW.short]: ['frame-error', 'ends too early'],
  [FLAW.long]: ['frame-error', 'has bytes behind its end'],
  [FLAW.utf8]: ['syntax-error', 'is not valid UTF-8'],
  [FLAW.bits]: ['syntax-error', 'has undefined bits set'],
  [FLAW.type]: ['syntax-error', 'has a table value of an unknown type'],
  [FLAW.bounds]: ['syntax-error', 'has a table whose lengths do not agree'],
  [FLAW.depth]: ['syntax-error', 'has tables nested too deeply'],
  [FLAW.entries]: ['syntax-error', 'has too many table entries'],
  [FLAW.number]: ['syntax-error', 'has a table value that is infinite or not a number'],
}

/** The exception for a flaw; `where` names a method, field or property, never anything from the input. */
export function flawFault(flaw: number, where: string, caused?: Cause): ConnectionFault {
  const [code, text] = FLAWS[flaw] ?? ['syntax-error', 'is malformed']
  return new ConnectionFault(code, `${where} ${text}`, caused)
}

/** Whether the bytes are well-formed UTF-8: nothing overlong, no surrogates, nothing above U+10FFFF. [RFC 3629 §4] */
export function isUtf8(buffer: Buffer, start: number, end: number): boolean {
  let at = start
  while (at < end && (buffer[at] as number) < 0x80) at += 1
  while (at < end) {
    const lead = buffer[at] as number
    if (lead < 0x80) {
      at += 1
      continue
    }
    const tailBytes = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3
    if (lead < 0xc2 || lead > 0xf4 || end - at <= tailBytes) return false
    const second = buffer[at + 1] as number
    const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
    const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
    if (second < lowest || second > highest) return false
    for (let tail = 2; tail <= tailBytes; tail += 1) {
      if (((buffer[at + tail] as number) & 0xc0) !== 0x80) return false
    }
    at += tailBytes + 1
  }
  return true
}

/** The offset behind a short string of valid UTF-8, or a flaw. */
export function scanShortstr(buffer: Buffer, offset: number, end: number): number {
  const after = skipShortstr(buffer, offset, end)
  return after < 0 || isUtf8(buffer, offset + 1, after) ? after : FLAW.utf8
}

/** The offset behind a short string of any bytes, or a flaw. */
export function skipShortstr(buffer: Buffer, offset: number, end: number): number {
  if (offset >= end) return FLAW.short
  const after = offset + 1 + (buffer[offset] as number)
  return after > end ? FLAW.short : after
}

/** The offset behind a long string, of any bytes, or a flaw. */
export function scanLongstr(buffer: Buffer, offset: number, end: number): number {
  if (end - offset < 4) return FLAW.short
  const after = offset + 4 + buffer.readUInt32BE(offset)
  return after > end ? FLAW.short : after
}

// Below this many bytes a loop is quicker than the way into native code.
const LOOP_BYTES = 48

/** Copies `start` to `end` of the source; returns the offset behind the copy. The target must be large enough. */
export function copyBytes(target: Buffer, offset: number, source: Buffer, start: number, end: number): number {
  const count = end - start
  if (count > LOOP_BYTES) return offset + source.copy(target, offset, start, end)
  for (let at = 0; at < count; at += 1) target[offset + at] = source[start + at] as number
  return offset + count
}

/** How one wire type is read from scanned bytes, and written. */
export interface ValueCodec<T> {
  read(buffer: Buffer, offset: number): T
  /** Its length on the wire in bytes. @throws RangeError when the value does not fit the type */
  size(value: T): number
  /** Writes a value that `size` accepted; returns the offset behind it. */
  write(buffer: Buffer, offset: number, value: T): number
}

function unsigned(bytes: 1 | 2 | 4): ValueCodec<number> {
  const highest = 256 ** bytes - 1
  return {
    read: (buffer, offset) => buffer.readUIntBE(offset, bytes),
    size(value) {
      if (!Number.isInteger(value) || value < 0 || value > highest) {
        throw new RangeError(`expected a whole number from 0 to ${highest}`)
      }
      return bytes
    },
    write: (buffer, offset, value) => buffer.writeUIntBE(value, offset, bytes),
  }
}

export const OCTET: ValueCodec<number> = unsigned(1)
export const SHORT: ValueCodec<number> = unsigned(2)
export const LONG: ValueCodec<number> = unsigned(4)

export const LONGLONG: ValueCodec<bigint> = {
  read: (buffer, offset) => buffer.readBigUInt64BE(offset),
  size(value) {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new RangeError('expected a whole number of 64 bits')
    return 8
  },
  write: (buffer, offset, value) => buffer.writeBigUInt64BE(value, offset),
}

export const SHORTSTR: ValueCodec<string> = {
  read(buffer, offset) {
    const start = offset + 1
    return buffer.toString('utf8', start, start + (buffer[offset] as number))
  },
  size(value) {
    const bytes = Buffer.byteLength(value)
    if (bytes > 255) throw new RangeError('a short string takes at most 255 bytes')
    if (bytes > value.length && /\p{Surrogate}/u.test(value))
      throw new RangeError('a string with half a surrogate pair has no UTF-8')
    return bytes + 1
  },
  write(buffer, offset, value) {
    const bytes = buffer.write(value, offset + 1)
    buffer[offset] = bytes
    return offset + 1 + bytes
  },
}

/** Reads as a view on the input, not a copy. */
export const LONGSTR: ValueCodec<Buffer> = {
  read(buffer, offset) {
    const start = offset + 4
    return buffer.subarray(start, start + buffer.readUInt32BE(offset))
  },
  size(value) {
    if (value.length > 0xffff_ffff) throw new RangeError('a long string takes at most 4 GiB')
    return value.length + 4
  },
  write(buffer, offset, value) {
    const start = buffer.writeUInt32BE(value.length, offset)
    return start + value.copy(buffer, start)
  },
}
