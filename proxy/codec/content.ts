/**
 * Content headers, for those who use them: the view (content-header.ts), changed copies (rewrite.ts), and, here, writing
 * new ones from values. [AMQP §4.2.6.1] The encoder refuses what does not fit and never truncates.
 */
import { BODY_SIZE_AT, FLAGS_AT, PROPERTIES_AT_BYTES } from './content-header.ts'
import { FRAME_HEADER, frame } from './frame.ts'
import { BASIC_CLASS_ID, flagOf, PROPERTIES, PROPERTY_NAMES, type Properties } from './properties.ts'
import { VALUE_CODECS } from './value.ts'
import type { ValueCodec } from './wire.ts'

export { bodySizeOf, ContentHeader } from './content-header.ts'
export type { Properties } from './properties.ts'
export { type HeaderChanges, HeaderRewrite, rewrite } from './rewrite.ts'

/** A content header's payload. @throws RangeError for a value that does not fit */
export function encodeContentHeader(content: { bodySize: bigint | number; properties?: Properties }): Buffer {
  const { bodySize, properties = {} } = content
  let flags = 0
  let bytes = PROPERTIES_AT_BYTES
  PROPERTY_NAMES.forEach((name, place) => {
    const value: unknown = properties[name]
    if (value === undefined) return
    const codec: ValueCodec<unknown> = VALUE_CODECS[PROPERTIES[name]]
    bytes += codec.size(value)
    flags |= flagOf(place)
  })
  const payload = Buffer.alloc(bytes)
  payload.writeUInt16BE(BASIC_CLASS_ID, 0)
  payload.writeBigUInt64BE(BigInt(bodySize), BODY_SIZE_AT)
  let at = payload.writeUInt16BE(flags, FLAGS_AT)
  PROPERTY_NAMES.forEach((name) => {
    const value: unknown = properties[name]
    if (value === undefined) return
    const codec: ValueCodec<unknown> = VALUE_CODECS[PROPERTIES[name]]
    at = codec.write(payload, at, value)
  })
  return payload
}

/** A whole content header frame around a copy of the payload. */
export function contentHeaderFrame(channel: number, payload: Buffer): Buffer {
  return frame(FRAME_HEADER, channel, payload)
}
