import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressLine, originLine, rolesLine, ruleLine } from '../../../../src/http/allow-line.ts'
import { OriginRule } from '../../../../src/services/origin.ts'

describe('OriginRule', () => {
  const rule = new OriginRule(['https://app.example.com', 'http://localhost:3000'])

  for (const origin of ['https://app.example.com', 'http://localhost:3000']) {
    it(`allows ${origin}`, () => assert.equal(rule.allows(origin), true))
  }

  const foreign = [
    '',
    'null',
    'https://app.example.com.evil.example',
    'https://evil.example/https://app.example.com',
    'https://app.example.com:444',
    'https://app.example.com:443',
    'http://app.example.com',
    'HTTPS://APP.EXAMPLE.COM',
    'https://app.example.com.',
    'https://app.example.com/',
    'https://user@app.example.com',
    'https://app.example.com, https://evil.example',
    'https://xapp.example.com',
    'https://äpp.example.com',
    'file://',
    '*',
  ]
  for (const origin of foreign) it(`refuses '${origin}'`, () => assert.equal(rule.allows(origin), false))

  it('lets no browser in where nothing is listed', () => {
    assert.equal(new OriginRule(undefined).allows('https://app.example.com'), false)
    assert.equal(new OriginRule([]).allows('null'), false)
  })

  it('never allows null, whatever is listed', () => {
    assert.equal(new OriginRule(['null', '*']).allows('null'), false)
  })

  it('takes * for any page of http or https', () => {
    const any = new OriginRule(['*'])
    assert.equal(any.allows('https://anything.example:8443'), true)
    assert.equal(any.allows('http://localhost'), true)
    for (const origin of ['null', 'file://', 'https://a.example/path', 'javascript:alert(1)', 'https://A.example']) {
      assert.equal(any.allows(origin), false, origin)
    }
  })
})

describe('lines that would allow', () => {
  it('are ready to paste', () => {
    assert.equal(originLine('https://app.example.com:8443'), '- https://app.example.com:8443   # under origins')
    assert.equal(rolesLine(['trader', 'admin'], ['trader']), 'roles: [trader]   # under require, instead')
    assert.equal(ruleLine('joe.smith'), '- { when: { subject: joe.smith }, to: CREDENTIAL }   # under promote')
    assert.equal(addressLine('203.0.113.7'), '- "203.0.113.7"   # under require.addresses.allow')
  })

  it('quote what YAML would read differently', () => {
    assert.equal(ruleLine('yes'), '- { when: { subject: "yes" }, to: CREDENTIAL }   # under promote')
    assert.equal(ruleLine('a, b: c'), '- { when: { subject: "a, b: c" }, to: CREDENTIAL }   # under promote')
    assert.equal(ruleLine('x\n- y'), '- { when: { subject: "x\\n- y" }, to: CREDENTIAL }   # under promote')
    assert.equal(ruleLine('007'), '- { when: { subject: "007" }, to: CREDENTIAL }   # under promote')
  })

  it('are not offered for what no browser sends', () => {
    assert.equal(originLine('null'), undefined)
    assert.equal(originLine('https://a.example/x'), undefined)
    assert.equal(originLine(`https://${'a'.repeat(400)}.example`), undefined)
  })
})
