/** What holds for any PROXY protocol header, however it is cut, and for anything that is none. */
import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { proxyHeader } from '../../proxy/session/dialling/proxy-protocol.ts'
import { MOST_HEADER_BYTES, readProxyHeader } from '../../src/http/proxy-protocol/header.ts'
import { canonicalAddress } from '../../src/services/address.ts'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const four = fc.ipV4()
const six = fc.ipV6()
const port = fc.nat({ max: 65_535 })

/** A header, and the address that it announces. */
interface Written {
  readonly bytes: Buffer
  readonly source: string | undefined
}

const version1: fc.Arbitrary<Written> = fc
  .oneof(fc.tuple(four, four, port, port, fc.constant('TCP4')), fc.tuple(six, six, port, port, fc.constant('TCP6')))
  .map(([source, destination, from, to, family]) => ({
    bytes: Buffer.from(`PROXY ${family} ${source} ${destination} ${from} ${to}\r\n`),
    source: canonicalAddress(source),
  }))

const unknown: fc.Arbitrary<Written> = fc
  .stringMatching(/^(?: [\x20-\x7e]{0,80})?$/)
  .map((rest) => ({ bytes: Buffer.from(`PROXY UNKNOWN${rest}\r\n`), source: undefined }))

const version2: fc.Arbitrary<Written> = fc
  .tuple(fc.constantFrom(4, 16), fc.uint8Array({ minLength: 36, maxLength: 36 }), fc.uint8Array({ maxLength: 300 }))
  .map(([size, ends, more]) => {
    const addresses = ends.subarray(0, 2 * size + 4)
    const source = ends.subarray(0, size)
    const groups = Array.from({ length: 8 }, (_, at) =>
      Buffer.from(source)
        .toString('hex')
        .slice(4 * at, 4 * at + 4),
    )
    return {
      bytes: Buffer.concat([
        SIGNATURE,
        head(0x21, size === 4 ? 0x11 : 0x21, addresses.length + more.length),
        addresses,
        more,
      ]),
      source: size === 4 ? source.join('.') : canonicalAddress(groups.join(':')),
    }
  })

const local: fc.Arbitrary<Written> = fc
  .tuple(fc.nat({ max: 255 }), fc.uint8Array({ maxLength: 300 }))
  .map(([family, more]) => ({
    bytes: Buffer.concat([SIGNATURE, head(0x20, family, more.length), more]),
    source: undefined,
  }))

const header = fc.oneof(version1, unknown, version2, local)

function head(command: number, family: number, length: number): Buffer {
  return Buffer.from([command, family, length >> 8, length & 0xff])
}

describe('readProxyHeader', () => {
  it('reads any header to its very end, and waits for that', () => {
    fc.assert(
      fc.property(header, fc.uint8Array(), fc.nat(), ({ bytes, source }, rest, at) => {
        assert.equal(readProxyHeader(bytes.subarray(0, at % bytes.length)), 'incomplete')
        const read = readProxyHeader(Buffer.concat([bytes, rest]))
        assert.ok(typeof read === 'object' && 'byteCount' in read, JSON.stringify(read))
        assert.equal(read.byteCount, bytes.length)
        assert.equal(read.source === undefined ? undefined : canonicalAddress(read.source), source)
      }),
    )
  })

  it('reads what the gateway writes itself', () => {
    fc.assert(
      fc.property(fc.oneof(four, six), (address) => {
        const socket = { localAddress: '192.0.2.1', remoteAddress: '192.0.2.2', remotePort: 5672 }
        const written = proxyHeader(address, socket)
        const read = readProxyHeader(written)
        assert.ok(typeof read === 'object' && 'byteCount' in read)
        assert.equal(read.byteCount, written.length)
      }),
    )
  })

  it('never waits for more than it may hold, and believes in nothing but addresses', () => {
    const spoilt = fc
      .tuple(header, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }), fc.uint8Array())
      .map(([{ bytes }, changes, rest]) => {
        const changed = Buffer.concat([bytes, rest])
        for (const [at, value] of changes) changed[at % changed.length] = value
        return changed
      })
    fc.assert(
      fc.property(
        fc.oneof(
          spoilt,
          fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => {
          const read = readProxyHeader(bytes)
          if (read === 'incomplete') assert.ok(bytes.length < MOST_HEADER_BYTES)
          else if ('problem' in read) assert.match(read.problem, /^expected /)
          else {
            assert.ok(read.byteCount <= bytes.length && read.byteCount <= MOST_HEADER_BYTES)
            assert.ok(read.source === undefined || isIP(read.source) !== 0)
          }
        },
      ),
      { numRuns: 2_000 },
    )
    assert.ok(typeof readProxyHeader(Buffer.alloc(MOST_HEADER_BYTES, 'PROXY ')) === 'object')
  })

  it('takes no half-right header', () => {
    const wrong = [
      'GET / HTTP/1.1\r\n',
      'proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n',
      'PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n',
      'PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n',
      'PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n',
      'PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n',
      'PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n',
      'PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n',
      'PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n',
      'PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n',
      'PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n',
      'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\nGET / HTTP/1.1\r\n',
      'PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n',
      'PROXY UNKNOWNS\r\n',
      `PROXY UNKNOWN ${'x'.repeat(200)}\r\n`,
    ]
    for (const text of wrong) {
      const read = readProxyHeader(Buffer.from(text))
      assert.ok(typeof read === 'object' && 'problem' in read, text)
    }
    const binary: [string, Buffer][] = [
      ['version 1 in binary', head(0x11, 0x11, 12)],
      ['another command', head(0x22, 0x11, 12)],
      ['UDP', head(0x21, 0x12, 12)],
      ['a UNIX socket', head(0x21, 0x31, 216)],
      ['no family', head(0x21, 0x00, 0)],
      ['too short for IPv4', head(0x21, 0x11, 11)],
      ['too short for IPv6', head(0x21, 0x21, 35)],
      ['too long', head(0x21, 0x11, 5_000)],
    ]
    for (const [what, bytes] of binary) {
      const read = readProxyHeader(Buffer.concat([SIGNATURE, bytes, Buffer.alloc(300)]))
      assert.ok(typeof read === 'object' && 'problem' in read, what)
    }
  })
})
