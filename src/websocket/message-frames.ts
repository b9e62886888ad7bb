/**
 * The frames of a binary WebSocket message to a client. ws would make an object, a buffer and two writes of each; a small
 * message is one buffer here, and one write. [RFC 6455 §5.2, §5.4]
 */
import type { Duplex } from 'node:stream'

const FIN = 0x80
const BINARY = 0x02
const CONTINUATION = 0x00
/** Lengths of 16 and of 64 bits follow. */
const LENGTH_16 = 126
const LENGTH_64 = 127
const LARGEST_7_BIT = 125
const LARGEST_16_BIT = 0xffff

/** A payload that is smaller is copied behind its head: that costs less than a write of its own. */
const SMALL_BYTES = 2048

/**
 * Writes one message, each part as a fragment of it, so that nothing large is copied.
 * @param parts one at least; they must stay as they are until they have been written
 * @param sent called when the operating system has taken all of it, or will not take it any more
 */
export function writeMessage(stream: Duplex, parts: readonly Buffer[], sent?: () => void): void {
  const last = parts.length - 1
  const only = parts[0] as Buffer
  if (last === 0 && only.length < SMALL_BYTES) {
    const frame = Buffer.allocUnsafe(headBytes(only.length) + only.length)
    only.copy(frame, writeHead(frame, FIN | BINARY, only.length))
    stream.write(frame, sent)
    return
  }
  stream.cork()
  for (let at = 0; at <= last; at++) {
    const part = parts[at] as Buffer
    const head = Buffer.allocUnsafe(headBytes(part.length))
    writeHead(head, (at === 0 ? BINARY : CONTINUATION) | (at === last ? FIN : 0), part.length)
    stream.write(head)
    stream.write(part, at === last ? sent : undefined)
  }
  stream.uncork()
}

function headBytes(payloadBytes: number): number {
  if (payloadBytes <= LARGEST_7_BIT) return 2
  return payloadBytes <= LARGEST_16_BIT ? 4 : 10
}

/** Returns where the payload begins. */
function writeHead(into: Buffer, first: number, payloadBytes: number): number {
  into[0] = first
  if (payloadBytes <= LARGEST_7_BIT) {
    into[1] = payloadBytes
    return 2
  }
  if (payloadBytes <= LARGEST_16_BIT) {
    into[1] = LENGTH_16
    return into.writeUInt16BE(payloadBytes, 2)
  }
  into[1] = LENGTH_64
  into.writeUInt32BE(Math.floor(payloadBytes / 2 ** 32), 2)
  return into.writeUInt32BE(payloadBytes % 2 ** 32, 6)
}
