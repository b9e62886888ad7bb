/** The configuration of a door: what is taken, what is refused and where, and what is only warned of. */
import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { staticDoorChanges } from '../../../../src/config/checks/door.ts'
import { loadConfig, loadDoor, parseConfig, parseDoor } from '../../../../src/config/reading/load.ts'
import { ConfigError, formatProblem } from '../../../../src/config/reading/problems.ts'
import { appliesTo } from '../../../../src/config/schema/applies.ts'
import { doorReference } from '../../../../src/config/schema/reference.ts'
import { minimalConfig } from '../../../support/config-files.ts'
import { Wall } from '../../../support/wall.ts'

const MINIMAL = 'inner: { tls: { cert: a.crt, key: a.key, ca: ca.crt }, names: [inner-a, inner-b] }'

const parsed = (text: string) => parseDoor(text, { files: false })

function mistakesIn(text: string): string[] {
  try {
    parsed(text)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path}: ${message}`)
    throw error
  }
  return []
}

describe('parseDoor', () => {
  it('says whose file it is where a door and a gateway are confused', () => {
    assert.ok(
      mistakesIn('brokers: {}').some((text) => text.startsWith('brokers: this is the configuration of a gateway:')),
    )
    assert.throws(
      () => parseConfig(MINIMAL, { files: false }),
      (error) =>
        error instanceof ConfigError &&
        error.problems.some(
          ({ path, message }) => path === 'inner' && message.includes('`gatehouse door --check -c FILE`'),
        ),
    )
  })

  it('fills in what is left out, and makes paths absolute', () => {
    const { config, warnings } = parseDoor(MINIMAL, { file: '/etc/gatehouse/door.yaml', files: false })
    assert.deepEqual(warnings, [])
    assert.deepEqual(config, {
      listen: { host: '0.0.0.0', port: 443 },
      inner: {
        host: '0.0.0.0',
        port: 8444,
        tls: { cert: '/etc/gatehouse/a.crt', key: '/etc/gatehouse/a.key', ca: '/etc/gatehouse/ca.crt' },
        names: ['inner-a', 'inner-b'],
      },
      wait: 2_000,
      limits: { connectionsPerAddress: 256, connections: 20_000, idle: 90_000 },
      log: { level: 'info', format: 'auto' },
      drain: 10_000,
    })
  })

  it('warns where any certificate of the authority opens the inner port', () => {
    const { warnings } = parsed('inner: { tls: { cert: a.crt, key: a.key, ca: ca.crt } }')
    assert.deepEqual(
      warnings.map(({ path, message }) => `${path}: ${message}`),
      ['inner: every certificate of `tls.ca` opens this: list the gateways in `names`'],
    )
  })

  for (const [what, text, expected] of [
    ['without its inner listener', 'wait: 2s', ['inner: missing: expected a mapping (key: value)']],
    ['with an unknown key', `wiat: 2s\n${MINIMAL}`, ['wiat: unknown key; did you mean "wait"?']],
    [
      'with one port twice',
      `listen: { port: 8444 }\nadmin: { port: 8444 }\n${MINIMAL}`,
      [
        'admin.port: port 8444 is taken by the listener for clients',
        'inner.port: port 8444 is taken by the listener for clients',
      ],
    ],
    [
      'with sites that meet',
      `listen: { sites: [{ serverName: A.example.com, to: inner-a }, { serverName: a.example.com, to: inner-b }] }\n${MINIMAL}`,
      ['listen.sites[1].serverName: listen.sites[0] has this name already'],
    ],
    [
      'with a site that nobody may serve',
      `listen: { sites: [{ serverName: a.example.com, to: [inner-a, inner-c] }] }\n${MINIMAL}`,
      ['listen.sites[0].to[1]: no gateway of `inner.names`; did you mean "inner-a"?'],
    ],
    [
      'with a URL in the place of a name',
      `listen: { sites: [{ serverName: "https://a.example.com", to: inner-a }] }\n${MINIMAL}`,
      [
        'listen.sites[0].serverName: expected a host name such as gate.example.com or *.example.com, without scheme and port',
      ],
    ],
    [
      'with times and counts that are none',
      `wait: 2\nlimits: { connections: 0, connectionsPerAddress: many, idle: 0s }\n${MINIMAL}`,
      [
        'wait: expected a duration: a whole number and ms, s, m, h or d, such as 30s, 5m or 24h, got a number',
        'limits.connections: expected a whole number from 1 to 1000000',
        'limits.connectionsPerAddress: expected a whole number from 1 to 1000000, got text',
        'limits.idle: expected a duration from 1s to 24h',
      ],
    ],
  ] as const) {
    it(`refuses one ${what}`, () => assert.deepEqual(mistakesIn(text), expected))
  }
})

describe('files of a door and of the listener behind it', () => {
  let wall: Wall
  before(async () => {
    wall = await Wall.build()
  })
  after(() => wall.remove())

  const written = async (name: string, value: unknown): Promise<string> => {
    const file = join(wall.certificates.folder, name)
    await writeFile(file, JSON.stringify(value), { mode: 0o600 })
    return file
  }

  it('are read, and belong together', async () => {
    const file = await written('door.json', wall.input())
    assert.deepEqual(loadDoor(file).warnings, [])
    const { inner } = wall.input()
    const mixed = { ...wall.input(), inner: { ...inner, tls: { ...inner.tls, key: wall.inner[0].keyFile } } }
    await assert.rejects(
      async () => loadDoor(await written('mixed.json', mixed)),
      /inner\.tls\.key: expected the private key/,
    )
    await rm(file)
    assert.throws(() => loadDoor(file), ConfigError)
  })

  it('are refused where the certificate does not carry the name', async () => {
    const listener = wall.listener(['tls://localhost'], 1, 0)
    assert.ok('door' in listener && listener.door !== undefined)
    const good = { ...minimalConfig(), listen: [listener] }
    assert.deepEqual(
      loadConfig(await written('good.json', good), { ...process.env, WEBUSER_PASSWORD: 'x' }).config.listen.length,
      1,
    )
    const bad = { ...good, listen: [{ ...listener, door: { ...listener.door, name: 'inner-b' } }] }
    await assert.rejects(
      async () => loadConfig(await written('bad.json', bad), { ...process.env, WEBUSER_PASSWORD: 'x' }),
      (error) =>
        error instanceof ConfigError &&
        error.problems
          .map(formatProblem)
          .join('\n')
          .includes('listen[0].door.name: expected a name that the certificate of `tls.cert` carries'),
    )
  })
})

describe('a door that runs', () => {
  it('keeps its addresses', () => {
    const present = parsed(MINIMAL).config
    assert.deepEqual(staticDoorChanges(present, parsed(`wait: 5s\n${MINIMAL}`).config), [])
    assert.deepEqual(staticDoorChanges(present, parsed(`listen: { port: 444 }\nadmin: {}\n${MINIMAL}`).config), [
      { path: ['listen', 'port'], at: 'value', message: 'a change needs a restart' },
      { path: ['admin', 'host'], at: 'value', message: 'a change needs a restart' },
      { path: ['admin', 'port'], at: 'value', message: 'a change needs a restart' },
    ])
  })

  it('has a row for every key in the documentation', () => {
    for (const key of [
      'listen.sites.serverName',
      'inner.tls.ca',
      'inner.names',
      'limits.idle',
      'wait',
      'admin.hosts',
      'drain',
    ])
      assert.ok(doorReference().includes(`| \`${key}\` |`), key)
    assert.equal(appliesTo('listen[].door.spare'), 'new sessions')
  })
})
