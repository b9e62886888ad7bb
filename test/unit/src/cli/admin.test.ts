/** What the commands that ask a running gateway send, and how they show what they get. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { age, bytes, table } from '../../../../src/cli/admin/table.ts'
import { configFiles } from '../../../support/config-files.ts'
import { runCommand } from '../../../support/terminal.ts'

interface Asked {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
  readonly body: string
}

/** Answers every request with the same, and keeps them. */
async function api(t: TestContext, body: unknown, status = 200, type = 'application/json') {
  const asked: Asked[] = []
  const read = async (request: IncomingMessage): Promise<void> => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const { method = '', url = '', headers } = request
    asked.push({ method, url, authorization: headers.authorization, body: text })
  }
  const server = createServer((request, response) => {
    read(request).then(
      () => response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body)),
      () => response.destroy(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { asked, port: (server.address() as AddressInfo).port }
}

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

describe('who asks', () => {
  it('types a password once and unseen, or has it in GATEHOUSE_PASSWORD', async (t) => {
    const { asked, port } = await api(t, { items: [] })
    const where = ['--admin', `http://127.0.0.1:${port}`, '--user', 'ann']
    const typed = await runCommand(['blocks', ...where], { typed: ['wel', 'come\r'] })
    assert.deepEqual([typed.code, typed.stderr], [0, 'Password: \n'])
    const set = await runCommand(['blocks', ...where], { env: { GATEHOUSE_PASSWORD: 'pw:ä' } })
    assert.equal(set.code, 0)
    assert.deepEqual(
      asked.map(({ authorization }) => authorization),
      [basic('ann:welcome'), basic('ann:pw:ä')],
    )
  })

  it('is either a user or a token', async () => {
    const both = ['blocks', '--admin', 'http://127.0.0.1:8081', '--user', 'ann', '--token-file', 'none']
    assert.equal((await runCommand(both)).code, 64)
    const colon = ['blocks', '--admin', 'http://127.0.0.1:8081', '--user', 'a:b']
    assert.match((await runCommand(colon)).stderr, /without a colon/)
  })
})

describe('which gateway', () => {
  it('is read from the configuration', async (t) => {
    const { asked, port } = await api(t, { items: [] })
    const file = join(configFiles(), 'admin.yaml')
    const config = (admin: string) =>
      writeFileSync(
        file,
        `${admin}\nlisten: [{ port: 8080 }]\nbrokers: { main: { urls: [amqp://127.0.0.1:5672], credentials: { u: { username: u, password: { env: PW } } } } }\n` +
          'authenticators: { staff: { type: jwt, issuer: https://idp.example.com, audience: a, jwksUri: https://idp.example.com/keys } }\n' +
          'services: [{ path: /amqp, broker: main, vhost: /, authenticate: [staff], promote: [{ to: u }] }]\n',
      )
    config(`admin: { host: 0.0.0.0, port: ${port} }`)
    const found = await runCommand(['blocks', '-c', file])
    assert.equal(found.code, 0, found.stderr)
    assert.equal(asked[0]?.url, '/api/v1/blocks')
    config('admin: { port: 0 }')
    assert.match((await runCommand(['blocks', '-c', file])).stderr, /another port at each start: give --admin/)
    config('')
    assert.match((await runCommand(['blocks', '-c', file])).stderr, /it has no `admin`/)
  })

  it('is no other server', async (t) => {
    const { port } = await api(t, 'hello', 200, 'text/html')
    const { code, stderr } = await runCommand(['blocks', '--admin', `http://127.0.0.1:${port}`])
    assert.deepEqual([code, stderr], [1, `gatehouse: 127.0.0.1:${port} answers, but no Gatehouse: status 200\n`])
  })
})

describe('what is asked', () => {
  it('is what the flags say', async (t) => {
    const { asked, port } = await api(t, { matched: 3, ended: 0, notReached: [] })
    const run = async (...args: string[]) => await runCommand([...args, '--admin', `http://127.0.0.1:${port}/`])
    await run('kick', '--subject', 'a', '--subject', 'b', '--broker-user', 'u', '--hold', '0s', '--per-second', '5')
    const dry = await run('block', 'joe', '--issuer', 'staff', '--dry-run')
    await run('drain', '--over', '10s', '--lame-duck', '5s')
    await run('undrain')
    assert.equal(dry.stdout, '3 sessions would end\n')
    assert.deepEqual(
      asked.map(({ method, url, body }) => [method, url, body === '' ? undefined : (JSON.parse(body) as unknown)]),
      [
        ['POST', '/api/v1/kick', { match: { subject: ['a', 'b'], user: ['u'] }, hold: '0s', perSecond: 5 }],
        ['POST', '/api/v1/kick', { match: { subject: 'joe', issuer: 'staff' }, dryRun: true }],
        ['POST', '/api/v1/drain', { over: '10s', lameDuck: '5s' }],
        ['DELETE', '/api/v1/drain', undefined],
      ],
    )
  })
})

describe('tables', () => {
  it('show nothing that moves a cursor', () => {
    assert.deepEqual(
      table(
        ['A', 'BB'],
        [
          ['x\u001b[2J', null],
          [['p', 'q'], { a: 1 }],
        ],
      ),
      ['A      BB', 'x?[2J  -', 'p,q    {"a":1}'],
    )
  })

  it('show sizes and ages as people say them', () => {
    assert.deepEqual([0, 1023, 1536, 5 * 1024 ** 3].map(bytes), ['0 B', '1023 B', '1.5 KiB', '5.0 GiB'])
    const now = Date.parse('2026-01-03T00:00:00Z')
    const ages = ['2026-01-02T23:59:00Z', '2026-01-02T23:00:00Z', '2026-01-02T12:00:00Z', '2026-01-01T00:00:00Z']
    assert.deepEqual(
      ages.map((at) => age(at, now)),
      ['60s', '60m', '12h', '2d'],
    )
  })
})

describe('gatehouse top --people', () => {
  it('shows what people carry, and the limit of which they use most', async (t) => {
    const rates = { bytesFromClient: 2048, bytesToClient: 0, messagesFromClient: 1, messagesToClient: 0 }
    const limits = {
      channels: { used: 3, of: 100 },
      consumers: { used: 9, of: 10 },
      bytesPerSecond: { used: null, of: 1 },
    }
    const person = { subject: 'joe', issuer: 'staff', service: '/amqp', sessions: 2, rates, limits }
    const all = { ...rates, opened: 0, ended: 0, refused: 0 }
    const overview = {
      name: 'here',
      version: '1',
      generation: 1,
      hash: 'abc',
      draining: false,
      audit: null,
      sessions: 2,
      rates: all,
      replicas: null,
      notReached: [],
    }
    const { port, asked } = await api(t, { ...overview, services: [], brokers: [], total: 1, items: [person] })
    const where = ['--admin', `http://127.0.0.1:${port}`, '--user', 'ann']
    const env = { GATEHOUSE_PASSWORD: 'x' }
    const { code, stdout } = await runCommand(['top', '--people', '--every', '500ms', '--times', '1', ...where], {
      env,
    })
    assert.equal(code, 0)
    assert.match(stdout, /^joe +\/amqp +2 +2\.0 KiB\/s +0 B\/s +consumers 9 of 10$/m)
    assert.deepEqual(
      asked.map(({ url }) => url),
      ['/api/v1/identities', '/api/v1/identities', '/api/v1/overview'],
    )
  })
})

describe('gatehouse status', () => {
  it('says that nothing can be recorded', async (t) => {
    const none = { services: [], brokers: [], replicas: [], notReached: [] }
    const overview = { ...none, name: 'here', version: '1', generation: 1, hash: 'abc', rates: {}, sessions: 0 }
    const status = async (audit: string | null): Promise<string> => {
      const { port } = await api(t, { ...overview, audit })
      const where = ['--admin', `http://127.0.0.1:${port}`, '--user', 'ann']
      return (await runCommand(['status', ...where], { env: { GATEHOUSE_PASSWORD: 'x' } })).stdout
    }
    assert.match(await status('failing'), /^audit: FAILING, nothing can be recorded: .+ refuse everybody$/m)
    const quiet = await status(null)
    assert.match(quiet, /^here: gatehouse 1/)
    assert.doesNotMatch(quiet, /audit/)
  })
})
