/** The header that announces a client, read by the same reader that listeners behind proxies have. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readProxyHeader } from '../../../../src/http/proxy-protocol/header.ts'
import { announcement } from '../../../../src/tunnel/announcement.ts'

describe('announcement', () => {
  for (const [remoteAddress, localAddress, source] of [
    ['203.0.113.7', '192.0.2.1', '203.0.113.7'],
    ['::ffff:203.0.113.7', '::ffff:192.0.2.1', '203.0.113.7'],
    ['2001:db8::7', '2001:db8::1', '2001:db8:0:0:0:0:0:7'],
    ['fe80::1%eth0', '::1', 'fe80:0:0:0:0:0:0:1'],
    ['1:2:3:4:5:6:7:8', '::', '1:2:3:4:5:6:7:8'],
  ] as const) {
    it(`names ${remoteAddress}`, () => {
      const header = announcement({ remoteAddress, remotePort: 50_000, localAddress, localPort: 443 })
      assert.deepEqual(readProxyHeader(header), { byteCount: header.length, source })
      assert.equal(header.readUInt16BE(header.length - 4), 50_000)
      assert.equal(header.readUInt16BE(header.length - 2), 443)
    })
  }

  it('names nobody where the system does not say who it is', () => {
    for (const ends of [{}, { remoteAddress: '203.0.113.7' }, { remoteAddress: '203.0.113.7', localAddress: '::1' }]) {
      const header = announcement({ ...ends } as never)
      assert.deepEqual(readProxyHeader(header), { byteCount: 16, source: undefined })
    }
  })
})
