/**
 * What the gateway leans on is away while people log in: a directory that hangs, then one that is gone; a provider that does
 * not answer about tokens; an entitlement service. New people are refused with 503 in bounded time, those who are there go on,
 * and all is as before within seconds. `npm run test:outages` does it for a minute, and for five at the entitlement service.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Gateway, startGateway } from '../../src/index.ts'
import { UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { type TestBroker, testBroker } from '../support/broker.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import type { LogLine } from '../support/door.ts'
import { startPermissionGateway } from '../support/permission-gateway.ts'
import { Pressure } from '../support/pressure.ts'
import { RawClient } from '../support/raw-client.ts'
import { SERVICE_DN, SERVICE_PASSWORD, type Slapd, startSlapd } from '../support/slapd.ts'
import { until } from '../support/until.ts'

const OUTAGE_MS = Number(process.env['OUTAGE_SECONDS'] ?? 2) * 1000
const STALE_SECONDS = Number(process.env['STALE_SECONDS'] ?? 3)
/** A directory has 5 s for a connection and 5 s for an answer, a provider 4 s. */
const LONGEST_MS = 20_000
/** As many as there can be new people in all outages. */
const PEOPLE_COUNT = 400 + OUTAGE_MS / 40

const uidOf = (n: number) => `person${n}`
const LDIF = [
  'dn: dc=example\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example',
  `dn: ${SERVICE_DN}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: gateway\nuserPassword: ${SERVICE_PASSWORD}`,
  ...['joe', ...Array.from({ length: PEOPLE_COUNT }, (_, n) => uidOf(n))].map(
    (uid) =>
      `dn: uid=${uid},dc=example\nobjectClass: inetOrgPerson\nuid: ${uid}\ncn: ${uid}\nsn: ${uid}\nuserPassword: welcome`,
  ),
].join('\n\n')

/** About every token but those that begin with `no`; or not at all. */
let isProviderAway = false
const provider = createServer((request, response) => {
  let form = ''
  request.on('data', (chunk) => {
    form += String(chunk)
  })
  request.on('end', () => {
    if (isProviderAway) return
    const token = new URLSearchParams(form).get('token') ?? ''
    const exp = Math.floor(Date.now() / 1000) + 7200
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ active: !token.startsWith('no'), sub: token, aud: 'amqp', exp }))
  })
})

