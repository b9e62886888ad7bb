/** The ways to the admin listener: over TLS, with a client certificate, through a proxy; and what a reload does to them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hashPassword } from '../../auth/index.ts'
import { loadConfig } from '../../src/config/reading/load.ts'
import { startGateway } from '../../src/index.ts'
import { connectAmqplib, HandshakeRefused } from '../support/amqplib-over-websocket.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { basic, type Door, ORIGIN, PASSWORD } from '../support/door.ts'
import { ADMIN, call, startManaged } from '../support/managed.ts'

let certificates: Certificates
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-admin-ways-'))
before(async () => {
  certificates = await createCertificates()
})
after(async () => {
  await certificates.remove()
  rmSync(folder, { recursive: true, force: true })
})

/** A request over TLS. */
async function ask(door: Door, path: string, options: RequestOptions = {}) {
  const { port = 0 } = door.gateway.adminAddress ?? {}
  const request = httpsRequest({ host: '127.0.0.1', port, path, ca: certificates.authority.ca, ...options })
  request.end(options.method === 'POST' ? '{ "match": { "subject": "nobody" } }' : undefined)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of response) body += String(chunk)
  return { status: response.statusCode, body }
}

describe('the admin listener over TLS', () => {
  it('takes client certificates, and pages of its own https origin', async (t) => {
    const { authority, server, client } = certificates
    const tls = { cert: server.certFile, key: server.keyFile, clientCertificates: { ca: authority.caFile } }
    const door = await startManaged(t, {
      admin: {
        ...ADMIN,
        tls,
        authenticate: ['badge', 'ops'],
        roles: { operator: { authenticator: 'badge' }, viewer: { role: 'gate-viewer' } },
      },
      authenticators: { badge: { type: 'clientCertificate', subject: 'email' } },
    })
    const { url = '', port } = door.gateway.adminAddress ?? {}
    assert.match(url, /^https:/)
    assert.equal((await ask(door, '/api/v1/overview')).status, 401)
    assert.equal((await ask(door, '/health/live')).status, 200)
    const badge = { cert: client.cert, key: client.key }
    assert.equal((await ask(door, '/api/v1/overview', badge)).status, 200)
    const kick = { method: 'POST', ...badge }
    const from = (origin: string) => ({ ...kick, headers: { origin } })
    assert.equal((await ask(door, '/api/v1/kick', from(`https://127.0.0.1:${port}`))).status, 200)
    assert.equal((await ask(door, '/api/v1/kick', from(`http://127.0.0.1:${port}`))).status, 403)
    const viewer = { headers: { authorization: basic('viewer') } }
    assert.equal((await ask(door, '/api/v1/overview', viewer)).status, 200)
    const audited = await door.line('admin.kick', (line) => line['outcome'] === 'done')
    assert.deepEqual([audited['actor'], audited['role']], ['joe.smith@example.com', 'operator'])
  })
})

describe('the admin listener behind a proxy', () => {
  it('believes the proxies that it trusts, and knows that browsers speak TLS to it', async (t) => {
    const admin = {
      ...ADMIN,
      behindTls: true,
      trustedProxies: ['127.0.0.1'],
      hosts: ['console.example.net'],
      roles: { operator: { role: 'gate-operator', address: '203.0.113.0/24' } },
    }
    const door = await startManaged(t, { admin })
    const kick = { as: 'operator', body: { match: { subject: 'none' } } }
    const own = String(door.gateway.adminAddress?.url)
    const status = async (headers: Record<string, string>) =>
      (await call(door, 'POST /api/v1/kick', { ...kick, headers })).status
    assert.equal(await status({ 'x-forwarded-for': '203.0.113.7' }), 200)
    assert.equal(await status({ 'x-forwarded-for': '198.51.100.7' }), 403)
    assert.equal(await status({ 'x-forwarded-for': '203.0.113.7', origin: own.replace('http:', 'https:') }), 200)
    assert.equal(await status({ 'x-forwarded-for': '203.0.113.7', origin: own }), 403)
    const audited = await door.line('admin.kick', (line) => line['outcome'] === 'done')
    assert.equal(audited['actorAddress'], '203.0.113.7')
  })
})

