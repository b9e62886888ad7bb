/**
 * Headers of the PROXY protocol, spoilt, with TLVs or a request behind them, and cut anywhere. Where the header ends and
 * which address it announces is what a second reader makes of it, who has the whole header before him; however the bytes
 * arrive, the verdict is the same, and none comes later than the bytes that a header may have.
 */
import { strict as assert } from 'node:assert/strict'
import { isIP } from 'node:net'
import { MOST_HEADER_BYTES, type ProxyHeader, readProxyHeader } from '../../src/http/proxy-protocol/header.ts'
import { canonicalAddress } from '../../src/services/address.ts'
import type { Random } from '../support/random.ts'
import { spoilt } from './spoilt.ts'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const LINES = [
  'PROXY TCP4 203.0.113.7 192.0.2.1 50000 443\r\n',
  'PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n',
  'PROXY TCP6 2001:db8::7 2001:db8::1 50000 443\r\n',
  'PROXY TCP6 ::ffff:203.0.113.7 fe80:0:0:0:0:0:0:1 1 2\r\n',
  'PROXY UNKNOWN\r\n',
  'PROXY UNKNOWN ffff::ffff 203.0.113.7 65535 65535\r\n',
]
const COMMANDS = [0x21, 0x21, 0x21, 0x21, 0x20, 0x22, 0x11, 0x00]
/** TCP, UDP and none over IPv4, IPv6, UNIX sockets and nothing. */
const FAMILIES = [0x11, 0x11, 0x21, 0x21, 0x00, 0x12, 0x22, 0x31, 0x32, 0x10]
/** Of the addresses of each family; one less, and some that belong to none. */
const LENGTHS = [12, 12, 36, 36, 0, 11, 35, 216, 4080, 4081, 0xffff]
/** A name of the host, a checksum that is not looked at, a field whose length lies. [PROXY protocol §2.2] */
const MORE = ['', '', '02000b6170702e6578616d706c65', '03000400000000', '0500ff', '040000']
const BEHIND = ['', 'GET /amqp HTTP/1.1\r\nHost: a.example\r\n\r\n', '\x16\x03\x01\x02\x00', 'PROXY TCP4 ']

export function proxyHeaderTarget(random: Random): void {
  const header = random.chance(2) ? Buffer.from(random.pick(LINES)) : version2(random)
  const whole = Buffer.concat([header, Buffer.from(random.pick(BEHIND), 'latin1')])
  const bytes = random.chance(3) ? whole : spoilt(whole, random)
  const verdict = readProxyHeader(bytes)
  assert.deepEqual(agreed(verdict), agreed(twin(bytes)), bytes.toString('latin1'))
  arrives(bytes, verdict, random)
}

function version2(random: Random): Buffer {
  const more = Buffer.from(random.pick(MORE), 'hex')
  const length = random.pick(LENGTHS) + (random.chance(3) ? more.length : 0)
  const head = Buffer.from([random.pick(COMMANDS), random.pick(FAMILIES), (length >> 8) & 0xff, length & 0xff])
  const sent = Math.max(0, Math.min(length, 5_000) - more.length)
  return Buffer.concat([SIGNATURE, head, random.bytes(sent), more])
}

/** In as many pieces as there are: what has been decided stays so, and what has arrived is not waited for again. */
function arrives(bytes: Buffer, verdict: ProxyHeader, random: Random): void {
  for (let end = 0; end < bytes.length; end += 1 + random.below(1 + (bytes.length >> 3))) {
    const early = readProxyHeader(bytes.subarray(0, end))
    if (early === 'incomplete') assert.ok(end < MOST_HEADER_BYTES, 'waits for more than it may hold')
    else assert.deepEqual(agreed(early), agreed(verdict), `decided otherwise after ${end} bytes`)
  }
  if (verdict === 'incomplete') assert.ok(bytes.length < MOST_HEADER_BYTES, 'waits for more than it may hold')
}

type Agreed = 'incomplete' | 'refused' | { readonly byteCount: number; readonly source: string | undefined }

function agreed(read: ProxyHeader | 'refused'): Agreed {
  if (typeof read === 'string') return read
  if ('problem' in read) {
    assert.match(read.problem, /^expected [\x20-\x7e]+$/, 'a text that repeats what was sent')
    return 'refused'
  }
  const { byteCount, source } = read
  assert.ok(source === undefined || isIP(source) > 0, 'an address that is none')
  return { byteCount, source: source === undefined ? undefined : canonicalAddress(source) }
}

/** The same by other means: expressions over the whole, and Node's own reading of addresses. */
function twin(bytes: Buffer): ProxyHeader | 'refused' {
  const text = bytes.subarray(0, 107).toString('latin1')
  if (text.startsWith('PROXY ')) return twinLine(text)
  if (text.length < 6 && 'PROXY '.startsWith(text)) return 'incomplete'
  const first = bytes.subarray(0, 12)
  if (!SIGNATURE.subarray(0, first.length).equals(first)) return 'refused'
  if (bytes.length < 16) return 'incomplete'
  const [command = 0, family = 0, high = 0, low = 0] = bytes.subarray(12, 16)
  const byteCount = 16 + high * 256 + low
  const addresses = { 17: 12, 33: 36 }[family]
  const isTaken = command === 0x20 || (command === 0x21 && addresses !== undefined && byteCount >= 16 + addresses)
  if (!isTaken || byteCount > MOST_HEADER_BYTES) return 'refused'
  if (bytes.length < byteCount) return 'incomplete'
  if (command === 0x20) return { byteCount, source: undefined }
  const source = bytes.subarray(16, family === 17 ? 20 : 32)
  const groups = source.toString('hex').match(/..../g) ?? []
  return { byteCount, source: family === 17 ? Array.from(source).join('.') : groups.join(':') }
}

const LINE = /^PROXY (?:(UNKNOWN)(?: .*?)?|TCP(4|6) ([^ \r]+) ([^ \r]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4}))\r\n/s

function twinLine(text: string): ProxyHeader | 'refused' {
  if (!text.includes('\r\n')) return text.length < 107 ? 'incomplete' : 'refused'
  const [line, unknown, family, source = '', destination = '', ...ports] = LINE.exec(text) ?? []
  if (line === undefined) return 'refused'
  if (unknown !== undefined) return { byteCount: line.length, source: undefined }
  const areAddresses = [source, destination].every((end) => isIP(end) === Number(family) && !end.includes('%'))
  return areAddresses && ports.every((port) => Number(port) < 65_536) ? { byteCount: line.length, source } : 'refused'
}
