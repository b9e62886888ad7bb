/** The way from a file or an object to a configuration: what is checked about files, and what hostile input can do. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { encrypt, generateKey, parseKeys, Secret } from '../../../../../auth/index.ts'
import { readProtected } from '../../../../../src/config/files/protected-file.ts'
import { loadConfig, parseConfig, parseUsers } from '../../../../../src/config/reading/load.ts'
import { ConfigError } from '../../../../../src/config/reading/problems.ts'
import { configFiles, FIXTURE_ENV, minimalConfig } from '../../../../support/config-files.ts'

const folder = configFiles()
const valid = (name: string) => join(folder, 'valid', name)

/** What loading refuses, as text; fails when it does not. */
function refusal(load: () => unknown): string {
  try {
    load()
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.message
  }
  assert.fail('accepted')
}

describe('loadConfig', () => {
  it('refuses a configuration that everybody may write to', () => {
    const file = valid('writable.yaml')
    writeFileSync(file, 'listen: {}\n')
    chmodSync(file, 0o666)
    assert.match(
      refusal(() => loadConfig(file)),
      /writable\.yaml: refused: everybody may write to this file/,
    )
  })

  it('refuses secret files and users files that everybody may write to', () => {
    const file = valid('mapped-and-consolidated.yaml')
    const others = [valid('users.yaml'), valid('secrets/webuser')]
    for (const other of others) chmodSync(other, 0o602)
    const text = refusal(() => loadConfig(file, FIXTURE_ENV))
    for (const other of others) chmodSync(other, 0o600)
    assert.match(text, /credentials\.webuser\.password: .*everybody may write/)
    assert.match(text, /staff\.users: .*everybody may write/)
  })

  it('warns of secrets that everybody may read, wherever they are', () => {
    const files = ['warnings.yaml', 'users.yaml', 'secrets/webuser'].map(valid)
    for (const file of files) chmodSync(file, 0o604)
    const { warnings } = loadConfig(valid('warnings.yaml'), FIXTURE_ENV)
    for (const file of files) chmodSync(file, 0o600)
    const texts = warnings.map(({ message }) => message)
    assert.equal(texts.filter((text) => /everybody on this machine may read/.test(text)).length, 4)
  })

  it('says so when the file is not there, is a folder, or is no text', () => {
    writeFileSync(valid('latin1.yaml'), Buffer.from('log: { level: \xfc }\n', 'latin1'), { mode: 0o600 })
    assert.match(
      refusal(() => loadConfig(valid('no-such.yaml'))),
      /no-such\.yaml: no such file/,
    )
    assert.match(
      refusal(() => loadConfig(folder)),
      /expected a file; this is something else/,
    )
    assert.match(
      refusal(() => loadConfig(valid('latin1.yaml'))),
      /latin1\.yaml: expected text in UTF-8/,
    )
  })

  it('resolves relative paths against the folder of the file, whatever the name of the folder', () => {
    const odd = join(folder, 'odd ${subject}')
    mkdirSync(odd)
    const file = join(odd, 'gatehouse.yaml')
    const to = '{ username: "${subject}", password: { file: "secrets/${subject}" } }'
    const text = `listen: {}\nbrokers: { main: { urls: [amqp://127.0.0.1] } }\nservices:\n  - { path: /, broker: main, vhost: /, anonymous: true, promote: [{ to: ${to} }] }\n`
    writeFileSync(file, text, { mode: 0o600 })
    const [rule] = loadConfig(file, {}).config.services[0]?.promote ?? []
    assert.ok(rule && typeof rule.to === 'object' && rule.to.password.kind === 'file')
    assert.equal(rule.to.password.path, `${folder}/odd $\${subject}/secrets/\${subject}`)
  })

  it('does not look at files when it is told not to', () => {
    const file = join(folder, 'invalid/files-missing.yaml')
    assert.equal(loadConfig(file, {}, { files: false }).config.services.length, 1)
  })

  it('accepts what kubernetes mounts: links to files', () => {
    symlinkSync(valid('minimal.yaml'), valid('link.yaml'))
    assert.equal(loadConfig(valid('link.yaml'), FIXTURE_ENV).config.services.length, 1)
  })
})

