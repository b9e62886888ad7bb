/**
 * `npm run check:package`: packs the package as `npm publish` would, installs it into an empty folder as a user would, and
 * uses it there: its command, its serving, its code, its types. Needs a package registry, no broker.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const root = join(import.meta.dirname, '..')
const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version
const scratch = mkdtempSync(join(tmpdir(), 'gatehouse-package-'))
const consumer = join(scratch, 'consumer')
const DEADLINE_MS = 20_000

interface Result {
  readonly status: number | null
  readonly output: string
}

function run(command: string, args: readonly string[], cwd: string): Result {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 300_000 })
  return { status, output: `${stdout}${stderr}` }
}

function succeed(command: string, args: readonly string[], cwd: string): string {
  const { status, output } = run(command, args, cwd)
  assert.equal(status, 0, `${command} ${args.join(' ')} ended with ${status}:\n${output}`)
  return output
}

/** Packs, and looks at what is inside: nothing but what users need. */
function pack(): string {
  const output = succeed('npm', ['pack', '--json', '--silent', '--pack-destination', scratch], root)
  const [packed] = JSON.parse(output.slice(output.indexOf('['))) as [{ filename: string; files: { path: string }[] }]
  const paths = packed.files.map(({ path }) => path)
  const pages = ['dist/src/demo/page/index.html', 'dist/src/admin/console/page/console.js']
  const doors = ['dist/src/index', 'dist/browser/gatehouse', 'dist/testing/index'].flatMap((door) => [
    `${door}.js`,
    `${door}.d.ts`,
  ])
  for (const path of ['dist/src/main.js', ...doors, ...pages, 'LICENSE']) {
    assert.ok(paths.includes(path), `${path} is missing from the package`)
  }
  const surplus = paths.filter((path) => /(^|\/)(test|fixtures|scripts)\/|(?<!\.d)\.ts$/.test(path))
  assert.deepEqual(surplus, [], 'the package holds what users do not need')
  return join(scratch, packed.filename)
}

function install(tarball: string): void {
  mkdirSync(consumer)
  writeFileSync(join(consumer, 'package.json'), '{ "private": true, "type": "module" }\n')
  succeed('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', tarball], consumer)
}

const command = join(consumer, 'node_modules/.bin/gatehouse')

function checkCommand(): void {
  assert.equal(succeed(command, ['--version'], consumer).trim(), version)
  assert.match(succeed(command, ['--help'], consumer), /serve/)
  assert.equal(typeof JSON.parse(succeed(command, ['schema'], consumer)), 'object')
  assert.equal(run(command, ['no-such-command'], consumer).status, 64, 'an unknown command is a usage error')
}

