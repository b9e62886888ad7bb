/** Secrets: where they come from, what is wrong with them, and that nothing ever shows one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { PromotionRefused } from '../../../../../auth/errors.ts'
import type { VariableFacts } from '../../../../../auth/promotion/conditions/variables.ts'
import type { SecretInput, SecretSources } from '../../../../../auth/promotion/input.ts'
import {
  decrypt,
  EncryptionError,
  encrypt,
  generateKey,
  parseKeys,
} from '../../../../../auth/promotion/secrets/encrypted.ts'
import { compileSecret } from '../../../../../auth/promotion/secrets/secrets.ts'
import { Secret } from '../../../../../auth/secret.ts'

const CANARY = 'canary-5e1f'
const PLACE = 'brokers.main.credentials.smithj.password'
const facts: VariableFacts = {
  identity: {
    issuer: 'i',
    subject: 'joe.smith',
    authenticator: 'a',
    roles: [],
    claims: { bad: '../x' },
    fromCookie: false,
  },
  address: '203.0.113.7',
  session: 's',
  user: 'smithj',
}

function sources(
  files: Readonly<Record<string, string | Buffer>> = {},
  env: Readonly<Record<string, string>> = {},
): SecretSources {
  return {
    readFile: async (path) => {
      const content = files[path]
      if (content === undefined) throw new Error('ENOENT: no such file')
      return Buffer.from(content)
    },
    env: (name) => env[name],
    keys: parseKeys(keyText('k1')),
  }
}

/** A key that is the same in every run of this file. */
function keyText(id: string): string {
  return `gatehouse-key:v1:${id}:${Buffer.alloc(32, id).toString('base64url')}`
}
const keys = parseKeys(keyText('k1'))
const k1 = keys.get('k1')
assert.ok(k1)

const read = async (input: SecretInput, from = sources(), template = true) =>
  (await compileSecret(input, from, { template }).read(facts)).reveal().toString()

async function unavailable(input: SecretInput, message: RegExp, from = sources()) {
  await assert.rejects(read(input, from), (error) => {
    assert.ok(error instanceof PromotionRefused, String(error))
    assert.equal(error.code, 'secret-unavailable')
    assert.match(error.message, message)
    assert.ok(!inspect(error, { depth: 9 }).includes(CANARY))
    return true
  })
}

describe('a secret', () => {
  it('shows itself nowhere but when asked', () => {
    const secret = new Secret(CANARY)
    const shown = [
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }, { showHidden: true, depth: 9 }),
      `${secret}`,
    ]
    for (const text of shown) assert.ok(text.includes('[redacted]') && !text.includes(CANARY), text)
    assert.equal(secret.reveal().toString(), CANARY)
    assert.equal(secret.byteLength, CANARY.length)
  })

  it('gives copies that may be overwritten, and keeps its own', () => {
    const bytes = Buffer.from(CANARY)
    const secret = new Secret(bytes)
    bytes.fill(0)
    secret.reveal().fill(0)
    assert.equal(secret.reveal().toString(), CANARY)
    assert.equal(secret.reveal().buffer.byteLength, CANARY.length, 'never in the shared pool')
  })

  it('equals its like', () => {
    assert.equal(new Secret('a').equals(new Secret('a')), true)
    assert.equal(new Secret('a').equals(new Secret('b')), false)
    assert.equal(new Secret('a').equals(new Secret('aa')), false)
  })
})

describe('a secret’s source', () => {
  it('is a text, the environment, a file or an encrypted text', async () => {
    assert.equal(await read({ kind: 'text', text: CANARY }), CANARY)
    assert.equal(await read({ kind: 'env', name: 'PW' }, sources({}, { PW: CANARY })), CANARY)
    assert.equal(await read({ kind: 'file', path: '/s/x' }, sources({ '/s/x': CANARY })), CANARY)
    const value = encrypt(new Secret(CANARY), PLACE, k1)
    assert.equal(await read({ kind: 'encrypted', value, place: PLACE }), CANARY)
  })

  for (const [content, expected] of [
    ['pw\n', 'pw'],
    ['pw\r\n', 'pw'],
    ['pw\n\n', 'pw\n'],
    ['pw', 'pw'],
    ['pw\r', 'pw\r'],
    [' pw ', ' pw '],
  ] as const) {
    it(`loses one newline of ${JSON.stringify(content)}`, async () => {
      assert.equal(await read({ kind: 'file', path: '/s' }, sources({ '/s': content })), expected)
    })
  }

  it('is read anew each time', async () => {
    const files: Record<string, string> = { '/s': 'old' }
    const reader = compileSecret({ kind: 'file', path: '/s' }, sources(files), { template: false })
    assert.equal((await reader.read(facts)).reveal().toString(), 'old')
    files['/s'] = 'new'
    assert.equal((await reader.read(undefined)).reveal().toString(), 'new')
  })

  it('overwrites what it read', async () => {
    const bytes = Buffer.from(CANARY)
    await read({ kind: 'file', path: '/s' }, { ...sources(), readFile: async () => bytes })
    assert.deepEqual(bytes, Buffer.alloc(CANARY.length))
  })

  it('may have variables in a template’s file name, and nowhere else', async () => {
    const files = { '/s/joe.smith-smithj': 'mine', '/s/${subject}': 'odd' }
    assert.equal(await read({ kind: 'file', path: '/s/${subject}-${user}' }, sources(files)), 'mine')
    assert.equal(await read({ kind: 'file', path: '/s/${subject}' }, sources(files), false), 'odd')
    assert.equal(compileSecret({ kind: 'file', path: '/s/${subject}' }, sources(), { template: true }).isTemplate, true)
    assert.equal(compileSecret({ kind: 'file', path: '/s/x' }, sources(), { template: true }).isTemplate, false)
    assert.throws(() => compileSecret({ kind: 'file', path: '${sub}' }, sources(), { template: true }), SyntaxError)
  })

  it('never leads out of its directory', async () => {
    await assert.rejects(
      read({ kind: 'file', path: '/s/${claim.bad}' }),
      (error) => error instanceof PromotionRefused && error.code === 'bad-value' && /claim\.bad/.test(error.message),
    )
  })

  it('is unavailable when it is missing, empty or too long', async () => {
    await unavailable({ kind: 'env', name: 'PW' }, /environment variable PW is not set/)
    await unavailable({ kind: 'env', name: 'PW' }, /empty/, sources({}, { PW: '' }))
    await unavailable({ kind: 'file', path: '/s' }, /\/s cannot be read: ENOENT/)
    await unavailable({ kind: 'file', path: '/s' }, /in \/s is empty/, sources({ '/s': '\n' }))
    await unavailable({ kind: 'file', path: '/s' }, /longer than 4096/, sources({ '/s': CANARY.repeat(400) }))
    assert.equal((await read({ kind: 'file', path: '/s' }, sources({ '/s': `${'x'.repeat(4096)}\n` }))).length, 4096)
    await unavailable({ kind: 'encrypted', value: 'gatehouse:v1:k2:AAAA', place: PLACE }, /key "k2"/)
    await unavailable({ kind: 'encrypted', value: 'gatehouse:v1:k2:AAAA', place: PLACE }, /key "k2"/, {
      ...sources(),
      keys: undefined,
    })
  })
})

