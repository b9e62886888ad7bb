/**
 * `npm run test:strategies`: every row of the table in docs/authentication.md, with the strategy itself. Their packages are
 * installed by npm into this folder, from a lock file of its own, when this runs first.
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { HashQueue, InvalidConfiguration, MemoryState } from '../../auth/index.ts'
import { readProtected } from '../../src/config/files/protected-file.ts'
import { parseConfig } from '../../src/config/reading/load.ts'
import { runCommand } from '../../src/demo/processes.ts'
import { makeAuthenticators } from '../../src/wiring/authenticators.ts'
import { moduleLoader } from '../../src/wiring/modules.ts'
import { authenticationRequest } from '../support/authentication-request.ts'
import { LDAP_PORT, STRATEGY_CASES, type StrategyCase } from './cases.ts'

const FOLDER = import.meta.dirname
const INSTALL_MS = 300_000

/** npm's own record of what is installed is compared with the lock file. */
async function installStrategies(): Promise<void> {
  const stamp = join(FOLDER, 'node_modules', '.installed')
  const lock = await readFile(join(FOLDER, 'package-lock.json'), 'utf8')
  if ((await readFile(stamp, 'utf8').catch(() => '')) === lock) return
  const command = ['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', FOLDER]
  const { code, output } = await runCommand(command, { cwd: FOLDER, deadlineMs: INSTALL_MS })
  if (code !== 0) throw new Error(`npm failed with ${code}:\n${output}`)
  await writeFile(stamp, lock)
}

/** A directory server that knows one person; it is a part of what passport-ldapauth is made of. */
interface LdapServer {
  bind(name: string, handle: (request: LdapRequest, response: LdapResponse, next: Next) => unknown): void
  search(name: string, handle: (request: LdapRequest, response: LdapResponse, next: Next) => unknown): void
  listen(port: number, host: string, ready: () => void): void
  close(): void
}
interface LdapRequest {
  readonly credentials: string
}
interface LdapResponse {
  send(entry: object): void
  end(): void
}
type Next = (error?: unknown) => void
interface Ldapjs {
  createServer(): LdapServer
  readonly InvalidCredentialsError: new () => Error
}

async function startDirectory(): Promise<LdapServer> {
  const load = createRequire(join(FOLDER, 'package.json'))
  const ldap = load('ldapjs') as Ldapjs
  const server = ldap.createServer()
  const person = 'uid=press-7,ou=people,dc=example,dc=com'
  server.search('ou=people,dc=example,dc=com', (_request, response) => {
    response.send({ dn: person, attributes: { uid: 'press-7', objectclass: ['person'] } })
    response.end()
  })
  server.bind('dc=example,dc=com', ({ credentials }, response, next) => {
    if (credentials !== 'good') return next(new ldap.InvalidCredentialsError())
    response.end()
    return next()
  })
  await new Promise<void>((ready) => server.listen(LDAP_PORT, '127.0.0.1', ready))
  return server
}

async function authenticatorOf(one: StrategyCase, folder: string) {
  await mkdir(folder, { recursive: true })
  for (const [name, text] of Object.entries(one.files ?? {})) await writeFile(join(folder, name), text, { mode: 0o600 })
  const authenticator = `type: passport\nmodule: '${one.package}'\n${one.yaml === '{}\n' ? '' : one.yaml}`
  const text = `
listen: { host: 127.0.0.1, port: 8080 }
brokers: { main: { urls: [amqp://127.0.0.1], credentials: { machine: { username: a, password: b } } } }
authenticators:
  machines:
    ${authenticator.trimEnd().replaceAll('\n', '\n    ')}
services:
  - { path: /amqp, broker: main, vhost: /, authenticate: [machines], promote: [{ to: machine }] }
`
  const { config } = parseConfig(text, { file: join(folder, 'gatehouse.yaml'), env: {} })
  const load = moduleLoader(folder)
  const sources = { readFile: readProtected, env: () => undefined, keys: new Map(), load }
  const made = await makeAuthenticators(config, {
    sources,
    hashQueue: new HashQueue(),
    state: new MemoryState(),
    observeKeys: () => {},
    notRevoked: () => {},
    load,
    readFile: readProtected,
    readUsers: async () => ({}),
    processEnv: {},
    basePath: undefined,
  })
  return made.authenticators.get('machines')
}

describe('Passport strategies of other people', () => {
  let folder = ''
  let directory: LdapServer | undefined

  before(async () => {
    await installStrategies()
    folder = await mkdtemp(join(FOLDER, 'node_modules', '.configurations-'))
    directory = await startDirectory()
  })
  after(async () => {
    directory?.close()
    await rm(folder, { recursive: true, force: true })
  })

  for (const one of STRATEGY_CASES) {
    const { mistake, admits, refuses } = one
    const where = () => join(folder, one.package.replace('/', '-'))
    if (mistake !== undefined) {
      it(`${one.package}: the start says what to do`, async () => {
        await assert.rejects(authenticatorOf(one, where()), (error: Error) => {
          assert.ok(error instanceof InvalidConfiguration, error.stack)
          assert.match(error.message, mistake)
          return true
        })
      })
    } else {
      it(`${one.package}: works from YAML`, async () => {
        const machines = await authenticatorOf(one, where())
        assert.ok(machines)
        if (admits !== undefined) {
          const outcome = await machines.authenticate(authenticationRequest({ headers: admits }))
          assert.equal(outcome.kind === 'proven' ? outcome.identity.subject : JSON.stringify(outcome), 'press-7')
        }
        if (refuses !== undefined) {
          const outcome = await machines.authenticate(authenticationRequest({ headers: refuses }))
          assert.equal(outcome.kind, 'refused')
        }
      })
    }
  }
})