describe('people and tokens', () => {
  let slapd: Slapd
  let certificates: Certificates
  let broker: TestBroker
  let gateway: Gateway
  const lines: LogLine[] = []
  let next = 0

  before(async () => {
    certificates = await createCertificates()
    const { certFile: cert, keyFile: key } = certificates.server
    slapd = await startSlapd(`${LDIF}\n`, { ca: certificates.authority.caFile, cert, key })
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
    broker = await testBroker()
    const webuser = await broker.user('webuser')
    const service = { broker: 'main', vhost: broker.vhost, promote: [{ to: 'webuser' }] }
    gateway = await startGateway(
      {
        listen: { host: '127.0.0.1', port: 0 },
        brokers: { main: { urls: [broker.url], credentials: { webuser } } },
        authenticators: {
          directory: {
            type: 'ldap',
            url: slapd.url,
            bind: { dn: SERVICE_DN, password: SERVICE_PASSWORD },
            users: { base: 'dc=example', filter: '(uid={user})' },
            recheck: '1s',
          },
          opaque: {
            type: 'introspection',
            url: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/introspect`,
            clientId: 'gatehouse',
            clientSecret: 'of-the-gateway',
            audience: 'amqp',
            recheck: '1s',
          },
          tickets: { type: 'ticket' },
        },
        services: [
          { path: '/people', authenticate: ['directory', 'tickets'], ...service },
          { path: '/tokens', authenticate: ['opaque', 'tickets'], ...service },
        ],
        drain: '0s',
      },
      { logTo: { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) } },
    )
  })

  after(async () => {
    await gateway.close()
    await broker.stop()
    await slapd.stop()
    await certificates.remove()
    provider.closeAllConnections()
    provider.close()
  })

  const basic = (uid: string) => `Basic ${Buffer.from(`${uid}:welcome`).toString('base64')}`

  /** Of a ticket for somebody who never came before. */
  async function statusFor(service: '/people' | '/tokens', authorization = newcomer(service)): Promise<number> {
    const url = `http://127.0.0.1:${gateway.addresses[0]?.port}/auth/ticket?service=${service}`
    const answer = await fetch(url, { method: 'POST', headers: { authorization } })
    await answer.arrayBuffer()
    return answer.status
  }

  function newcomer(service: '/people' | '/tokens'): string {
    const uid = uidOf(next++)
    return service === '/people' ? basic(uid) : `Bearer ${uid}`
  }

  async function connect(path: string, authorization: string): Promise<RawClient> {
    return await RawClient.overWebSocket(`${gateway.addresses[0]?.url}${path}`, { authorization })
  }

  /** Takes it away and brings it back, while people log in and one of them is there. */
  async function outage(
    t: TestContext,
    service: '/people' | '/tokens',
    joe: string,
    { away, back }: { readonly away: () => unknown; readonly back: () => unknown },
  ): Promise<void> {
    const client = await connect(service, joe)
    t.after(() => client.close())
    assert.equal(await statusFor(service), 200)
    const failedBefore = lines.filter(({ event }) => event === 'recheck-failed').length
    await away()
    const pressure = new Pressure(() => statusFor(service))
    await pause(OUTAGE_MS)
    await until(
      () => lines.filter(({ event }) => event === 'recheck-failed').length > failedBefore,
      'a failed look',
      30_000,
    )
    await pressure.end()
    t.diagnostic(`${service} away for ${OUTAGE_MS / 1000} s: ${pressure.toString()}`)
    // 429: enough questions are under way already, and Retry-After says when to come again.
    assert.ok(pressure.statuses.includes(503))
    assert.ok(
      pressure.statuses.every((status) => status === 503 || status === 429),
      pressure.toString(),
    )
    assert.ok(pressure.longestMs < LONGEST_MS, pressure.toString())
    await client.openChannel(2)

    const startedMs = performance.now()
    await back()
    await until(async () => (await statusFor(service)) === 200, 'somebody new', 30_000)
    t.diagnostic(`${service} is back after ${Math.round(performance.now() - startedMs)} ms`)
    await client.openChannel(3)
    assert.equal(client.isClosed, false)
  }

  it('of a directory that hangs', (t) =>
    outage(t, '/people', basic('joe'), { away: () => slapd.freeze(), back: () => slapd.thaw() }))

  it('of a directory that is gone', (t) =>
    outage(t, '/people', basic('joe'), { away: () => slapd.halt(), back: () => slapd.restart() }))

  it('of a provider that does not answer', async (t) => {
    const away = () => {
      isProviderAway = true
    }
    const back = () => {
      isProviderAway = false
    }
    await outage(t, '/tokens', 'Bearer joe', { away, back })
    assert.equal(await statusFor('/tokens', 'Bearer nobody'), 401)
  })
})

describe('an entitlement service', () => {
  const REFRESH_SECONDS = 1

  it('B50 may be away for less than staleFor; beyond it sessions end with 1013', async (t) => {
    let isAway = false
    const service = createServer((_request, response) => {
      if (isAway) response.destroy()
      else response.end(JSON.stringify({ allow: true, permissions: { read: [{ queue: 'desk' }] } }))
    })
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/`
    const entitlements = { url, timeout: '10s', refresh: `${REFRESH_SECONDS}s`, staleFor: `${STALE_SECONDS}s` }
    const live = await startPermissionGateway({ '/amqp': { entitlements, permissions: [] } })
    t.after(async () => {
      await live.stop()
      service.closeAllConnections()
      service.close()
    })
    const people = await Promise.all(Array.from({ length: 20 }, (_, n) => live.connect(uidOf(n))))
    const newcomer = (n: number) =>
      live.connect(`newcomer${n}`).then(
        (client) => {
          client.close()
          return 200
        },
        (error: unknown) => (error instanceof UpgradeRefused ? error.status : 0),
      )
    const endedCount = () => live.events('session-ended').filter(({ reason }) => reason === 'entitlement-ended').length

    isAway = true
    const short = new Pressure(newcomer)
    await pause((STALE_SECONDS * 1000) / 2)
    await short.end()
    isAway = false
    t.diagnostic(`away for half of staleFor: ${short.toString()}`)
    assert.deepEqual([short.statuses, endedCount()], [[503], 0])
    await until(async () => (await newcomer(-1)) === 200, 'somebody new', 30_000)
    await pause((REFRESH_SECONDS + 1) * 1000)

    isAway = true
    const awayAtMs = performance.now()
    const long = new Pressure(newcomer)
    await until(() => endedCount() > 0, 'the first end', STALE_SECONDS * 1000 + 30_000)
    const firstMs = performance.now() - awayAtMs
    await until(() => endedCount() === people.length, 'the end of all', 30_000)
    await long.end()
    t.diagnostic(
      `away for longer: the first of ${people.length} sessions ended after ${Math.round(firstMs)} ms; ${long.toString()}`,
    )
    // It counts from the first question that has no answer.
    assert.ok(firstMs >= STALE_SECONDS * 1000, `${firstMs} ms`)
    assert.ok(firstMs < (STALE_SECONDS + REFRESH_SECONDS) * 1000 + LONGEST_MS, `${firstMs} ms`)
    assert.deepEqual(long.statuses, [503])
    assert.ok(
      live
        .events('session-ended')
        .every(({ reason, closeCode }) => reason !== 'entitlement-ended' || closeCode === 1013),
    )
    isAway = false
    await until(async () => (await newcomer(-2)) === 200, 'somebody new', 30_000)
  })
})
