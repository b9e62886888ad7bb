/** Password hashes: what is written is read, what is damaged or too costly is refused. */
import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  DEFAULT_PARAMETERS,
  hashPassword,
  parsePasswordHash,
  phantomHash,
  verifyPassword,
} from '../../../../../auth/strategies/basic/password.ts'

const CHEAP = { ln: 10, r: 8, p: 1 }
const good = await hashPassword('welcome', CHEAP)
const [, , parameters = '', salt = '', digest = ''] = good.split('$')

describe('a password hash', () => {
  it('is a PHC string that scrypt itself confirms', () => {
    assert.match(good, /^\$scrypt\$ln=10,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    const derived = scryptSync('welcome', Buffer.from(salt, 'base64'), 32, { N: 1024, r: 8, p: 1 })
    assert.equal(derived.toString('base64').replace(/=+$/, ''), digest)
  })

  it('fits its password and no other', async () => {
    const hash = parsePasswordHash(good)
    assert.equal(await verifyPassword('welcome', hash), true)
    for (const other of ['Welcome', 'welcome ', 'welcom', '', 'welcome\0']) {
      assert.equal(await verifyPassword(other, hash), false, JSON.stringify(other))
    }
  })

  it('is another one each time', async () => assert.notEqual(await hashPassword('welcome', CHEAP), good))

  it('is the same for both Unicode forms of a password', async () => {
    const hash = parsePasswordHash(await hashPassword('caf\u00e9', CHEAP))
    assert.equal(await verifyPassword('cafe\u0301', hash), true)
  })

  it('has defaults within its own bounds', async () => {
    const hash = parsePasswordHash(await hashPassword('welcome'))
    assert.deepEqual({ ln: hash.ln, r: hash.r, p: hash.p }, DEFAULT_PARAMETERS)
  })

  for (const password of ['', 'a\nb', 'a\0b', '\x7f', '\ud800', 'p'.repeat(1025)]) {
    it(`is not made for ${JSON.stringify(password.slice(0, 8))}`, async () => {
      await assert.rejects(hashPassword(password, CHEAP), RangeError)
    })
  }

  const damaged: readonly [string, string][] = [
    ['plain text', 'welcome'],
    ['another algorithm', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA'],
    ['no parameters', `$scrypt$$${salt}$${digest}`],
    ['parameters in another order', `$scrypt$r=8,ln=10,p=1$${salt}$${digest}`],
    ['a cost too small', `$scrypt$ln=9,r=8,p=1$${salt}$${digest}`],
    ['a cost too large', `$scrypt$ln=18,r=8,p=1$${salt}$${digest}`],
    ['too much memory', `$scrypt$ln=17,r=16,p=1$${salt}$${digest}`],
    ['too much work', `$scrypt$ln=17,r=8,p=9$${salt}$${digest}`],
    ['a zero', `$scrypt$ln=10,r=0,p=1$${salt}$${digest}`],
    ['a short salt', `$scrypt$${parameters}$AAAA$${digest}`],
    ['a short digest', `$scrypt$${parameters}$${salt}$AAAA`],
    ['an empty digest', `$scrypt$${parameters}$${salt}$`],
    ['padding', `$scrypt$${parameters}$${salt}==$${digest}`],
    ['stray bits', `$scrypt$${parameters}$${salt.slice(0, -1)}B$${digest}`],
    ['a line break behind it', `${good}\n`],
  ]
  for (const [what, text] of damaged) {
    it(`is refused with ${what}, without being shown`, () => {
      assert.throws(
        () => parsePasswordHash(text),
        (error) => error instanceof SyntaxError && !error.message.includes(digest.slice(0, 8)),
      )
    })
  }

  it('has a phantom of equal cost that no password fits', async () => {
    const phantom = phantomHash(CHEAP)
    assert.deepEqual(
      { ln: phantom.ln, r: phantom.r, p: phantom.p, bytes: phantom.digest.length },
      { ...CHEAP, bytes: 32 },
    )
    assert.equal(await verifyPassword('welcome', phantom), false)
  })
})
