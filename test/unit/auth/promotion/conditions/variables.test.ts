/** Variables: values enter as data, or are refused by name and kind. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PromotionRefused } from '../../../../../auth/errors.ts'
import {
  compileTemplate,
  type Encoding,
  literal,
  plain,
  type VariableFacts,
  word,
} from '../../../../../auth/promotion/conditions/variables.ts'

const facts: VariableFacts = {
  identity: {
    issuer: 'https://idp.example.com',
    subject: 'joe.smith',
    authenticator: 'sso',
    roles: [],
    claims: { dept: 'fx', level: 3, active: true, list: ['a'], object: { a: 'deep' }, nothing: null, nan: Number.NaN },
    fromCookie: false,
  },
  address: '203.0.113.7',
  session: 's-1',
  user: 'smithj',
}
const render = (text: string, encoding: Encoding = literal, about = facts) =>
  compileTemplate(text).render(about, encoding)

describe('a template', () => {
  it('fills in every variable', () => {
    assert.equal(render('${subject}/${session}/${address}/${user}'), 'joe.smith/s-1/203.0.113.7/smithj')
    assert.equal(render('${claim.dept}-${claim.level}-${claim.active}-${claim.object.a}'), 'fx-3-true-deep')
    assert.equal(render('${issuer}', plain), 'https://idp.example.com')
  })

  it('is constant without variables, and knows what it holds', () => {
    assert.equal(compileTemplate('smithj').constant, 'smithj')
    assert.equal(compileTemplate('').constant, '')
    assert.deepEqual(compileTemplate('a${subject}b${claim.x}').variables, ['subject', 'claim.x'])
    assert.equal(compileTemplate('${subject}').constant, undefined)
  })

  it('writes ${ itself as $${, and leaves other dollars alone', () => {
    assert.equal(render('a$${subject}'), 'a${subject}')
    assert.equal(compileTemplate('$${x').constant, '${x')
    assert.equal(render('$${a}${subject}$${b'), '${a}joe.smith${b')
    assert.equal(render('$5 $ {x} }'), '$5 $ {x} }')
  })

  it('does not look into what it filled in', () => {
    const about = { ...facts, identity: { ...facts.identity, subject: '${claim.dept}' } }
    assert.equal(render('${subject}', plain, about), '${claim.dept}')
  })

  for (const [text, message] of [
    ['${', /without/],
    ['a${subject', /without/],
    ['${}', /no variable/],
    ['${Subject}', /no variable/],
    ['${ subject}', /no variable/],
    ['${env:HOME}', /no variable/],
    ['${claim.}', /no variable/],
    ['${toString}', /no variable/],
    ['${role}', /no variable/],
  ] as const) {
    it(`does not take ${text}`, () => assert.throws(() => compileTemplate(text), message))
  }
  it('does not take what means nothing in its place', () => {
    assert.throws(() => compileTemplate('${user}', ['user']), /means nothing here/)
  })

  for (const [variable, message] of [
    ['claim.missing', /\$\{claim\.missing\} is missing/],
    ['claim.list', /a list/],
    ['claim.object', /an object/],
    ['claim.nothing', /null/],
    ['claim.nan', /a number/],
    ['claim.constructor', /missing/],
    ['claim.object.__proto__', /missing/],
  ] as const) {
    it(`is refused for ${variable}`, () =>
      assert.throws(
        () => render(`\${${variable}}`, plain),
        (error) => error instanceof PromotionRefused && error.code === 'bad-value' && message.test(error.message),
      ))
  }
  it('is refused for a broker user that is not decided yet', () => {
    const { user: _, ...before } = facts
    assert.throws(() => render('${user}', plain, before), /\$\{user\} is missing/)
  })
})

function refused(encoding: Encoding, value: string, message: RegExp): void {
  assert.throws(
    () => encoding(value, 'subject'),
    (error) => {
      assert.ok(error instanceof PromotionRefused)
      assert.equal(error.code, 'bad-value')
      assert.match(error.message, message)
      assert.ok(value.length < 4 || !error.message.includes(value), 'the value itself is not shown')
      return true
    },
  )
}

describe('a literal', () => {
  for (const good of ['joe', 'joe.smith', 'Joe_Smith-1', 'joe+x@example.com', '-', '_', 'a'.repeat(128), 'a..b']) {
    it(`is ${good.slice(0, 20)}`, () => assert.equal(literal(good, 'subject'), good))
  }
  for (const [bad, message] of [
    ['', /empty/],
    ['.', /1 bytes/],
    ['..', /2 bytes/],
    ['.hidden', /leading|beginning/],
    ['a/b', /3 bytes/],
    ['../../etc/passwd', /bytes/],
    ['a\\b', /bytes/],
    ['a b', /bytes/],
    ['a:b', /bytes/],
    ['a%2fb', /bytes/],
    ['a*', /bytes/],
    ['joe\0', /NUL/],
    ['joe\n', /control/],
    ['joe\u0085', /control/],
    ['caf\u00e9', /5 bytes/],
    ['\ud800', /half a character/],
    ['a'.repeat(129), /129 bytes/],
  ] as const) {
    it(`A9 is not ${JSON.stringify(bad.slice(0, 20))}`, () => refused(literal, bad, message))
  }
})

describe('a word', () => {
  for (const [value, expected] of [
    ['joe', 'joe'],
    ['joe.smith', 'joe%2Esmith'],
    ['A-b_9', 'A-b_9'],
    ['*#?', '%2A%23%3F'],
    ['%2E', '%252E'],
    ['a b/c', 'a%20b%2Fc'],
    ['caf\u00e9', 'caf%C3%A9'],
    ['\u{1F600}', '%F0%9F%98%80'],
    ['\0\n', '%00%0A'],
  ] as const) {
    it(`is ${expected} for ${JSON.stringify(value)}`, () => assert.equal(word(value, 'subject'), expected))
  }
  for (const [bad, message] of [
    ['', /empty/],
    ['cafe\u0301', /decomposed/],
    ['x\ud800', /half a character/],
    ['a'.repeat(256), /exceeds 255/],
    ['.'.repeat(86), /exceeds 255/],
  ] as const) {
    it(`is none for ${JSON.stringify(bad.slice(0, 10))}`, () => refused(word, bad, message))
  }
})

describe('a plain text', () => {
  it('is as it was', () => assert.equal(plain('Joe Smith, caf\u00e9 "x"', 'subject'), 'Joe Smith, caf\u00e9 "x"'))
  it('has no control characters, halves, or endless length', () => {
    refused(plain, 'a\r\nb: c', /control/)
    refused(plain, 'a\0b12', /NUL/)
    refused(plain, 'abc\udfff', /half/)
    refused(plain, 'a'.repeat(1025), /1025 bytes/)
  })
})
