/** The Basic header, to the letter. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readBasicHeader } from '../../../../../auth/strategies/basic/header.ts'
import { authenticationRequest } from '../../../../support/authentication-request.ts'

const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')
const read = (...values: string[]) =>
  readBasicHeader(authenticationRequest({ headers: values.map((value) => ['Authorization', value] as const) }).http)

describe('the Basic header', () => {
  const good: readonly [string, string, string, string][] = [
    ['plain', `Basic ${base64('joe.smith:welcome')}`, 'joe.smith', 'welcome'],
    ['scheme in capitals', `BASIC ${base64('joe:welcome')}`, 'joe', 'welcome'],
    ['scheme in small letters', `basic ${base64('joe:welcome')}`, 'joe', 'welcome'],
    ['several spaces', `Basic   ${base64('joe:welcome')}`, 'joe', 'welcome'],
    ['colons in the password', `Basic ${base64('joe:pa:ss:')}`, 'joe', 'pa:ss:'],
    ['a password that begins with a colon', `Basic ${base64('joe::secret')}`, 'joe', ':secret'],
    ['the example of RFC 7617 §2.1', 'Basic dGVzdDoxMjPCow==', 'test', '123£'],
    ['spaces inside', `Basic ${base64(' joe : a b ')}`, ' joe ', ' a b '],
    [
      'the longest name and password',
      `Basic ${base64(`${'n'.repeat(255)}:${'p'.repeat(1024)}`)}`,
      'n'.repeat(255),
      'p'.repeat(1024),
    ],
  ]
  for (const [what, header, user, password] of good) {
    it(`reads ${what}`, () => assert.deepEqual(read(header), { kind: 'present', user, password }))
  }

  for (const header of [
    'NotBasicAtAll dGVzdDp0ZXN0',
    'Basic2 dGVzdDp0ZXN0',
    'Bearer dGVzdDp0ZXN0',
    'xBasic dGVzdDp0ZXN0',
    '',
    ' ',
  ]) {
    it(`is absent for ${JSON.stringify(header)}`, () => assert.deepEqual(read(header), { kind: 'absent' }))
  }
  it('is absent without the header', () => assert.deepEqual(read(), { kind: 'absent' }))
  it('is absent for several headers of other schemes', () =>
    assert.deepEqual(read('Bearer a', 'Digest b'), { kind: 'absent' }))

  const bad: readonly [string, string[], RegExp][] = [
    ['the scheme alone', ['Basic'], /base64/],
    ['the scheme and a space', ['Basic '], /base64/],
    ['a tab', [`Basic\t${base64('joe:welcome')}`], /base64/],
    ['a comma behind it', [`Basic ${base64('joe:welcome')}, Basic x`], /base64/],
    [
      'base64url',
      [
        `Basic ${base64(Buffer.from([0xfb, 0xef, 0x3a, 0xff]))
          .replaceAll('+', '-')
          .replaceAll('/', '_')}`,
      ],
      /base64/,
    ],
    ['padding left out', ['Basic dGVzdDoxMjPCow'], /canonical/],
    ['padding too many', ['Basic am9lOnh5===='], /base64/],
    ['stray bits at the end', ['Basic dGVzdDoxMjPCox=='], /canonical/],
    ['a length base64 cannot have', ['Basic abcde'], /canonical/],
    ['no colon', [`Basic ${base64('joe')}`], /colon/],
    ['no name', [`Basic ${base64(':welcome')}`], /empty/],
    ['no password', [`Basic ${base64('joe:')}`], /empty/],
    ['NUL', [`Basic ${base64('joe\0admin:welcome')}`], /control/],
    ['a line break in the password', [`Basic ${base64('joe:wel\ncome')}`], /control/],
    ['DEL', [`Basic ${base64('joe:wel\x7fcome')}`], /control/],
    ['a C1 control', [`Basic ${base64('joe:wel\u0085come')}`], /control/],
    ['Latin-1', [`Basic ${base64(Buffer.from('joe:£', 'latin1'))}`], /UTF-8/],
    ['an overlong colon', [`Basic ${base64(Buffer.from([0x6a, 0xc0, 0xba, 0x3a, 0x78]))}`], /UTF-8/],
    ['a name of 256 bytes', [`Basic ${base64(`${'n'.repeat(256)}:x`)}`], /name is too long/],
    ['a password of 1025 bytes', [`Basic ${base64(`n:${'p'.repeat(1025)}`)}`], /password is too long/],
    ['eight thousand characters', [`Basic ${'QUFB'.repeat(2000)}`], /too long/],
    ['two headers', [`Basic ${base64('joe:welcome')}`, `Basic ${base64('joe:welcome')}`], /more than one/],
    ['a header of another scheme before it', ['Bearer abc', `Basic ${base64('joe:welcome')}`], /more than one/],
  ]
  for (const [what, headers, expected] of bad) {
    it(`G11 refuses ${what}`, () => {
      const outcome = read(...headers)
      assert.equal(outcome.kind, 'malformed')
      assert.match(outcome.kind === 'malformed' ? outcome.detail : '', expected)
    })
  }

  it('keeps a byte order mark as part of the name', () => {
    assert.deepEqual(read(`Basic ${base64('\uFEFFjoe:x')}`), { kind: 'present', user: '\uFEFFjoe', password: 'x' })
  })

  it('shows nothing of a malformed credential', () => {
    const outcome = read(`Basic ${base64('canary-7731')}`)
    assert.doesNotMatch(JSON.stringify(outcome), /canary|7731/)
  })
})