describe('a reload through the API', () => {
  it('puts the file into force, takes roles away at once, and refuses a broken one', async (t) => {
    const file = join(folder, 'gatehouse.yaml')
    const password = await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 })
    const write = (administrator: string) =>
      writeFileSync(
        file,
        `listen: { port: 0 }
admin:
  port: 0
  authenticate: [ops]
  roles: { viewer: { subject: vera }, administrator: { subject: ${administrator} } }
brokers: { main: { urls: ["amqp://127.0.0.1:1"], credentials: { web: { username: web, password: secret } } } }
authenticators: { ops: { type: basic, users: { ann: { password: "${password}" }, bob: { password: "${password}" }, vera: { password: "${password}" } } } }
services: [{ path: /amqp, broker: main, vhost: /, authenticate: [ops], promote: [{ to: web }] }]
`,
        { mode: 0o600 },
      )
    write('ann')
    const gateway = await startGateway(loadConfig(file).config, { file, folder, logTo: { write: () => undefined } })
    t.after(() => gateway.close())
    const as = async (name: string, path: string, body?: unknown) => {
      const response = await fetch(`${gateway.adminAddress?.url}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: basic(name) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }
    const stream = await fetch(`${gateway.adminAddress?.url}/api/v1/events`, {
      headers: { authorization: basic('ann') },
    })
    write('bob')
    const { hash } = (await as('ann', '/api/v1/overview')).body
    assert.equal((await as('ann', '/api/v1/reload', { ifHash: 'another' })).status, 412)
    const dry = await as('ann', '/api/v1/reload', { dryRun: true, ifHash: hash })
    assert.deepEqual([dry.status, dry.body['changes'], dry.body['generation']], [200, ['admin'], 2])
    const done = await as('ann', '/api/v1/reload', {})
    assert.equal(done.status, 200, JSON.stringify(done.body))
    assert.deepEqual(done.body['sessions'], { kept: 0, changed: 0, ended: 0 })
    // The answer is there before the stream that the same person reads has ended.
    assert.match(await stream.text(), /event: ended\ndata: \{"detail":"you may not read this any more"\}\n\n$/)
    assert.equal((await as('ann', '/api/v1/overview')).status, 403)
    assert.equal((await as('bob', '/api/v1/overview')).body['generation'], 2)
    writeFileSync(file, 'listen: { port: x }\n')
    const broken = await as('bob', '/api/v1/reload', {})
    assert.equal(broken.status, 422)
    assert.match(String((broken.body['errors'] as string[])[0]), /gatehouse\.yaml:1:1: brokers: missing/)
    assert.equal((await as('bob', '/api/v1/overview')).body['generation'], 2)
  })
})

describe('a client that comes back', () => {
  it('reads in band that it is held (1013) or blocked (4403)', async (t) => {
    const door = await startManaged(t)
    const enter = () =>
      connectAmqplib(door.url(), { websocket: { headers: { authorization: basic() }, origin: ORIGIN } })
    const refusedWith = async (code: number, text: RegExp) =>
      await assert.rejects(enter(), (error: unknown) => {
        assert.ok(error instanceof HandshakeRefused, String(error))
        assert.equal(error.close?.code, code)
        assert.match(error.message, text)
        return true
      })
    const client = await enter()
    client.connection.on('error', () => undefined)
    const operator = { as: 'operator' }
    await call(door, 'POST /api/v1/kick', { ...operator, body: { match: { subject: 'joe.smith' }, hold: '1h' } })
    assert.equal((await client.closed).code, 1012)
    await refusedWith(1013, /your sessions were ended/)
    const body = { subject: 'joe.smith', for: '1m', reason: 'a test' }
    await call(door, 'PUT /api/v1/blocks', { ...operator, body })
    await refusedWith(4403, /this login is blocked/)
  })
})
