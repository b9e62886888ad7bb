/**
 * The header names that belong to the gateway: those it stamps, and all that begin with `x-gatehouse-`. A client's header of
 * such a name, in any case and any compatible Unicode spelling, goes no further.
 */
import type { ContentHeader } from '../codec/content.ts'
import { PROPERTY_NAMES } from '../codec/properties.ts'
import { entryBytes } from '../codec/scan.ts'

const RESERVED_PREFIX = 'x-gatehouse-'

/** Where the header table stands among the properties. */
export const HEADERS_PLACE: number = PROPERTY_NAMES.indexOf('headers')

/** One spelling for all that readers may take for the same name. [Unicode: NFKC] */
function folded(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}

export class ReservedNames {
  readonly #names: ReadonlySet<string>
  /** By first byte: whether a name that begins with it may be reserved. Most may not, and are not looked at. */
  readonly #firstBytes: Uint8Array = new Uint8Array(256)

  constructor(stamped: readonly string[]) {
    this.#names = new Set(stamped.map(folded))
    for (const name of [RESERVED_PREFIX, ...this.#names]) {
      const first = name.slice(0, 1)
      for (const byte of [first, first.toUpperCase()].map((character) => Buffer.from(character)[0])) {
        if (byte !== undefined) this.#firstBytes[byte] = 1
      }
    }
    // Beyond ASCII there are other spellings of every letter.
    this.#firstBytes.fill(1, 0x80)
  }

  /** How many bytes of the header's table are entries with reserved names. */
  bytesIn(header: ContentHeader): number {
    if (!header.has('headers')) return 0
    const { buffer } = header
    const end = header.endOf(HEADERS_PLACE)
    let bytes = 0
    for (let at = header.startOf(HEADERS_PLACE) + 4; at < end; ) {
      const size = entryBytes(buffer, at)
      if (this.isAt(buffer, at)) bytes += size
      at += size
    }
    return bytes
  }

  /** Whether the table entry at this offset has a reserved name. */
  isAt(buffer: Buffer, offset: number): boolean {
    const keyBytes = buffer[offset] as number
    if (keyBytes === 0 || this.#firstBytes[buffer[offset + 1] as number] === 0) return false
    const name = folded(buffer.toString('utf8', offset + 1, offset + 1 + keyBytes))
    return name.startsWith(RESERVED_PREFIX) || this.#names.has(name)
  }
}
