/** Ranges of client addresses, as operators write them: single addresses and CIDR, IPv4 and IPv6. */
import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { InvalidConfiguration, type Mistake } from '../errors.ts'

export interface AddressRanges {
  /** Whether an address lies in any range; what is no address lies in none. IPv4 inside IPv6 counts as IPv4. */
  contain(address: string): boolean
  /** The ranges as written. */
  readonly text: string
}

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Range = readonly [Address, number]

/** @throws InvalidConfiguration naming each text that is neither an address nor a range */
export function compileAddresses(input: string | readonly string[]): AddressRanges {
  const list = typeof input === 'string' ? [input] : input
  const ranges: Range[] = []
  const problems: Mistake[] = []
  for (const [index, text] of list.entries()) {
    const range = parseRange(text)
    if (range !== undefined) ranges.push(range)
    else {
      problems.push({
        path: typeof input === 'string' ? [] : [index],
        message: `${JSON.stringify(text)} is no address and no range; expected such as 10.0.0.0/8 or 2001:db8::1`,
      })
    }
  }
  if (list.length === 0) problems.push({ path: [], message: 'an empty list contains no address; leave the key out' })
  if (problems.length > 0) throw new InvalidConfiguration(problems)
  return {
    contain: (address) => {
      const parsed = parseAddress(address)
      return (
        parsed !== undefined &&
        ranges.some(([base, bits]) => parsed.kind() === base.kind() && within(parsed, base, bits))
      )
    },
    text: list.join(', '),
  }
}

/** The network an attempt counts for: an IPv4 address, an IPv6 /64, or the text itself if it is no address. */
export function networkOf(address: string): string {
  // Asked several times for each session. Node takes no other form of IPv4 than the one that is written here.
  if (isIPv4(address)) return address
  const parsed = parseAddress(address)
  if (parsed === undefined) return address
  return parsed instanceof ipaddr.IPv6
    ? `${parsed.parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':')}::/64`
    : parsed.toString()
}

function within(address: Address, base: Address, bits: number): boolean {
  if (address instanceof ipaddr.IPv4 && base instanceof ipaddr.IPv4) return address.match(base, bits)
  return address instanceof ipaddr.IPv6 && base instanceof ipaddr.IPv6 && address.match(base, bits)
}

function parseAddress(text: string): Address | undefined {
  // Node writes the zone of a link-local peer behind a percent sign.
  const bare = text.split('%', 1)[0] ?? ''
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !ipaddr.IPv6.isValid(bare)) return undefined
  const parsed = ipaddr.parse(bare)
  return parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : parsed
}

function parseRange(text: string): Range | undefined {
  const [address = '', bits, ...rest] = text.split('/')
  const base = parseAddress(address)
  if (base === undefined || rest.length > 0 || address.includes('%')) return undefined
  const width = base instanceof ipaddr.IPv4 ? 32 : 128
  if (bits === undefined) return [base, width]
  if (!/^[0-9]{1,3}$/.test(bits)) return undefined
  // A range written around IPv4 inside IPv6 counts its bits from the IPv6 side.
  const length = Number(bits) - (address.includes(':') && base instanceof ipaddr.IPv4 ? 96 : 0)
  return length < 0 || length > width ? undefined : [base, length]
}