describe('encrypted secrets', () => {
  const key = generateKey('k1').reveal().toString()
  const [encryptionKey] = parseKeys(key).values()
  assert.ok(encryptionKey)
  const place = 'brokers.main.credentials.webuser.password'
  const text = (value: string, keys = '[{ env: KEYS }]') =>
    `listen: {}
secretKeys: ${keys}
brokers:
  main:
    urls: [amqp://127.0.0.1]
    credentials:
      webuser: { username: webuser, password: { encrypted: "${value}" } }
services:
  - { path: /, broker: main, vhost: /, anonymous: true, promote: [{ to: webuser }] }
`
  const value = encrypt(new Secret('CANARY'), place, encryptionKey)

  it('are accepted at their place with their key', () => {
    const { config } = parseConfig(text(value), { env: { KEYS: key } })
    const credential = config.brokers['main']?.credentials['webuser']
    assert.deepEqual(credential?.kind === 'password' && credential.password, { kind: 'encrypted', value, place })
  })

  it('are refused at another place, altered, or without their key, with the line and the id of the key', () => {
    const elsewhere = encrypt(new Secret('CANARY'), place.replace('webuser', 'other'), encryptionKey)
    const altered = value.slice(0, -3) + (value.endsWith('AAA') ? 'BBB' : 'AAA')
    for (const wrong of [elsewhere, altered]) {
      assert.match(
        refusal(() => parseConfig(text(wrong), { env: { KEYS: key }, file: 'g.yaml' })),
        /^g\.yaml:7:\d+: .*k1/,
      )
    }
    const other = generateKey('k2').reveal().toString()
    const missing = refusal(() => parseConfig(text(value), { env: { KEYS: other }, file: 'g.yaml' }))
    assert.match(missing, /^g\.yaml:7:\d+: brokers\.main\.credentials\.webuser\.password: .*"k1", which is missing/)
    assert.ok(!missing.includes('CANARY'))
  })

  it('are refused with keys that are none, twice the same, or not there', () => {
    const twice = refusal(() => parseConfig(text(value, '[{ env: KEYS }, { env: KEYS }]'), { env: { KEYS: key } }))
    assert.match(twice, /secretKeys\[1\]: the key k1 is already there/)
    assert.match(
      refusal(() => parseConfig(text(value), { env: { KEYS: 'nonsense' } })),
      /secretKeys\[0\]: line 1 is not a key/,
    )
    assert.match(
      refusal(() => parseConfig(text(value), { env: {} })),
      /secretKeys\[0\]: the environment variable KEYS is not set/,
    )
    assert.match(
      refusal(() => parseConfig(text(value), { env: { KEYS: '# none\n' } })),
      /secretKeys\[0\]: there is no key in it/,
    )
  })
})

