/**
 * The wire types a method's field or a content property may have: their values in TypeScript, and one codec for each.
 * Bits are missing among the codecs, because only a method knows how they share octets.
 */
import { TABLE, type Table } from './table.ts'
import { LONG, LONGLONG, LONGSTR, OCTET, SHORT, SHORTSTR, type ValueCodec } from './wire.ts'

/** The elementary types by the specification's names. [AMQP §4.2.1] */
export interface WireValues {
  octet: number
  short: number
  long: number
  longlong: bigint
  /** Seconds since 1970. */
  timestamp: bigint
  bit: boolean
  /** At most 255 bytes of UTF-8. */
  shortstr: string
  /** Any bytes, as it may carry secrets; decoded it is a view on the input, never a copy. */
  longstr: Buffer
  table: Table
}

export type WireType = keyof WireValues

export const VALUE_CODECS: { readonly [T in Exclude<WireType, 'bit'>]: ValueCodec<WireValues[T]> } = {
  octet: OCTET,
  short: SHORT,
  long: LONG,
  longlong: LONGLONG,
  timestamp: LONGLONG,
  shortstr: SHORTSTR,
  longstr: LONGSTR,
  table: TABLE,
}
