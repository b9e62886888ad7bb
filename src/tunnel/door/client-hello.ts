/**
 * The first message of a client's TLS, as far as a door reads it: that it is one, that it is there whole, and the host that
 * it names. TLS does not end here; the bytes are passed on as they came. [RFC 8446 §4.1.2, §5.1; RFC 6066 §3]
 */

/** What is read of the bytes so far. */
export type Hello =
  /** So many bytes are still to come, at least: to look sooner finds nothing. */
  | { readonly missingBytes: number }
  /** It is no TLS, or none that a client begins with. */
  | 'not-tls'
  | { readonly serverName: string | undefined }

/** The most that any client sends: with keys of post-quantum exchanges it is some 2 KiB. */
export const MOST_HELLO_BYTES = 16 * 1024

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0
const HOST_NAME = 0
const RECORD_HEADER_BYTES = 5
const MESSAGE_HEADER_BYTES = 4
/** A record is at most this long. [§5.1] */
const RECORD_BYTES = 16_384

export function readHello(bytes: Buffer): Hello {
  const message = handshakeOf(bytes)
  if (message === 'not-tls') return message
  if (message.length < MESSAGE_HEADER_BYTES) return { missingBytes: 1 }
  if (message[0] !== CLIENT_HELLO) return 'not-tls'
  const length = message.readUIntBE(1, 3)
  if (length > MOST_HELLO_BYTES) return 'not-tls'
  const missingBytes = MESSAGE_HEADER_BYTES + length - message.length
  if (missingBytes > 0) return { missingBytes }
  const fields = new Fields(message.subarray(MESSAGE_HEADER_BYTES, MESSAGE_HEADER_BYTES + length))
  try {
    return { serverName: serverNameIn(fields) }
  } catch (error) {
    if (error instanceof RangeError) return 'not-tls'
    throw error
  }
}

/** What the records hold that have come: a hello may lie in several. */
function handshakeOf(bytes: Buffer): Buffer | 'not-tls' {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== HANDSHAKE || (bytes.length > at + 1 && bytes[at + 1] !== 3)) return 'not-tls'
    if (bytes.length < at + RECORD_HEADER_BYTES) break
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0 || length > RECORD_BYTES) return 'not-tls'
    parts.push(bytes.subarray(at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + length))
    at += RECORD_HEADER_BYTES + length
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
}

/** `version(2) random(32) session<1> suites<2> compressions<1> extensions<2>`; without extensions it names nobody. */
function serverNameIn(fields: Fields): string | undefined {
  fields.skip(34)
  fields.vector(1)
  fields.vector(2)
  fields.vector(1)
  if (fields.isAtEnd) return undefined
  const extensions = new Fields(fields.vector(2))
  while (!extensions.isAtEnd) {
    const type = extensions.number(2)
    const value = extensions.vector(2)
    if (type === SERVER_NAME) return hostNameIn(new Fields(new Fields(value).vector(2)))
  }
  return undefined
}

function hostNameIn(list: Fields): string | undefined {
  while (!list.isAtEnd) {
    const type = list.number(1)
    const name = list.vector(2)
    if (type === HOST_NAME) return name.toString('latin1').toLowerCase()
  }
  return undefined
}

/** Reads one field after the other. @throws {RangeError} where it ends too early */
class Fields {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  number(size: 1 | 2): number {
    const value = this.#bytes.readUIntBE(this.#at, size)
    this.#at += size
    return value
  }

  skip(count: number): void {
    if (this.#at + count > this.#bytes.length) throw new RangeError('the hello ends too early')
    this.#at += count
  }

  /** Bytes behind their own length. */
  vector(lengthSize: 1 | 2): Buffer {
    const length = this.number(lengthSize)
    const start = this.#at
    this.skip(length)
    return this.#bytes.subarray(start, this.#at)
  }
}
