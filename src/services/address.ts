/**
 * Whose address a request came from. The socket's peer, unless that peer is a trusted proxy: then the right-most
 * address of `X-Forwarded-For` that is not one.
 *
 * A header from anyone else is not looked at, and one that cannot be read to the end of the walk counts as absent: a
 * client never chooses its own address.
 */
import { isIP, isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { type AddressRanges, compileAddresses } from '../../auth/index.ts'

/** Compiles a list that may be empty or absent; then it contains nothing. */
export function addressSet(ranges: readonly string[] | undefined): Pick<AddressRanges, 'contain'> {
  return ranges === undefined || ranges.length === 0 ? { contain: () => false } : compileAddresses(ranges)
}

/**
 * The client's address, in canonical form.
 *
 * @param peer the socket's remote address
 * @param forwardedFor the `X-Forwarded-For` header, joined with commas when it came several times
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | undefined,
  trusted: Pick<AddressRanges, 'contain'>,
): string {
  const own = canonicalAddress(peer) ?? peer
  if (forwardedFor === undefined || !trusted.contain(own)) return own
  let client = own
  for (const entry of forwardedFor.split(',').toReversed()) {
    const hop = canonicalAddress(withoutPort(entry.trim()))
    if (hop === undefined) return own
    client = hop
    if (!trusted.contain(hop)) return client
  }
  return client
}

/** The one way to write an address: IPv4 in dots, also where it came as IPv4-mapped IPv6. `undefined`: no address. */
export function canonicalAddress(text: string): string | undefined {
  // Node takes IPv4 in no other form than this one.
  if (isIPv4(text)) return text
  // ipaddr.js alone also reads `0x7f.1` and `010.0.0.1`, each in its own way.
  const bare = text.split('%', 1)[0] ?? ''
  return isIP(bare) === 0 ? undefined : ipaddr.process(bare).toString()
}

/** Some proxies write `203.0.113.7:51234` or `[2001:db8::1]:443`. [RFC 7239 §6] */
function withoutPort(hop: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(hop)
  if (bracketed !== null) return bracketed[1] ?? ''
  return /^[\d.]+:\d{1,5}$/.test(hop) ? hop.slice(0, hop.indexOf(':')) : hop
}
