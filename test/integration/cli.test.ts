/** The command as a process: how it starts, what signals do to it, how it ends. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import { hashPassword } from '../../auth/index.ts'
import { connectAmqplib, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { CommandProcess } from '../support/command-process.ts'
import { type FakeBroker, type FakeBrokerOptions, startFakeBroker } from '../support/fake-broker.ts'
import { until } from '../support/until.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const running: CommandProcess[] = []
const brokers: FakeBroker[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((command) => command.kill()))
  await Promise.all(brokers.splice(0).map((broker) => broker.close()))
})

function gatehouse(args: readonly string[], env: Readonly<Record<string, string>> = {}): CommandProcess {
  const command = new CommandProcess(args, env)
  running.push(command)
  return command
}

async function fakeBroker(options: FakeBrokerOptions = {}): Promise<FakeBroker> {
  const broker = await startFakeBroker(options)
  brokers.push(broker)
  return broker
}

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const connect = (url: string, user: string, password: string) =>
  connectAmqplib(url, { websocket: { headers: { authorization: basic(user, password) } } })

/** Nothing listens there. */
const NO_BROKER = ['--broker', 'amqp://127.0.0.1:1']
const USER = ['--user', 'joe:welcome=smithj:se=cr:et']

describe('gatehouse serve', () => {
  it('serves from options alone, and shows the broker the mapped user', async () => {
    const broker = await fakeBroker()
    const command = gatehouse([
      'serve',
      '--broker',
      broker.url,
      ...USER,
      '--port',
      '0',
      '--path',
      '/ws',
      '--vhost',
      'trading',
    ])
    const client = await connect(`${await command.url()}/ws`, 'joe', 'welcome')

    const connection = await broker.connection()
    const fields = (name: string) => connection.frames.find((frame) => frame.name === name)?.fields
    assert.equal(String(fields('connection.start-ok')?.['response']), '\0smithj\0se=cr:et')
    assert.equal(fields('connection.open')?.['virtualHost'], 'trading')
    await assert.rejects(
      connect(`${await command.url()}/ws`, 'joe', 'wrong'),
      (error) => error instanceof UpgradeRefused && error.status === 401,
    )

    await client.connection.close()
    command.signal('SIGTERM')
    assert.deepEqual(await command.exit(), { code: 0, signal: null })
    assert.ok(!command.stdout.includes('se=cr') && !command.stderr.includes('se=cr'))
  })

  it('starts while the broker is away, writes only JSON to standard output, and drains at SIGINT', async () => {
    const command = gatehouse(['serve', ...NO_BROKER, ...USER, '--port', '0'])
    assert.match(await command.url(), /^ws:\/\/127\.0\.0\.1:\d+$/)
    command.signal('SIGINT')
    assert.deepEqual(await command.exit(), { code: 0, signal: null })
    const events = command.events().map(({ event }) => event)
    assert.deepEqual(events, ['gateway-started', 'gateway-draining', 'gateway-stopped'])
    assert.match(command.stderr, /^warning: passwords on a command line are for tests/)
  })

  it('reads users again at SIGHUP, and serves on', async () => {
    const users = join(folder, 'users.yaml')
    const write = async (name: string) => {
      writeFileSync(
        users,
        `users: { ${name}: { password: "${await hashPassword('welcome', { ln: 10, r: 8, p: 1 })}" } }\n`,
        { mode: 0o600 },
      )
    }
    await write('joe')
    const broker = await fakeBroker()
    const file = join(folder, 'gatehouse.yaml')
    writeFileSync(file, configuration(broker.url), { mode: 0o600 })
    const command = gatehouse(['serve', '-c', file], { PASSWORD: 'secret' })
    const url = `${await command.url()}/amqp`
    const joe = await connect(url, 'joe', 'welcome')

    await write('ann')
    command.signal('SIGHUP')

    assert.equal((await joe.closed).code, 4401)
    await command.event('reload-done')
    const ann = await connect(url, 'ann', 'welcome')
    await assert.rejects(connect(url, 'joe', 'welcome'), UpgradeRefused)
    await ann.connection.close()
    command.signal('SIGTERM')
    assert.equal((await command.exit()).code, 0)
  })

  it('opens no inspector at SIGUSR1', async () => {
    const command = gatehouse(['serve', ...NO_BROKER, ...USER, '--port', '0'])
    const url = (await command.url()).replace('ws:', 'http:')
    command.signal('SIGUSR1')
    // Signals are taken in order, and each answer comes after the signal before it.
    command.signal('SIGHUP')
    await command.event('reload-done')
    assert.equal((await fetch(`${url}/nowhere`)).status, 404)
    command.signal('SIGTERM')
    assert.equal((await command.exit()).code, 0)
    assert.ok(!command.stderr.includes('Debugger'), command.stderr)
  })

  it('does not wait for the drain at a second signal', async () => {
    const broker = await fakeBroker({ answers: { 'connection.close': null } })
    const file = join(folder, 'slow.yaml')
    writeFileSync(
      join(folder, 'users.yaml'),
      `users: { joe: { password: "${await hashPassword('welcome', { ln: 10, r: 8, p: 1 })}" } }\n`,
      { mode: 0o600 },
    )
    writeFileSync(file, `${configuration(broker.url)}drain: 1h\n`, { mode: 0o600 })
    const command = gatehouse(['serve', '-c', file], { PASSWORD: 'secret' })
    const clients = await Promise.all(
      [1, 2, 3].map(async () => await connect(`${await command.url()}/amqp`, 'joe', 'welcome')),
    )

    command.signal('SIGTERM')
    await command.event('gateway-draining')
    command.signal('SIGTERM')

    assert.deepEqual(await command.exit(), { code: 0, signal: null })
    await Promise.all(clients.map(({ closed }) => closed))
  })

  it('stops at a signal that comes before it has started', async () => {
    const command = gatehouse(['serve', ...NO_BROKER, ...USER, '--port', '0'])
    await until(() => command.stderr.includes('warning'), 'the warning', 30_000)
    command.signal('SIGTERM')
    assert.deepEqual(await command.exit(), { code: 0, signal: null })
  })

  it('exits with 1 and names the address that is taken', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const command = gatehouse(['serve', ...NO_BROKER, ...USER, '--port', String(port)])
    assert.equal((await command.exit()).code, 1)
    assert.match(command.stderr, new RegExp(`gatehouse: listen EADDRINUSE.*127\\.0\\.0\\.1:${port}`))
    server.close()
  })

  it('exits with 78 for a wrong configuration, before anything listens', async () => {
    const file = join(folder, 'wrong.yaml')
    writeFileSync(file, 'listen: { prt: 0 }\n', { mode: 0o600 })
    const command = gatehouse(['serve', '-c', file])
    assert.equal((await command.exit()).code, 78)
    assert.equal(command.stdout, '')
    assert.match(command.stderr, /wrong\.yaml:1:11: listen\.prt: unknown key; did you mean "port"\?/)
  })

  it('exits with 78 for a configuration that everybody may write to', async () => {
    const file = join(folder, 'open.yaml')
    writeFileSync(file, configuration('amqp://127.0.0.1:1'))
    chmodSync(file, 0o666)
    const command = gatehouse(['serve', '-c', file], { PASSWORD: 'secret' })
    assert.equal((await command.exit()).code, 78)
    assert.match(command.stderr, /everybody may write/)
  })
})

describe('gatehouse', () => {
  it('exits with 64 for a wrong command line', async () => {
    const command = gatehouse(['serv'])
    assert.equal((await command.exit()).code, 64)
    assert.match(command.stderr, /did you mean "serve"\?/)
  })

  it('takes a password from a pipe that stays open', async () => {
    const command = gatehouse(['hash-password'])
    command.stdin.write('welcome\n')
    assert.equal((await command.exit()).code, 0)
    assert.match(command.stdout, /^\$scrypt\$\S+\n$/)
    assert.equal(command.stderr, '')
  })

  it('is not hurt by a reader who leaves early', async () => {
    const command = gatehouse(['schema'])
    command.closeStdout()
    assert.equal((await command.exit()).code, 0)
    assert.equal(command.stderr, '')
  })
})

function configuration(brokerUrl: string): string {
  return `listen: { port: 0 }
brokers:
  main:
    urls: ["${brokerUrl}"]
    credentials: { webuser: { username: webuser, password: { env: PASSWORD } } }
authenticators: { staff: { type: basic, users: users.yaml } }
services:
  - { path: /amqp, broker: main, vhost: /, authenticate: staff, promote: [{ to: webuser }] }
`
}