describe('an encrypted secret', () => {
  const value = encrypt(new Secret(CANARY), PLACE, k1)

  it('names its key and is another one each time', () => {
    assert.match(value, /^gatehouse:v1:k1:[A-Za-z0-9_-]+$/)
    assert.notEqual(encrypt(new Secret(CANARY), PLACE, k1), value)
    assert.equal(decrypt(value, PLACE, keys).reveal().toString(), CANARY)
  })

  it('is decrypted by any of several keys', () => {
    const both = parseKeys(`# the new one first\n${keyText('k2')}\n\n${keyText('k1')}\n`)
    assert.deepEqual([...both.keys()], ['k2', 'k1'])
    assert.equal(decrypt(value, PLACE, both).reveal().toString(), CANARY)
  })

  function fails(text: string, message: RegExp, place = PLACE, ring = keys) {
    assert.throws(
      () => decrypt(text, place, ring),
      (error) => {
        assert.ok(error instanceof EncryptionError)
        assert.match(error.message, message)
        return true
      },
    )
  }

  it('does not decrypt in another place', () => {
    fails(value, /"k1".*another place/, 'brokers.main.credentials.webuser.password')
    fails(value, /"k1"/, '')
  })

  it('does not decrypt when any character was changed', () => {
    const start = 'gatehouse:v1:k1:'.length
    for (let at = start; at < value.length; at += 1) {
      const changed = value[at] === 'A' ? 'B' : 'A'
      fails(`${value.slice(0, at)}${changed}${value.slice(at + 1)}`, /"k1"/)
    }
  })

  it('does not decrypt without its key, under another key, or cut short', () => {
    fails(value, /key "k1", which is missing \(known keys: k2\)/, PLACE, parseKeys(keyText('k2')))
    fails(value, /there are no keys/, PLACE, new Map())
    fails(value, /"k1"/, PLACE, parseKeys(keyText('k2').replace(':k2:', ':k1:')))
    fails(
      value.replace(':k1:', ':k2:'),
      /"k2"/,
      PLACE,
      parseKeys(`${keyText('k1')}\n${keyText('k1').replace(':k1:', ':k2:')}`),
    )
    fails(value.slice(0, 30), /cut short/)
    fails(`${value}A`, /"k1"/)
  })

  for (const text of [
    '',
    CANARY,
    'gatehouse:v2:k1:AAAA',
    'gatehouse:v1:k 1:AAAA',
    'gatehouse:v1:k1',
    'gatehouse:v1:k1:AA+A',
    'gatehouse:v1:k1:AAAA:B',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => fails(text, /not an encrypted secret/))
  }

  it('has keys that are made at random and read back', () => {
    const made = generateKey().reveal().toString()
    assert.match(made, /^gatehouse-key:v1:k[0-9a-f]{8}:[A-Za-z0-9_-]{43}$/)
    assert.equal(parseKeys(made).size, 1)
    assert.match(generateKey('prod-2026').reveal().toString(), /:prod-2026:/)
    assert.throws(() => generateKey('a b'), EncryptionError)
    assert.notEqual(generateKey().reveal().toString(), made)
  })

  it('has keys that show nothing', () => {
    assert.ok(!inspect(keys, { depth: 9, showHidden: true }).includes(keyText('k1').slice(-43)))
  })

  for (const [text, message] of [
    [CANARY, /line 1 is not a key/],
    [`${keyText('k1')}\n${keyText('k1')}`, /line 2: there is a key "k1" already/],
    [keyText('k1').slice(0, -2), /line 1/],
    [`${keyText('k1')}:x`, /line 1/],
    [keyText('k1').replace('v1', 'v2'), /line 1/],
    [keyText('k1').replace('k1', 'k/1'), /line 1/],
  ] as const) {
    it(`has no key in ${JSON.stringify(text.slice(0, 24))}…`, () =>
      assert.throws(
        () => parseKeys(text),
        (error) => error instanceof EncryptionError && message.test(error.message) && !error.message.includes(CANARY),
      ))
  }
})
