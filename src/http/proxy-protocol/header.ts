/**
 * The PROXY protocol's header, versions 1 and 2, as a proxy puts it before everything else that it passes on. Strict: what
 * two readers could read differently is no header. [PROXY protocol §2]
 */
import { isIPv4, isIPv6 } from 'node:net'

/** What is read of the bytes so far. */
export type ProxyHeader =
  | 'incomplete'
  /** `source` is the client's address; undefined where the proxy speaks for itself, as its health checks do. */
  | { readonly byteCount: number; readonly source: string | undefined }
  /** Says what was expected, never what was sent. */
  | { readonly problem: string }

/** A header with everything that proxies are known to add to it. */
export const MOST_HEADER_BYTES = 4096

const VERSION_1 = Buffer.from('PROXY ')
const VERSION_2 = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
/** With its line break. [§2.1] */
const LONGEST_LINE_BYTES = 107

const NO_HEADER: ProxyHeader = { problem: 'expected a PROXY protocol header before anything else' }

/** Reads the header at the beginning of what has arrived. Bytes behind it are not looked at. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (bytes.length === 0) return 'incomplete'
  if (beginsAs(VERSION_1, bytes)) return readVersion1(bytes)
  if (beginsAs(VERSION_2, bytes)) return readVersion2(bytes)
  return NO_HEADER
}

/** Whether the bytes are the beginning of a header of this version, as far as they go. */
function beginsAs(signature: Buffer, bytes: Buffer): boolean {
  const length = Math.min(signature.length, bytes.length)
  return bytes.compare(signature, 0, length, 0, length) === 0
}

/** `PROXY TCP4 source destination port port`, one blank between each two. [§2.1] */
function readVersion1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, LONGEST_LINE_BYTES).indexOf('\r\n')
  if (end === -1) {
    if (bytes.length < LONGEST_LINE_BYTES) return 'incomplete'
    return { problem: `expected a line of at most ${LONGEST_LINE_BYTES} bytes in the PROXY protocol header` }
  }
  const byteCount = end + 2
  const line = bytes.toString('latin1', VERSION_1.length, end)
  // Whatever stands behind it says nothing. [§2.1]
  if (line === 'UNKNOWN' || line.startsWith('UNKNOWN ')) return { byteCount, source: undefined }
  const [family, source = '', destination = '', ...ports] = line.split(' ')
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6WithoutZone : () => false
  if (!isAddress(source) || !isAddress(destination) || ports.length !== 2 || !ports.every(isPort))
    return { problem: 'expected TCP4 or TCP6, two addresses of that kind and two ports in the PROXY protocol header' }
  return { byteCount, source }
}

function isIPv6WithoutZone(text: string): boolean {
  return isIPv6(text) && !text.includes('%')
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

const LOCAL = 0x20
const PROXY = 0x21
const TCP_OVER_IPV4 = 0x11
const TCP_OVER_IPV6 = 0x21

/** `signature(12) | version and command | family | length(2) | addresses and ports | more`. [§2.2] */
function readVersion2(bytes: Buffer): ProxyHeader {
  if (bytes.length < 16) return 'incomplete'
  const [command, family, length] = [bytes[12], bytes[13], bytes.readUInt16BE(14)]
  if (command !== LOCAL && command !== PROXY)
    return { problem: 'expected version 2 and the command LOCAL or PROXY in the PROXY protocol header' }
  const byteCount = 16 + length
  if (byteCount > MOST_HEADER_BYTES)
    return { problem: `expected a PROXY protocol header of at most ${MOST_HEADER_BYTES} bytes` }
  if (command === PROXY && !isLongEnough(family, length))
    return { problem: 'expected TCP over IPv4 or IPv6 and both addresses in the PROXY protocol header' }
  if (bytes.length < byteCount) return 'incomplete'
  if (command === LOCAL) return { byteCount, source: undefined }
  return { byteCount, source: family === TCP_OVER_IPV4 ? [...bytes.subarray(16, 20)].join('.') : sixteenOf(bytes) }
}

function isLongEnough(family: number | undefined, length: number): boolean {
  return (family === TCP_OVER_IPV4 && length >= 12) || (family === TCP_OVER_IPV6 && length >= 36)
}

function sixteenOf(bytes: Buffer): string {
  return Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(16 + 2 * group).toString(16)).join(':')
}
