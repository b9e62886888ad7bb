/** The PROXY protocol's binary header, version 2, with which a broker learns the client's address. */
import { isIPv4, isIPv6, type Socket } from 'node:net'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const VERSION_2_PROXY = 0x21
const TCP_OVER_IPV4 = 0x11
const TCP_OVER_IPV6 = 0x21

/**
 * The header that announces `clientAddress` as the source of `socket`'s connection.
 *
 * A loopback source is replaced by our own address: a broker grants loopback users to whoever seems to come from there.
 * The port is 0, since addresses behind trusted proxies have none.
 *
 *     signature(12) | 0x21 | family | length(2) | source | destination | source port(2) | destination port(2)
 */
export function proxyHeader(
  clientAddress: string,
  socket: Pick<Socket, 'localAddress' | 'remoteAddress' | 'remotePort'>,
): Buffer {
  const announced = isLoopback(clientAddress) ? (socket.localAddress ?? clientAddress) : clientAddress
  const destination = socket.remoteAddress ?? announced
  const four = isIPv4(announced) && isIPv4(destination)
  const size = four ? 4 : 16
  const header = Buffer.alloc(16 + 2 * size + 4)
  SIGNATURE.copy(header)
  header[12] = VERSION_2_PROXY
  header[13] = four ? TCP_OVER_IPV4 : TCP_OVER_IPV6
  header.writeUInt16BE(2 * size + 4, 14)
  for (const [at, address] of [announced, destination].entries()) {
    header.set(four ? bytes4(address) : bytes16(address), 16 + at * size)
  }
  header.writeUInt16BE(0, 16 + 2 * size)
  header.writeUInt16BE(socket.remotePort ?? 0, 16 + 2 * size + 2)
  return header
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}

function bytes4(address: string): Uint8Array {
  return Uint8Array.from(address.split('.').map(Number))
}

function bytes16(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from([...new Array<number>(10).fill(0), 0xff, 0xff, ...bytes4(address)])
  if (!isIPv6(address)) throw new TypeError('not an IP address')
  // A dotted tail (`::ffff:192.0.2.1`) is two groups.
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address.split('%')[0] ?? '')
  const tail = dotted ? bytes4(dotted[2] ?? '') : undefined
  const hex = tail
    ? `${dotted?.[1]}${(((tail[0] ?? 0) << 8) | (tail[1] ?? 0)).toString(16)}:${(((tail[2] ?? 0) << 8) | (tail[3] ?? 0)).toString(16)}`
    : (address.split('%')[0] ?? '')
  const [head = '', rest] = hex.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = rest === undefined || rest === '' ? [] : rest.split(':')
  const groups = [
    ...left,
    ...new Array<string>(rest === undefined ? 0 : 8 - left.length - right.length).fill('0'),
    ...right,
  ]
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  )
}
