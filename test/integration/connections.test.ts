/**
 * What anybody can do to a gateway's listeners before saying who they are, with the deadlines and limits as they are: the
 * gateway has a process of its own, with few descriptors and little memory, and somebody else has a session there.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import { hashPassword } from '../../auth/index.ts'
import type { ConfigInput } from '../../src/index.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { type FakeBroker, startFakeBroker } from '../support/fake-broker.ts'
import { Flooder } from '../support/flooder.ts'
import { type MeasuredGateway, startMeasuredGateway } from '../support/measured-gateway.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { until } from '../support/until.ts'

const AUTHORIZATION = `Basic ${Buffer.from('joe.smith:welcome').toString('base64')}`
const MIB = 1024 * 1024

describe('a gateway whose clients do not finish what they begin', () => {
  let broker: FakeBroker
  let certificates: Certificates
  let gateway: MeasuredGateway | undefined

  before(async () => {
    broker = await startFakeBroker()
    certificates = await createCertificates()
  })
  // Also that of a test that failed.
  afterEach(() => gateway?.stop())
  after(async () => {
    await broker.close()
    await certificates.remove()
  })

  async function config(listen: ConfigInput['listen']): Promise<ConfigInput> {
    return {
      listen,
      admin: { host: '127.0.0.1', port: 0 },
      brokers: { main: { urls: [broker.url] } },
      authenticators: { staff: { type: 'basic', users: { 'joe.smith': { password: await hashPassword('welcome') } } } },
      services: [
        {
          path: '/amqp',
          broker: 'main',
          vhost: '/',
          authenticate: ['staff'],
          promote: [{ to: { username: 'smithj', password: 'welcome' } }],
        },
      ],
    }
  }

  it('D1 has its descriptors back when the deadline of TLS handshakes has passed', { timeout: 60_000 }, async () => {
    const { server, authority } = certificates
    const tls = { cert: server.certFile, key: server.keyFile }
    gateway = await startMeasuredGateway(await config({ host: '127.0.0.1', port: 0, tls }), { descriptors: 256 })
    const port = Number(new URL(gateway.url).port)
    const { descriptors } = await gateway.measure()
    const hello = Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), Buffer.alloc(100)])
    const startedMs = performance.now()
    const idle = Array.from({ length: 180 }, (_, n) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined)
      if (n % 3 > 0) socket.write(hello)
      if (n % 3 > 1) socket.end()
      return socket
    })
    await until(async () => ((await gateway?.measure())?.descriptors ?? 0) > descriptors + 100, 'the flood')
    await until(
      async () => ((await gateway?.measure())?.descriptors ?? 256) <= descriptors + 2,
      'the end of it',
      20_000,
    )
    assert.ok(performance.now() - startedMs < 15_000)
    const peer = (await RawPeer.connect(port, authority.ca)).reads().write('GET /amqp HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => peer.statuses[0] === '426', 'an answer')
    const counters = await gateway.counters()
    assert.ok((counters.get('gatehouse_connections_dropped_total{cause="tls-timeout"}') ?? 0) >= 120)
    for (const socket of [...idle, peer.socket]) socket.destroy()
    await gateway.stop()
  })

  for (const which of ['public', 'admin'] as const) {
    it(`D2 lives on, and others too, while answers pile up that nobody reads (${which})`, {
      timeout: 90_000,
    }, async (t) => {
      gateway = await startMeasuredGateway(await config({ host: '127.0.0.1', port: 0 }), { heapMib: 128 })
      const target = { url: gateway.url, authorization: AUTHORIZATION }
      const session = await Flooder.session(target)
      const flooded = new URL(which === 'public' ? gateway.url : gateway.adminUrl)
      const { residentBytes, descriptors } = await gateway.measure()
      gateway.forgetPeak()
      const requests = 'GET /nope HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(24_000)
      const peers = await Promise.all(Array.from({ length: 40 }, () => RawPeer.connect(Number(flooded.port))))
      t.after(() => {
        for (const { socket } of [...peers, session]) socket.destroy()
      })
      for (const peer of peers) peer.write(requests)
      const refused = async () =>
        (await gateway?.counters())?.get('gatehouse_refusals_total{cause="too-many-requests"}')
      await until(async () => (await refused()) === peers.length, 'the end of their patience', 40_000)
      // Nobody reads: only the gateway can say that they are gone.
      await until(
        async () => ((await gateway?.measure())?.descriptors ?? 0) <= descriptors + 2,
        'the end of them',
        40_000,
      )
      assert.ok(gateway.peakBytes() - residentBytes < 64 * MIB, `${(gateway.peakBytes() - residentBytes) / MIB} MiB`)
      const { longestOwnDelayMs } = await gateway.measure()
      assert.ok(longestOwnDelayMs < 500, `${longestOwnDelayMs} ms`)
      assert.equal(session.isOpen, true)
      assert.equal((await fetch(`${gateway.adminUrl}/health/live`)).ok, true)
      assert.equal(await refused(), peers.length)
    })
  }
})
