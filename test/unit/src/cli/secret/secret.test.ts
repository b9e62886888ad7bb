/** Commands that take or make secrets: what they read, what they print, and what they leave alone. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parsePasswordHash, verifyPassword } from '../../../../../auth/strategies/basic/password.ts'
import { configFiles } from '../../../../support/config-files.ts'
import { runCommand } from '../../../../support/terminal.ts'

const folder = configFiles()
const valid = (name: string) => join(folder, 'valid', name)

describe('hash-password', () => {
  const HASH = /^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+\n$/

  it('prints the hash of one line from a pipe, and nothing else', async () => {
    for (const piped of ['welcome', 'welcome\n', 'welcome\r\n', 'welcome\nmore\n']) {
      const { code, stdout, stderr } = await runCommand(['hash-password'], { piped })
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, HASH)
    }
  })

  it('leaves out a byte order mark that a shell wrote into the pipe, and takes no UTF-16', async () => {
    const { stdout } = await runCommand(['hash-password'], { piped: '\ufeffwelcome\r\n' })
    assert.equal(await verifyPassword('welcome', parsePasswordHash(stdout.trim())), true)
    const { code, stderr } = await runCommand(['hash-password'], { piped: 'w\0e\0l\0' })
    assert.equal(code, 1)
    assert.match(stderr, /not text in UTF-8/)
  })

  it('asks twice at a terminal, without an echo', async () => {
    const { code, stdout, stderr } = await runCommand(['hash-password'], {
      typed: ['wel', 'x\u007fcome\r', 'welcome\r'],
    })
    assert.equal(code, 0, stderr)
    assert.match(stdout, HASH)
    assert.equal(stderr, 'Password: \nPassword, once more: \n')
  })

  for (const [what, typed, expected] of [
    ['two that differ', ['welcome\r', 'welcame\r'], /the two are not the same/],
    ['nothing', ['\r', '\r'], /no password was typed/],
    ['Ctrl-C', ['wel\u0003'], /given up/],
    ['a terminal that goes away', ['wel'], /given up/],
  ] as const) {
    it(`fails for ${what}`, async () => {
      const { code, stdout, stderr } = await runCommand(['hash-password'], { typed })
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, expected)
    })
  }

  for (const [what, piped, expected] of [
    ['nothing', '', /no password on standard input/],
    ['an empty line', '\nwelcome\n', /no password on standard input/],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x0a]), /not text in UTF-8/],
    ['a control character', 'wel\u0007come\n', /no control characters/],
    ['more than anybody types', 'x'.repeat(100_000), /longer than 65536 bytes/],
    ['more than HTTP Basic takes', 'x'.repeat(2000), /1 to 1024 bytes/],
  ] as const) {
    it(`fails for ${what}`, async () => {
      const { code, stdout, stderr } = await runCommand(['hash-password'], { piped })
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, expected)
    })
  }
})

describe('secret', () => {
  const place = 'brokers.main.credentials.webuser.password'
  const withKeys = (keys: string, password: string) =>
    `# the whole story\n${readFileSync(valid('minimal.yaml'), 'utf8')
      .replace('{ env: WEBUSER_PASSWORD }', `{ encrypted: ${password} }`)
      .replace('brokers:', `secretKeys: ${keys}\nbrokers:`)}`

  it('goes from a key to a secret to the next key, and the gateway accepts each step', async () => {
    const file = valid('encrypted.yaml')
    const keygen = async (id: string) => (await runCommand(['secret', 'keygen', '--id', id])).stdout.trim()
    const env = { OLD: await keygen('old'), NEW: await keygen('new') }
    assert.match(env.OLD, /^gatehouse-key:v1:old:[A-Za-z0-9_-]{43}$/)
    writeFileSync(file, withKeys('[{ env: OLD }]', 'later'), { mode: 0o640 })

    const encrypted = await runCommand(['secret', 'encrypt', '-c', file, '--at', place], { env, piped: 'CANARY\n' })
    assert.equal(encrypted.code, 0, encrypted.stderr)
    assert.match(encrypted.stdout, /^gatehouse:v1:old:[A-Za-z0-9_-]+\n$/)
    writeFileSync(file, withKeys('[{ env: OLD }]', `"${encrypted.stdout.trim()}"`))
    assert.equal((await runCommand(['check', '-c', file], { env })).code, 0)

    const before = readFileSync(file, 'utf8').replace('[{ env: OLD }]', '[{ env: NEW }, { env: OLD }]')
    writeFileSync(file, before)
    const rotated = await runCommand(['secret', 'rotate', '-c', file], { env })
    assert.equal(rotated.stdout, `${file}: 1 of 1 secrets encrypted anew with key new\n`)
    const after = readFileSync(file, 'utf8')
    assert.equal(after.replace(/"gatehouse:v1:[^"]+"/, ''), before.replace(/"gatehouse:v1:[^"]+"/, ''))
    assert.match(after, /"gatehouse:v1:new:/)

    const again = await runCommand(['secret', 'rotate', '-c', file], { env })
    assert.equal(
      again.stdout,
      `${file}: 0 of 1 secrets encrypted anew with key new\n` +
        'Nothing to do: the first of secretKeys has encrypted all of them already. A new key goes before it.\n',
    )
    assert.equal(readFileSync(file, 'utf8'), after)

    writeFileSync(file, after.replace(', { env: OLD }', ''))
    assert.equal((await runCommand(['check', '-c', file], { env: { NEW: env.NEW } })).code, 0)
  })

  it('changes nothing where one secret does not decrypt, and says which, with its line and key', async () => {
    const file = valid('encrypted.yaml')
    const env = { KEYS: (await runCommand(['secret', 'keygen', '--id', 'k9'])).stdout }
    writeFileSync(file, withKeys('[{ env: KEYS }]', '"gatehouse:v1:k8:AAAA"'), { mode: 0o600 })
    const before = readFileSync(file, 'utf8')
    const { code, stderr } = await runCommand(['secret', 'rotate', '-c', file], { env })
    assert.equal(code, 78)
    assert.match(stderr, /encrypted\.yaml:9: brokers\.main\.credentials\.webuser\.password: .*"k8"/)
    assert.equal(readFileSync(file, 'utf8'), before)
  })

  it('needs a key', async () => {
    const file = valid('minimal.yaml')
    const { code, stderr } = await runCommand(['secret', 'encrypt', '-c', file, '--at', place], { piped: 'x\n' })
    assert.equal(code, 78)
    assert.match(stderr, /secretKeys: missing: expected the key to encrypt with/)
    assert.equal((await runCommand(['secret', 'rotate', '-c', file])).code, 78)
  })

  it('warns of a place that the file does not have, which may be a mistyped one', async () => {
    const file = valid('typo.yaml')
    writeFileSync(file, withKeys('[{ env: OLD }]', '{ env: X }'))
    const env = { OLD: (await runCommand(['secret', 'keygen', '--id', 'old'])).stdout.trim() }
    const encryptAt = (at: string) => runCommand(['secret', 'encrypt', '-c', file, '--at', at], { env, piped: 'x\n' })

    for (const [at, absent] of [
      [
        'brokers.main.credentials.webusre.password',
        'there is no brokers.main.credentials.webusre yet; did you mean "webuser"?',
      ],
      ['brokers.mian.credentials.webuser.password', 'there is no brokers.mian yet; did you mean "main"?'],
      ['services[7].promote[0].to.password', 'there is no services[7] yet'],
    ] as const) {
      const { code, stdout, stderr } = await encryptAt(at)
      assert.equal(code, 0)
      assert.match(stdout, /^gatehouse:v1:old:/)
      assert.equal(stderr, `warning: ${file}: ${absent}\n`)
    }
    for (const at of [place, 'services[0].promote[0].to.password'])
      assert.doesNotMatch((await encryptAt(at)).stderr, /webuser yet|services\[0\] yet/)
  })

  it('encrypts only for places where secrets stand', async () => {
    for (const at of ['brokers.main.urls', 'services[0].promote[0].to', 'nonsense..x', 'brokers.main.credentials.x']) {
      const { code, stderr } = await runCommand(['secret', 'encrypt', '-c', valid('minimal.yaml'), '--at', at])
      assert.equal(code, 64)
      assert.match(stderr, /no secret stands at/)
    }
  })

  it('refuses a file that everybody may write to', async () => {
    const file = valid('open.yaml')
    writeFileSync(file, 'listen: {}\n')
    chmodSync(file, 0o602)
    const { code, stderr } = await runCommand(['secret', 'rotate', '-c', file])
    assert.equal(code, 1)
    assert.match(stderr, /everybody may write/)
  })

  it('refuses a name of a key that is none', async () => {
    const { code, stderr } = await runCommand(['secret', 'keygen', '--id', 'a:b'])
    assert.equal(code, 64)
    assert.match(stderr, /a key id is 1 to 32 letters/)
  })
})