describe('parseConfig', () => {
  it('fills in every default of an object from code', () => {
    const [service] = parseConfig(minimalConfig()).config.services
    assert.equal(service?.limits.message, 16 * 1024 * 1024)
    assert.equal(service?.sessionTimeout, 24 * 60 * 60 * 1000)
    assert.equal(service?.refusal, 'auto')
  })

  it('gives back what it has accepted before', () => {
    const { config } = parseConfig(minimalConfig())
    assert.equal(parseConfig(config).config, config)
  })

  it('does not accept a copy of what it has accepted: it is written differently', () => {
    const { config } = parseConfig(minimalConfig())
    assert.throws(() => parseConfig({ ...config }), ConfigError)
  })

  it('names paths instead of lines for an object', () => {
    const input = { ...minimalConfig(), drain: 10, sevices: [] } as never
    assert.equal(
      refusal(() => parseConfig(input)),
      'drain: expected a duration: a whole number and ms, s, m, h or d, such as 30s, 5m or 24h, got a number\nsevices: unknown key; did you mean "services"?',
    )
  })

  it('keeps functions and instances that options of strategies may hold', () => {
    const made = new Map([['a', 1]])
    const options = { callback: () => 1, made }
    const plugin = { type: 'passport', module: 'x', verify: '/v.mjs', options } as const
    const { config } = parseConfig({ ...minimalConfig(), authenticators: { plugin } }, { files: false })
    const found = config.authenticators['plugin']
    assert.ok(found?.type === 'passport')
    assert.deepEqual(found.options, options)
    assert.equal((found.options as typeof options).made, made)
  })

  for (const [what, input] of [
    ['null', null],
    ['a number', 7],
    ['a list', []],
    ['a function', () => 1],
    ['nothing', undefined],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseConfig(input as never), ConfigError)
    })
  }

  it('refuses an object that contains itself, in bounded time', () => {
    const list: unknown[] = []
    list.push(list, list)
    assert.match(
      refusal(() => parseConfig({ ...minimalConfig(), secretKeys: list } as never)),
      /at most 64 levels/,
    )
  })

  it('refuses text whose aliases contain themselves', () => {
    assert.throws(() => parseConfig('listen: &a [*a, *a]\n'), ConfigError)
  })

  it('takes no key from a prototype, and __proto__ for an unknown one', () => {
    const polluted = JSON.parse('{"__proto__": {"listen": {}}, "constructor": 1}') as never
    const text = refusal(() => parseConfig(polluted))
    assert.match(text, /__proto__: unknown key/)
    assert.match(text, /constructor: unknown key/)
    assert.match(text, /listen: missing/)
    assert.match(
      refusal(() => parseConfig('brokers: { __proto__: {} }\n')),
      /brokers\.__proto__: unknown key/,
    )
    const { config } = parseConfig({
      ...minimalConfig(),
      services: [{ ...minimalConfig().services[0], broker: 'main' }],
    } as never)
    assert.equal(Object.hasOwn(config, 'toString'), false)
  })

  it('does not find names that every object has', () => {
    const [service] = minimalConfig().services
    const input = {
      ...minimalConfig(),
      services: [{ ...service, broker: 'constructor', anonymous: false, authenticate: 'toString' }],
    }
    const text = refusal(() => parseConfig(input as never))
    assert.match(text, /services\[0\]\.broker: no such broker/)
    assert.match(text, /services\[0\]\.authenticate: no such authenticator/)
  })

  it('never shows a value, wherever it stands', () => {
    const canary = 'CANARY-7f3a'
    const values = [canary, { [canary]: canary }, [canary], { text: canary }]
    const places = ['listen', 'admin', 'log', 'brokers', 'authenticators', 'services', 'drain', 'secretKeys']
    for (const place of places) {
      for (const value of values) {
        const text = refusal(() => parseConfig({ ...minimalConfig(), [place]: value }))
        const isKey = !Array.isArray(value) && typeof value === 'object' && canary in value
        if (!isKey) assert.ok(!text.includes(canary), text)
      }
    }
    const credentials = [
      { username: 'u', password: { [`a, b: ${canary}`]: 1 } },
      { username: 'u', password: { vault: canary } },
      { username: 'u', pasword: canary },
      { username: 'u', password: 'p', mechanism: canary },
      { username: { canary }, password: [canary] },
    ]
    for (const credential of credentials) {
      const brokers = { main: { urls: ['amqp://127.0.0.1'], credentials: { webuser: credential } } }
      assert.ok(!refusal(() => parseConfig({ ...minimalConfig(), brokers } as never)).includes(canary))
    }
    const urls = [`amqp://u:${canary}@127.0.0.1`]
    assert.ok(!refusal(() => parseConfig({ ...minimalConfig(), brokers: { main: { urls } } })).includes(canary))
  })
})

describe('parseUsers', () => {
  it('gives users with what is missing filled in', () => {
    const hash = '$scrypt$ln=15,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g'
    const users = parseUsers(
      `users: { joe: { password: "${hash}", roles: trader }, mary: { password: "${hash}" } }`,
      'u.yaml',
    )
    assert.deepEqual(users, {
      joe: { password: hash, roles: ['trader'], claims: {} },
      mary: { password: hash, roles: [], claims: {} },
    })
  })

  it('tells mistakes by line', () => {
    assert.match(
      refusal(() => parseUsers('users:\n  joe: { password: welcome }\n', 'u.yaml')),
      /^u\.yaml:2:20: users\.joe\.password/,
    )
    assert.match(
      refusal(() => parseUsers('', 'u.yaml')),
      /^u\.yaml: expected a mapping/,
    )
  })
})

describe('readProtected', () => {
  it('reads a secret file', async () => {
    assert.equal((await readProtected(valid('secrets/webuser'))).toString(), 'webuser-password\n')
  })

  it('refuses one that everybody may write to, a folder, one that is too large, and one that is not there', async () => {
    const file = valid('secrets/open')
    writeFileSync(file, 'x')
    chmodSync(file, 0o602)
    await assert.rejects(readProtected(file), /everybody may write/)
    await assert.rejects(readProtected(folder), /something else/)
    writeFileSync(valid('secrets/large'), Buffer.alloc(64 * 1024 + 1), { mode: 0o600 })
    await assert.rejects(readProtected(valid('secrets/large')), /at most 65536 bytes/)
    await assert.rejects(readProtected(valid('no-such')), /no-such: no such file/)
  })
})
