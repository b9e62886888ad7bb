/**
 * Frames as the specification lays them out, and building them. [AMQP §2.3.5, §4.2.2, §4.2.3] What a payload means, and
 * whether a frame may come now, is not known here.
 */
export const FRAME_METHOD = 1
export const FRAME_HEADER = 2
export const FRAME_BODY = 3
export const FRAME_HEARTBEAT = 8
export const FRAME_END = 0xce

/** Type, channel and payload size. */
export const FRAME_HEADER_BYTES = 7
/** What a frame is larger than its payload: the seven bytes before it and the end octet. */
export const FRAME_OVERHEAD_BYTES = 8

/** What a client of AMQP 0-9-1 sends first; shared, not to be written to. [AMQP §4.2.2] */
export const PROTOCOL_HEADER: Buffer = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])

/** A whole heartbeat frame; shared, not to be written to. [AMQP §4.2.7] */
export const HEARTBEAT_FRAME: Buffer = Buffer.from([FRAME_HEARTBEAT, 0, 0, 0, 0, 0, 0, FRAME_END])

/**
 * Writes the seven bytes before and the octet after a payload of `payloadBytes` that stands, or will, at `start` + 7.
 * @throws RangeError for a channel or a size that does not fit
 */
export function sealFrame(buffer: Buffer, start: number, type: number, channel: number, payloadBytes: number): void {
  if (!Number.isInteger(channel)) throw new RangeError('a channel is a whole number')
  buffer.writeUInt8(type, start)
  buffer.writeUInt16BE(channel, start + 1)
  buffer.writeUInt32BE(payloadBytes, start + 3)
  buffer.writeUInt8(FRAME_END, start + FRAME_HEADER_BYTES + payloadBytes)
}

/** A whole frame around a copy of the payload. */
export function frame(type: number, channel: number, payload: Buffer): Buffer {
  const whole = Buffer.allocUnsafe(payload.length + FRAME_OVERHEAD_BYTES)
  sealFrame(whole, 0, type, channel, payload.length)
  payload.copy(whole, FRAME_HEADER_BYTES)
  return whole
}