/** Serves without a broker, as it must, lets somebody log in and nobody else, and ends when it is told to. */
async function checkServing(): Promise<void> {
  const args = ['serve', '--broker', 'amqp://127.0.0.1:1', '--user', 'joe:welcome=smithj:secret', '--port', '0']
  const gateway = spawn(command, args, { cwd: consumer, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const url = await startedAt(gateway)
    const ticket = `${url.replace(/^ws/, 'http')}/auth/ticket`
    const signal = AbortSignal.timeout(DEADLINE_MS)
    const nobody = await fetch(ticket, { method: 'POST', signal })
    assert.equal(nobody.status, 401)
    const authorization = `Basic ${Buffer.from('joe:welcome').toString('base64')}`
    const joe = await fetch(ticket, { method: 'POST', headers: { authorization }, signal })
    assert.equal(joe.status, 200, await joe.text())

    gateway.kill('SIGTERM')
    const [code] = (await once(gateway, 'exit', { signal })) as [number | null]
    assert.equal(code, 0, 'SIGTERM drains and exits with 0')
  } finally {
    gateway.kill('SIGKILL')
  }
}

async function startedAt(gateway: ChildProcess): Promise<string> {
  assert.ok(gateway.stdout)
  const lines = createInterface({ input: gateway.stdout, signal: AbortSignal.timeout(DEADLINE_MS) })
  for await (const line of lines) {
    const entry = JSON.parse(line) as { event?: string; url?: string }
    if (entry.event === 'gateway-started' && entry.url !== undefined) return entry.url
  }
  throw new Error('the gateway ended before it listened')
}

const CODE = `import { ConfigError, type ConfigInput, hashPassword, startGateway } from 'amqp-gatehouse'

const config: ConfigInput = {
  listen: { host: '127.0.0.1', port: 0 },
  brokers: { main: { urls: ['amqp://127.0.0.1:1'], credentials: { webuser: { username: 'webuser', password: 'secret' } } } },
  authenticators: { tickets: { type: 'ticket' }, staff: { type: 'basic', users: { joe: { password: await hashPassword('welcome') } } } },
  services: [{ path: '/amqp', broker: 'main', vhost: '/', authenticate: ['staff', 'tickets'], promote: [{ to: 'webuser' }] }],
}
const gateway = await startGateway(config, { logTo: { write: () => {} } })
const port: number | undefined = gateway.addresses[0]?.port
const refused: unknown = await startGateway({ ...config, services: [] }).catch((error: unknown) => error)
process.exitCode = typeof port === 'number' && port > 0 && refused instanceof ConfigError ? 0 : 1
await gateway.close()
`

const TESTING = `import { startTestGateway, type TestGateway, type TestLogLine } from 'amqp-gatehouse/testing'

const starting: Promise<TestGateway> = startTestGateway({ broker: 'amqp://127.0.0.1:1', users: { joe: 'welcome' } })
export const opened = async (gate: TestGateway): Promise<TestLogLine> => await gate.logged('session-opened', { subject: 'joe' })
const text: string = await starting.then(() => 'started', (error: unknown) => String(error))
process.exitCode = /no RabbitMQ for the test at amqp:.*docker run/.test(text) ? 0 : 1
`

/** Its client is the one of @cloudamqp/amqp-client, which the package brings. */
const BROWSER = `import { AMQPSession } from '@cloudamqp/amqp-client'
import { basic, type Gate, gatehouse } from 'amqp-gatehouse/browser'

export const begin = async (gate: Gate): Promise<AMQPSession> =>
  await gate.connect((url, hooks) => AMQPSession.connect(url, hooks))
export const make = (): Gate => gatehouse('wss://gate.example.com/amqp', { credential: () => basic('joe', 'welcome') })
process.exitCode = basic('joe', 'grüße').startsWith('Basic ') ? 0 : 1
`

/**
 * The documented ways to use it, run and type-checked with nothing but the package's own dependencies, whichever way the
 * user's compiler looks for modules.
 */
function checkCode(): void {
  const require = createRequire(import.meta.url)
  const types = join(root, 'node_modules/@types')
  const common = ['--target', 'es2023', '--strict', '--types', 'node', '--typeRoots', types]
  const programs = Object.entries({ use: CODE, testing: TESTING, browser: BROWSER })
  const files = programs.map(([name]) => `${name}.ts`)
  for (const [name, code] of programs) writeFileSync(join(consumer, `${name}.ts`), code)
  for (const way of [
    ['--module', 'esnext', '--moduleResolution', 'bundler', '--noEmit'],
    ['--module', 'node16', '--moduleResolution', 'node16', '--noEmit'],
    ['--module', 'nodenext'],
  ])
    succeed(process.execPath, [require.resolve('typescript/bin/tsc'), ...common, ...way, ...files], consumer)
  for (const [name] of programs) {
    assert.ok(existsSync(join(consumer, `${name}.js`)))
    succeed(process.execPath, [`${name}.js`], consumer)
  }
}

try {
  install(pack())
  checkCommand()
  await checkServing()
  checkCode()
  console.log(`amqp-gatehouse ${version}: packs, installs, serves, and type-checks.`)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
