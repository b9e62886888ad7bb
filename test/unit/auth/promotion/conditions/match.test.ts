/** Whom a rule means. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InvalidConfiguration } from '../../../../../auth/errors.ts'
import type { Identity } from '../../../../../auth/identity.ts'
import { compileAddresses, networkOf } from '../../../../../auth/net/addresses.ts'
import { compileMatch, type MatchFacts } from '../../../../../auth/promotion/conditions/match.ts'
import type { MatchInput } from '../../../../../auth/promotion/input.ts'

const joe: Identity = {
  issuer: 'https://idp.example.com',
  subject: 'joe.smith',
  authenticator: 'sso',
  roles: ['trader', 'ops'],
  claims: {
    dept: 'fx',
    level: 3,
    active: true,
    groups: ['a', 'b'],
    realm_access: { roles: ['deep'] },
    'https://example.com/dept': 'urn',
    'a.b': 'dotted',
    a: { b: 'nested' },
    object: { x: 1 },
    empty: '',
    nothing: null,
  },
  fromCookie: false,
}
const facts: MatchFacts = { identity: joe, address: '10.1.2.3' }
const matches = (input: MatchInput | undefined, about = facts) => compileMatch(input).matches(about)

describe('a match', () => {
  const yes: readonly MatchInput[] = [
    {},
    { subject: 'joe.smith' },
    { subject: ['ann', 'joe.smith'] },
    { subject: { glob: 'joe.*' } },
    { subject: ['ann', { matches: '[a-z]+\\.smith' }] },
    { role: 'ops' },
    { role: ['x', 'trader'] },
    { claim: { dept: 'fx' } },
    { claim: { level: 3, active: true } },
    { claim: { level: { glob: '3' } } },
    { claim: { groups: 'b' } },
    { claim: { groups: ['x', { glob: '?' }] } },
    { claim: { 'realm_access.roles': 'deep' } },
    { claim: { 'https://example.com/dept': 'urn' } },
    { claim: { 'a.b': 'dotted' } },
    { issuer: 'https://idp.example.com' },
    { authenticator: 'sso' },
    { address: '10.0.0.0/8' },
    { address: ['192.0.2.1', '10.1.2.3'] },
    {
      subject: 'joe.smith',
      role: 'trader',
      claim: { dept: 'fx' },
      issuer: { glob: 'https://*' },
      address: '10.0.0.0/8',
    },
  ]
  for (const input of yes) it(`is ${JSON.stringify(input)}`, () => assert.equal(matches(input), true))

  it('is anyone without a when', () => assert.equal(matches(undefined), true))

  const no: readonly [MatchInput, RegExp][] = [
    [{ subject: 'joe' }, /subject "joe\.smith" is not "joe"/],
    [{ subject: 'Joe.Smith' }, /subject/],
    [{ subject: 'trader' }, /subject/],
    [{ role: 'joe.smith' }, /no role is "joe\.smith"/],
    [{ role: 'trade' }, /no role/],
    [{ subject: { glob: 'joe' } }, /glob "joe"/],
    [{ subject: { matches: 'joe' } }, /matching "joe"/],
    [{ claim: { dept: 'FX' } }, /claim "dept" \(a text\) is not "FX"/],
    [{ claim: { level: '3' } }, /a number/],
    [{ claim: { active: 'true' } }, /a boolean/],
    [{ claim: { missing: 'x' } }, /missing/],
    [{ claim: { missing: { glob: '*' } } }, /missing/],
    [{ claim: { object: { glob: '*' } } }, /an object/],
    [{ claim: { nothing: { glob: '*' } } }, /null/],
    [{ claim: { empty: { glob: '*' } } }, /a text/],
    [{ claim: { toString: { glob: '*' } } }, /missing/],
    [{ claim: { __proto__: undefined as never, constructor: { glob: '*' } } }, /missing/],
    [{ claim: { 'object.constructor': { glob: '*' } } }, /missing/],
    [{ claim: { 'groups.length': 2 } }, /missing/],
    [{ claim: { dept: 'fx', level: 4 } }, /level/],
    [{ issuer: 'https://idp.example.com/' }, /issuer/],
    [{ authenticator: 'staff' }, /authenticator "sso" is not "staff"/],
    [{ address: '10.1.2.4' }, /address "10\.1\.2\.3" is not in 10\.1\.2\.4/],
    [{ subject: 'joe.smith', issuer: 'https://other.example.com' }, /issuer/],
    [{ subject: ['a', 'b'] }, /one of "a", "b"/],
  ]
  for (const [input, why] of no) {
    it(`is not ${JSON.stringify(input)}, and says why`, () => {
      assert.equal(matches(input), false)
      assert.match(compileMatch(input).mismatch(facts) ?? '', why)
    })
  }

  it('never takes one spelling of a name for another', () => {
    const rule = compileMatch({ subject: 'caf\u00e9' })
    const about = (subject: string) => ({ ...facts, identity: { ...joe, subject } })
    assert.equal(rule.matches(about('caf\u00e9')), true)
    for (const other of ['cafe\u0301', 'cafe', 'CAF\u00c9', 'caf\u00e9\u200b', 'caf\u00e9 ', '\u0441af\u00e9']) {
      assert.equal(rule.matches(about(other)), false, JSON.stringify(other))
    }
    assert.equal(
      compileMatch({ subject: 'cafe\u0301' }).matches(about('caf\u00e9')),
      true,
      'however the operator’s editor wrote it',
    )
  })

  it('knows tags only where there are some', () => {
    const rule = compileMatch({ tag: 'desk' }, { tags: true })
    assert.equal(rule.matches({ ...facts, tags: ['x', 'desk'] }), true)
    assert.equal(rule.matches({ ...facts, tags: [] }), false)
    assert.equal(rule.matches(facts), false)
    assert.throws(() => compileMatch({ tag: 'desk' }), /no tags/)
  })

  it('tells every mistake with its place', () => {
    const input = {
      subject: ['', { glob: '' }],
      role: [],
      claim: { dept: { matches: '(' } },
      address: ['10.0.0.0/33', 'localhost'],
      user: 'joe',
    } as unknown as MatchInput
    assert.throws(
      () => compileMatch(input),
      (error) => {
        assert.ok(error instanceof InvalidConfiguration)
        assert.deepEqual(
          error.problems.map(({ path }) => path.join('.')),
          ['user', 'subject.0', 'subject.1', 'role', 'claim.dept', 'address.0', 'address.1'],
        )
        return true
      },
    )
    assert.throws(() => compileMatch({ claim: {} }), /names no claim/)
    assert.throws(() => compileMatch({ address: [] }), /empty list/)
  })
})

describe('address ranges', () => {
  const inside: readonly [string | string[], string][] = [
    ['0.0.0.0/0', '203.0.113.7'],
    ['10.0.0.0/8', '10.255.255.255'],
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.3', '::ffff:10.1.2.3'],
    ['::ffff:10.0.0.0/104', '10.9.9.9'],
    ['2001:db8::/32', '2001:db8:ffff::1'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['fe80::/10', 'fe80::1%eth0'],
  ]
  for (const [ranges, address] of inside) {
    it(`${String(ranges)} contain ${address}`, () => assert.equal(compileAddresses(ranges).contain(address), true))
  }
  const outside: readonly [string | string[], string][] = [
    ['10.0.0.0/8', '11.0.0.0'],
    ['0.0.0.0/0', '::1'],
    ['::/0', '10.1.2.3'],
    ['::/0', ''],
    ['0.0.0.0/0', 'localhost'],
    ['0.0.0.0/0', '10.1'],
    ['0.0.0.0/0', '0x0a.1.2.3'],
    ['0.0.0.0/0', '010.1.2.3'],
  ]
  for (const [ranges, address] of outside) {
    it(`${String(ranges)} do not contain ${address}`, () =>
      assert.equal(compileAddresses(ranges).contain(address), false))
  }
  for (const wrong of [
    '',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10/8',
    '::1/129',
    '::ffff:10.0.0.0/8',
    'fe80::1%eth0',
    'example.com',
  ]) {
    it(`refuse ${JSON.stringify(wrong)}`, () => assert.throws(() => compileAddresses(wrong), InvalidConfiguration))
  }

  it('give the network that an attempt counts for', () => {
    assert.equal(networkOf('203.0.113.7'), '203.0.113.7')
    assert.equal(networkOf('::ffff:203.0.113.7'), '203.0.113.7')
    assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
    assert.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64')
    assert.equal(networkOf('nonsense'), 'nonsense')
  })
})
