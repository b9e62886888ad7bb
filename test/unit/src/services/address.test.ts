import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressSet, canonicalAddress, clientAddress } from '../../../../src/services/address.ts'

const TRUSTED = addressSet(['10.0.0.0/8', '2001:db8:1::/48'])

describe('clientAddress', () => {
  const cases: [what: string, peer: string, header: string | undefined, client: string][] = [
    ['takes the peer where there is no header', '203.0.113.7', undefined, '203.0.113.7'],
    ['takes the peer where the peer is not trusted', '203.0.113.7', '198.51.100.1', '203.0.113.7'],
    ['takes the right-most untrusted hop', '10.0.0.1', '1.2.3.4, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['does not look left of it', '10.0.0.1', 'garbage, 198.51.100.1', '198.51.100.1'],
    ['takes the left-most hop where all are trusted', '10.0.0.1', '10.1.1.1, 10.0.0.2', '10.1.1.1'],
    ['falls back to the peer on a malformed hop', '10.0.0.1', '198.51.100.1, unknown, 10.0.0.2', '10.0.0.1'],
    ['falls back to the peer on an empty hop', '10.0.0.1', '198.51.100.1,', '10.0.0.1'],
    ['falls back to the peer on an empty header', '10.0.0.1', '', '10.0.0.1'],
    ['refuses octal and hexadecimal addresses', '10.0.0.1', '0300.0.0.1', '10.0.0.1'],
    ['refuses addresses of fewer parts', '10.0.0.1', '1.2', '10.0.0.1'],
    ['reads ports behind IPv4 addresses', '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['reads bracketed IPv6 addresses', '10.0.0.1', '[2001:db8::7]:443', '2001:db8::7'],
    ['reads bare IPv6 addresses', '10.0.0.1', '2001:DB8::7', '2001:db8::7'],
    ['takes IPv4-mapped peers for IPv4', '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['writes IPv4-mapped peers as IPv4', '::ffff:203.0.113.7', undefined, '203.0.113.7'],
    ['trusts IPv6 proxies', '2001:db8:1::5', '198.51.100.1', '198.51.100.1'],
    ['keeps what is no address at all', '', '198.51.100.1', ''],
  ]
  for (const [what, peer, header, client] of cases) {
    it(what, () => assert.equal(clientAddress(peer, header, TRUSTED), client))
  }

  it('trusts nobody where no proxies are listed', () => {
    assert.equal(clientAddress('10.0.0.1', '198.51.100.1', addressSet(undefined)), '10.0.0.1')
    assert.equal(clientAddress('10.0.0.1', '198.51.100.1', addressSet([])), '10.0.0.1')
  })
})

describe('canonicalAddress', () => {
  it('leaves the zone of a link-local address out', () => assert.equal(canonicalAddress('fe80::1%eth0'), 'fe80::1'))
  it('knows what is no address', () => assert.equal(canonicalAddress('localhost'), undefined))
})
