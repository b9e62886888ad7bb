/** A made-up type of authenticators, added to a copy of the sources by one folder and one line, is known everywhere. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { appendFile, cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { SOURCE_OPTIONS } from '../support/source-options.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COPIED = ['auth', 'proxy', 'src', 'package.json', 'tsconfig.json', 'tsconfig.build.json']
const FIXTURE = join(ROOT, 'fixtures/authenticator-type')
const LINE = "export { badge } from './badge/descriptor.ts'\n"
const DEADLINE_MS = 280_000

interface Configuration {
  /** More keys of the service. */
  readonly service?: string
  /** More keys of the authenticator. */
  readonly badge?: string
  readonly secret?: string
  readonly holders?: string
}

const yaml = ({ service = '', badge = '', secret = 'SECRET', holders = 'holders.txt' }: Configuration) => `
listen: { host: 127.0.0.1, port: 0 }
brokers: { main: { urls: [amqp://127.0.0.1:1], credentials: { machine: { username: a, password: { env: SECRET } } } } }
authenticators:
  doors: { type: badge, holders: ${holders}, badge: { env: ${secret} }${badge} }
  tickets: { type: ticket }
services:
  - { path: /amqp, broker: main, vhost: /, authenticate: [doors, tickets], promote: [{ to: machine }]${service} }
`

const CONFIGURATIONS: Readonly<Record<string, Configuration>> = {
  good: {},
  mistakes: { service: ', origins: ["*"]', badge: ', header: x-badge-secret, colour: red' },
  away: { secret: 'UNSET', holders: 'no.txt' },
  odd: { badge: ', role: admin' },
  roleless: { service: ', require: { roles: [staff] }' },
}

interface Said {
  readonly spoken: Readonly<Record<string, { readonly code: number; readonly text: string }>>
  readonly statuses: readonly number[]
}

describe('a new type of authenticators', () => {
  let folder = ''
  let said: Said = { spoken: {}, statuses: [] }

  const run = async (...args: readonly string[]) => {
    const env = { PATH: process.env['PATH'], SECRET: 'open' }
    return (await promisify(execFile)(process.execPath, args, { cwd: folder, env, timeout: DEADLINE_MS })).stdout
  }
  const text = (name: string) => said.spoken[name]?.text ?? ''

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-type-'))
    for (const name of COPIED) await cp(join(ROOT, name), join(folder, name), { recursive: true })
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    await cp(join(FIXTURE, 'badge'), join(folder, 'auth/strategies/badge'), { recursive: true })
    await appendFile(join(folder, 'auth/strategies/registry.ts'), LINE)

    await cp(join(FIXTURE, 'program.ts'), join(folder, 'program.ts'))
    await writeFile(join(folder, 'holders.txt'), 'joe\nann\n')
    for (const [name, configuration] of Object.entries(CONFIGURATIONS)) {
      await writeFile(join(folder, `${name}.yaml`), yaml(configuration), { mode: 0o600 })
    }
    const commands = [
      ...Object.keys(CONFIGURATIONS).map((name) => [name, 'check', '-c', `${name}.yaml`]),
      ['schema', 'schema'],
      ['explain', 'explain', '-c', 'good.yaml', '--subject', 'joe'],
    ]
    said = JSON.parse(await run(...SOURCE_OPTIONS, 'program.ts', JSON.stringify(commands))) as Said
  })
  after(async () => await rm(folder, { recursive: true, force: true }))

  it('needs no other line anywhere: all types fit', async () => {
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
    assert.equal(await run(tsc, '--noEmit', '-p', 'tsconfig.build.json'), '')
  })

  it('is accepted by `check` and described by `schema`', () => {
    assert.equal(said.spoken['good']?.code, 0, text('good'))
    assert.match(text('good'), /proof by doors, tickets/)
    assert.match(text('schema'), /Header with the name of the holder/)
  })

  it('has its mistakes found, with their places', () => {
    assert.equal(said.spoken['mistakes']?.code, 78)
    assert.match(text('mistakes'), /authenticators\.doors\.colour: unknown key/)
    assert.match(text('mistakes'), /authenticators\.doors\.header: expected another header/)
    assert.match(text('mistakes'), /services\[0\]\.origins\[0\]: .*since doors add badges by themselves/)
  })

  it('has its files and secrets looked at', () => {
    assert.equal(said.spoken['away']?.code, 78)
    assert.match(text('away'), /authenticators\.doors\.holders: .*no\.txt: no such file/)
    assert.match(text('away'), /authenticators\.doors\.badge: the environment variable UNSET is not set/)
  })

  it('has its warnings, says which key would give roles, and whose its identities are', () => {
    assert.match(text('odd'), /warning: .*authenticators\.doors\.role: every holder would be an admin/)
    assert.match(text('roleless'), /doors gives nobody a role.*`role`/)
    assert.match(text('explain'), /subject "joe" of issuer "https:\/\/badges\.example\.com"/)
  })

  it('proves people, and its headers are nobody else’s', () => {
    assert.deepEqual(said.statuses, [200, 401, 400])
  })
})
