/**
 * Checking field tables in place: bounds, types, keys, depth and number of entries, without decoding anything.
 *
 * Iterative, with a fixed stack, so that neither depth nor size of a peer's table costs more than its bytes. What is
 * accepted here is accepted by RabbitMQ's own parser, and what that parser crashes on is refused here; of what it takes,
 * only keys that are not UTF-8, and what goes beyond the bounds, are refused.
 */
import { FLAW, flawFault, scanShortstr } from './wire.ts'

/** Tables and arrays inside each other, the outermost included. */
export const TABLE_DEPTH_MAX = 32
/** Entries of a table and elements of an array, all levels together. */
export const TABLE_ENTRIES_MAX = 1024

// How many bytes a value takes; or how to find out, if negative; 0 for no type.
const OPAQUE = -1
const TABLE = -2
const ARRAY = -3
const VOID = -4
const FLOAT = -5
const DOUBLE = -6
const EXTENT: Int8Array = new Int8Array(256)
for (const [types, extent] of [
  ['tbB', 1],
  ['su', 2],
  ['Ii', 4],
  ['lLT', 8],
  ['D', 5],
  ['f', FLOAT],
  ['d', DOUBLE],
  ['Sx', OPAQUE],
  ['F', TABLE],
  ['A', ARRAY],
  ['V', VOID],
] as const) {
  for (const type of types) EXTENT[type.charCodeAt(0)] = extent
}

// Where the containers around the current one end; negative for an array. Shared: scanning neither yields nor nests.
const outer = new Int32Array(TABLE_DEPTH_MAX)

/** The offset behind a table with its length, or a flaw. */
export function scanTable(buffer: Buffer, offset: number, end: number): number {
  if (end - offset < 4) return FLAW.short
  let at = offset + 4
  let limit = at + buffer.readUInt32BE(offset)
  if (limit > end) return FLAW.short
  let inArray = false
  let depth = 1
  let entries = 0
  for (;;) {
    while (at === limit) {
      depth -= 1
      if (depth === 0) return at
      const around = outer[depth] as number
      inArray = around < 0
      limit = inArray ? -around : around
    }
    entries += 1
    if (entries > TABLE_ENTRIES_MAX) return FLAW.entries
    if (!inArray) {
      at = scanShortstr(buffer, at, limit)
      if (at < 0) return at === FLAW.short ? FLAW.bounds : at
    }
    if (at >= limit) return FLAW.bounds
    const extent = EXTENT[buffer[at] as number] as number
    at += 1
    if (extent > 0) {
      at += extent
    } else if (extent === 0) {
      return FLAW.type
    } else if (extent === FLOAT || extent === DOUBLE) {
      const bytes = extent === FLOAT ? 4 : 8
      if (limit - at < bytes) return FLAW.bounds
      // An exponent of ones is no number: Erlang has no floats for it, and RabbitMQ drops the connection.
      const exponent = extent === FLOAT ? 0x7f80 : 0x7ff0
      if ((buffer.readUInt16BE(at) & exponent) === exponent) return FLAW.number
      at += bytes
    } else if (extent !== VOID) {
      if (limit - at < 4) return FLAW.bounds
      const after = at + 4 + buffer.readUInt32BE(at)
      if (after > limit) return FLAW.bounds
      at += 4
      if (extent === OPAQUE) {
        at = after
      } else {
        if (depth === TABLE_DEPTH_MAX) return FLAW.depth
        outer[depth] = inArray ? -limit : limit
        depth += 1
        limit = after
        inArray = extent === ARRAY
      }
    }
    if (at > limit) return FLAW.bounds
  }
}

/**
 * Checks a table with its length at `offset`; returns the offset behind it.
 * @throws ConnectionFault syntax-error (frame-error when it reaches beyond `end`)
 */
export function checkTable(buffer: Buffer, offset: number, end: number): number {
  const after = scanTable(buffer, offset, end)
  if (after < 0) throw flawFault(after, 'a field table')
  return after
}

/** How many bytes a checked value takes, with its type's octet at `offset`. */
export function valueBytes(buffer: Buffer, offset: number): number {
  const extent = EXTENT[buffer[offset] as number] as number
  if (extent > 0) return 1 + extent
  if (extent === VOID) return 1
  if (extent === FLOAT) return 5
  if (extent === DOUBLE) return 9
  return 5 + buffer.readUInt32BE(offset + 1)
}

/** How many bytes a checked table entry takes, with its key's length at `offset`. */
export function entryBytes(buffer: Buffer, offset: number): number {
  const key = 1 + (buffer[offset] as number)
  return key + valueBytes(buffer, offset + key)
}
