/**
 * The view on a content header: checks it and finds its properties in place. [AMQP §4.2.6.1]
 *
 * Checking is strict, as the gateway decides by properties that the broker reads for itself: class 60, weight 0, no
 * undefined flags, every property canonical, exact length. Strings are only made when they are asked for. Writing and
 * changing content headers is in content.ts.
 */
import { type Cause, ConnectionFault } from '../faults.ts'
import { BASIC_CLASS_ID, flagOf, PROPERTIES, PROPERTY_NAMES, type PropertyName } from './properties.ts'
import { scanTable } from './scan.ts'
import { VALUE_CODECS, type WireValues } from './value.ts'
import { FLAW, flawFault, scanShortstr, type ValueCodec } from './wire.ts'

/** Class, weight, body size and flags: what stands before the properties. */
export const PROPERTIES_AT_BYTES = 14
export const BODY_SIZE_AT = 4
export const FLAGS_AT = 12
// Bit 0 would announce more flags than class basic has; bit 1 has no property.
const UNDEFINED_FLAGS = 0b11

const PLACES = Object.fromEntries(PROPERTY_NAMES.map((name, place) => [name, place])) as Record<PropertyName, number>

// How a property is got over: so many bytes, or by scanning it.
const SHORTSTR = 0
const TABLE = -1
const EXTENT_OF = { octet: 1, timestamp: 8, shortstr: SHORTSTR, table: TABLE } as const satisfies {
  [T in (typeof PROPERTIES)[PropertyName]]: number
}
const EXTENTS: Int8Array = Int8Array.from(PROPERTY_NAMES.map((name) => EXTENT_OF[PROPERTIES[name]]))

const NOTHING: Buffer = Buffer.alloc(0)

type PropertyValue<P extends PropertyName> = WireValues[(typeof PROPERTIES)[P]]

/** One content header as it passes by; reused for the next one, so it must not be kept. */
export class ContentHeader {
  buffer: Buffer = NOTHING
  /** Where the payload begins. */
  start = 0
  end = 0
  /** Which properties there are: bit 15 for the first. */
  flags = 0
  /** The body's size; exact up to 2^53, above that near enough to be refused. */
  bodyBytes = 0

  // Where each property begins and ends; only meaningful where its flag is set.
  readonly #starts: Int32Array = new Int32Array(PROPERTY_NAMES.length)
  readonly #ends: Int32Array = new Int32Array(PROPERTY_NAMES.length)

  /**
   * Points the view at a content header's payload and checks it. After a fault the view has no properties.
   * @param caused the method whose content this is, for the fault
   * @throws ConnectionFault unexpected-frame for another class or a weight, frame-error for a wrong length,
   * syntax-error for undefined flags and for properties that are not canonical
   */
  read(buffer: Buffer, start: number, end: number, caused?: Cause): this {
    this.flags = 0
    this.bodyBytes = bodySizeOf(buffer, start, end, caused)
    const flags = buffer.readUInt16BE(start + FLAGS_AT)
    if ((flags & UNDEFINED_FLAGS) !== 0) throw flawFault(FLAW.bits, 'the flags of a content header', caused)
    let at = start + PROPERTIES_AT_BYTES
    for (let place = 0, left = flags; left !== 0; place += 1, left = (left << 1) & 0xffff) {
      if ((left & 0x8000) === 0) continue
      this.#starts[place] = at
      const extent = EXTENTS[place] as number
      if (extent === SHORTSTR) at = scanShortstr(buffer, at, end)
      else if (extent === TABLE) at = scanTable(buffer, at, end)
      else at = at + extent > end ? FLAW.short : at + extent
      if (at < 0) throw flawFault(at, `${PROPERTY_NAMES[place]} of a content header`, caused)
      this.#ends[place] = at
    }
    if (at !== end) throw flawFault(FLAW.long, 'a content header', caused)
    this.buffer = buffer
    this.start = start
    this.end = end
    this.flags = flags
    return this
  }

  /** The body's size, exact. */
  get bodySize(): bigint {
    return this.buffer.readBigUInt64BE(this.start + BODY_SIZE_AT)
  }

  has(name: PropertyName): boolean {
    return (this.flags & flagOf(PLACES[name])) !== 0
  }

  /** A property's value, decoded now; undefined where it is absent. Byte strings in tables are views. */
  property<P extends PropertyName>(name: P): PropertyValue<P> | undefined {
    if (!this.has(name)) return undefined
    const codec: ValueCodec<unknown> = VALUE_CODECS[PROPERTIES[name]]
    return codec.read(this.buffer, this.#starts[PLACES[name]] as number) as PropertyValue<P>
  }

  /** A property's bytes as they arrived, lengths included: a view; undefined where it is absent. */
  raw(name: PropertyName): Buffer | undefined {
    if (!this.has(name)) return undefined
    return this.buffer.subarray(this.#starts[PLACES[name]], this.#ends[PLACES[name]])
  }

  /** Where the property at this place begins; only for one whose flag is set. */
  startOf(place: number): number {
    return this.#starts[place] as number
  }

  /** Where the property at this place ends; only for one whose flag is set. */
  endOf(place: number): number {
    return this.#ends[place] as number
  }
}

/**
 * The body size that a content header announces, without checking its properties: for content that is only passed on.
 * Exact up to 2^53, above that near enough to be refused.
 * @throws ConnectionFault unexpected-frame for another class or a weight, frame-error when it is too short
 */
export function bodySizeOf(buffer: Buffer, start: number, end: number, caused?: Cause): number {
  if (end - start < PROPERTIES_AT_BYTES) throw flawFault(FLAW.short, 'a content header', caused)
  if (buffer.readUInt16BE(start) !== BASIC_CLASS_ID || buffer.readUInt16BE(start + 2) !== 0) {
    throw new ConnectionFault('unexpected-frame', 'expected a content header of class 60 and weight 0', caused)
  }
  return buffer.readUInt32BE(start + BODY_SIZE_AT) * 0x1_0000_0000 + buffer.readUInt32BE(start + BODY_SIZE_AT + 4)
}
