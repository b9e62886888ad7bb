/**
 * The header names that belong to the gateway: those it stamps, and all that begin with `x-gatehouse-`. A client's header of
 * such a name, in any case and any compatible Unicode spelling, goes no further.
 */
import type { ContentHeader } from '../../codec/content.ts'
import { PROPERTY_NAMES } from '../../codec/properties.ts'
import { entryBytes } from '../../codec/scan.ts'

const RESERVED_PREFIX = 'x-gatehouse-'

const HEADERS_PLACE = PROPERTY_NAMES.indexOf('headers')

/** One spelling for all that readers may take for the same name. [Unicode: NFKC] */
function folded(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}

/** Of no session: made once for all that stamp the same headers. */
export class ReservedNames {
  /** Whether a name is reserved, in this or another spelling; to be handed on as it is. */
  readonly isReserved: (name: string) => boolean
  /** By first byte: whether a name that begins with it may be reserved. Most may not, and are not looked at. */
  readonly #firstBytes: Uint8Array = new Uint8Array(256)

  constructor(stamped: readonly string[]) {
    const names: ReadonlySet<string> = new Set(stamped.map(folded))
    this.isReserved = (name) => {
      const plain = folded(name)
      return plain.startsWith(RESERVED_PREFIX) || names.has(plain)
    }
    for (const name of [RESERVED_PREFIX, ...names]) {
      // The first letter as it stands, and without what may be written behind it as a mark of its own (é as e and ´).
      const letters = [name, name.normalize('NFKD')].map((spelled) => spelled.slice(0, 1))
      for (const byte of letters.flatMap((letter) => [Buffer.from(letter)[0], Buffer.from(letter.toUpperCase())[0]])) {
        if (byte !== undefined) this.#firstBytes[byte] = 1
      }
    }
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
