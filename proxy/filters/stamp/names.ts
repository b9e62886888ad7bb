/**
 * The header names that belong to the gateway: those it stamps, and all that begin with `x-gatehouse-`. A client's header of
 * such a name goes no further, in any spelling that a reader may take for the same, be it by folding or by ending at a NUL.
 */
import type { ContentHeader } from '../../codec/content.ts'
import { PROPERTY_NAMES } from '../../codec/properties.ts'
import { entryBytes } from '../../codec/scan.ts'
import { foldedName } from './folded-names.ts'

const RESERVED_PREFIX = 'x-gatehouse-'

const HEADERS_PLACE = PROPERTY_NAMES.indexOf('headers')

/** The ASCII characters that folding drops, so that any name may begin with them. */
const DROPPED_BYTES = [...Array(0x21).keys(), 0x7f]

/** Of no session: made once for all that stamp the same headers. */
export class ReservedNames {
  /** Whether a name is reserved, in this or another spelling; to be handed on as it is. */
  readonly isReserved: (name: string) => boolean
  /** By first byte: whether a name that begins with it may be reserved. Most may not, and are not looked at. */
  readonly #firstBytes: Uint8Array = new Uint8Array(256)

  constructor(stamped: readonly string[]) {
    const names: ReadonlySet<string> = new Set(stamped.map((name) => foldedName(name, Number.POSITIVE_INFINITY)))
    const longest = Math.max(RESERVED_PREFIX.length, ...[...names].map(({ length }) => length))
    const isOurs = (name: string): boolean => {
      const folded = foldedName(name, longest)
      return folded.startsWith(RESERVED_PREFIX) || names.has(folded)
    }
    this.isReserved = (name) => {
      const nul = name.indexOf('\0')
      return isOurs(name) || (nul !== -1 && isOurs(name.slice(0, nul)))
    }
    for (const name of [RESERVED_PREFIX, ...names]) {
      const [first = ''] = name
      for (const letter of [first, first.toUpperCase()]) {
        for (const byte of Buffer.from(letter).subarray(0, 1)) this.#firstBytes[byte] = 1
      }
    }
    for (const byte of DROPPED_BYTES) this.#firstBytes[byte] = 1
    // Beyond ASCII there are other spellings of every letter.
    this.#firstBytes.fill(1, 0x80)
  }

  /** Whether the header's table has entries with reserved names. */
  areIn(header: ContentHeader): boolean {
    if (!header.has('headers')) return false
    const { buffer } = header
    const end = header.endOf(HEADERS_PLACE)
    for (let at = header.startOf(HEADERS_PLACE) + 4; at < end; at += entryBytes(buffer, at)) {
      const keyBytes = buffer[at] as number
      if (keyBytes === 0 || this.#firstBytes[buffer[at + 1] as number] === 0) continue
      if (this.isReserved(buffer.toString('utf8', at + 1, at + 1 + keyBytes))) return true
    }
    return false
  }
}
