/**
 * The headers `CC` and `BCC` of a message: further routing keys, which the broker obeys without asking anybody.
 * [RabbitMQ: sender-selected distribution]
 *
 * Found in the bytes of the header table, so that messages without them cost a walk over its keys and no more.
 */
import { isUtf8 } from 'node:buffer'
import type { ContentHeader } from '../../codec/content.ts'
import { PROPERTY_NAMES } from '../../codec/properties.ts'
import { entryBytes, valueBytes } from '../../codec/scan.ts'

/** Most keys in each of the two. */
const COPIES_MAX = 64

const HEADERS_PLACE = PROPERTY_NAMES.indexOf('headers')
const LETTER_B = 0x42
const LETTER_C = 0x43
const TYPE_ARRAY = 0x41
const TYPE_STRING = 0x53

const NONE: readonly string[] = []

/**
 * All keys of both headers, in order; undefined where they are not what they should be: present twice, no array of
 * strings, too many, or with a string that cannot be a routing key.
 */
export function readCopies(header: ContentHeader): readonly string[] | undefined {
  if (!header.has('headers')) return NONE
  const { buffer } = header
  const end = header.endOf(HEADERS_PLACE)
  let cc = -1
  let bcc = -1
  for (let at = header.startOf(HEADERS_PLACE) + 4; at < end; at += entryBytes(buffer, at)) {
    const keyBytes = buffer[at] as number
    if (keyBytes === 2 && buffer[at + 1] === LETTER_C && buffer[at + 2] === LETTER_C) {
      if (cc !== -1) return undefined
      cc = at + 3
    } else if (
      keyBytes === 3 &&
      buffer[at + 1] === LETTER_B &&
      buffer[at + 2] === LETTER_C &&
      buffer[at + 3] === LETTER_C
    ) {
      if (bcc !== -1) return undefined
      bcc = at + 4
    }
  }
  if (cc === -1 && bcc === -1) return NONE
  const keys: string[] = []
  if (cc !== -1 && !readKeys(buffer, cc, keys)) return undefined
  if (bcc !== -1 && !readKeys(buffer, bcc, keys)) return undefined
  return keys
}

/** Adds the strings of the array at `offset` (its type's octet); false when it is something else. */
function readKeys(buffer: Buffer, offset: number, keys: string[]): boolean {
  if (buffer[offset] !== TYPE_ARRAY) return false
  const end = offset + valueBytes(buffer, offset)
  let count = 0
  for (let at = offset + 5; at < end; at += valueBytes(buffer, at)) {
    const start = at + 5
    const after = at + valueBytes(buffer, at)
    if (buffer[at] !== TYPE_STRING || after - start > 255 || !isUtf8(buffer.subarray(start, after))) return false
    count += 1
    if (count > COPIES_MAX) return false
    keys.push(buffer.toString('utf8', start, after))
  }
  return true
}
