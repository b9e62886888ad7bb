/** The header with which a door tells whose connection it gives away. [PROXY protocol §2.2] */
import { isIPv4, isIPv6, type Socket } from 'node:net'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const VERSION_2_PROXY = 0x21
const VERSION_2_LOCAL = 0x20
const TCP_OVER_IPV4 = 0x11
const TCP_OVER_IPV6 = 0x21

/** Both ends of a client's connection, as the door's system says them. */
export type Ends = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>

/**
 * The header for a client's connection; without an address where the client has gone already and left none behind.
 *
 *     signature(12) | 0x21 | family | length(2) | source | destination | source port(2) | destination port(2)
 */
export function announcement({ remoteAddress, remotePort = 0, localAddress, localPort = 0 }: Ends): Buffer {
  const [source, destination] = [bytesOf(remoteAddress), bytesOf(localAddress)]
  if (source === undefined || destination?.length !== source.length)
    return Buffer.from([...SIGNATURE, VERSION_2_LOCAL, 0, 0, 0])
  const length = 2 * source.length + 4
  const header = Buffer.alloc(16 + length)
  SIGNATURE.copy(header)
  header[12] = VERSION_2_PROXY
  header[13] = source.length === 4 ? TCP_OVER_IPV4 : TCP_OVER_IPV6
  header.writeUInt16BE(length, 14)
  header.set(source, 16)
  header.set(destination, 16 + source.length)
  header.writeUInt16BE(remotePort, header.length - 4)
  header.writeUInt16BE(localPort, header.length - 2)
  return header
}

/** An address of a socket in bytes; IPv4 on a socket of both families (`::ffff:192.0.2.1`) in four of them. */
function bytesOf(address: string | undefined): Uint8Array | undefined {
  const text = address?.replace(/^::ffff:(?=[\d.]+$)/i, '').split('%', 1)[0] ?? ''
  if (isIPv4(text)) return Uint8Array.from(text.split('.').map(Number))
  if (!isIPv6(text)) return undefined
  const [left = '', right] = text.split('::')
  const groupsOf = (part: string | undefined) => (part === undefined || part === '' ? [] : part.split(':'))
  const [head, tail] = [groupsOf(left), groupsOf(right)]
  const groups = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail]
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  )
}
