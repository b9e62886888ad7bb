/**
 * PROXY protocol v2 towards a RabbitMQ that wants it, over TCP and TLS: its connection list shows the client's address,
 * which the gateway takes from X-Forwarded-For of a trusted proxy, and from nobody else.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { BrokerConnection } from '../../src/demo/management.ts'
import type { TestBroker } from '../support/broker.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { privateBroker } from '../support/live-gateway.ts'
import { type PromotionGateway, startPromotionGateway } from '../support/promotion-gateway.ts'
import { startTap, type Tap } from '../support/tap.ts'
import { until } from '../support/until.ts'

let certificates: Certificates
let broker: TestBroker
let tap: Tap
let gateway: PromotionGateway
let distrustful: PromotionGateway

before(async () => {
  certificates = await createCertificates()
  const { authority, server } = certificates
  broker = await privateBroker({
    proxyProtocol: true,
    tls: { ca: authority.caFile, cert: server.certFile, key: server.keyFile },
  })
  tap = await startTap(broker)
  const webuser = await broker.user('webuser')
  const credentials = { webuser }
  const options = {
    brokers: {
      main: { urls: [tap.url], proxyProtocol: true, credentials },
      tls: {
        urls: [`amqps://localhost:${broker.rabbit.tlsPort}`],
        tls: { ca: authority.caFile },
        proxyProtocol: true,
        credentials,
      },
      without: { urls: [broker.url], credentials },
    },
    service: { vhost: broker.vhost, promote: [{ to: 'webuser' }] },
    moreServices: ['tls', 'without'].map((name) => ({
      path: `/${name}`,
      broker: name,
      vhost: broker.vhost,
      authenticate: ['sso'],
      promote: [{ to: 'webuser' }],
      limits: { handshake: '3s' },
    })),
  }
  gateway = await startPromotionGateway({ ...options, listen: { trustedProxies: ['127.0.0.0/8'] } })
  distrustful = await startPromotionGateway(options)
})

after(async () => {
  await gateway?.stop()
  await distrustful?.stop()
  await tap?.close()
  await broker?.stop()
  await certificates?.remove()
})

/** The broker's row of a subject's connection, with all details. */
async function rowOf(subject: string): Promise<BrokerConnection> {
  const has = ({ client_properties: properties, peer_host: host }: BrokerConnection) =>
    (properties?.['gatehouse'] as { subject?: string } | undefined)?.subject === subject && host !== undefined
  return until(async () => (await broker.connections()).find(has), `the connection of ${subject}`)
}

const from = (address: string) => ({ websocket: { headers: { 'x-forwarded-for': address } } })

describe('PROXY protocol', { concurrency: true }, () => {
  for (const [what, forwarded, address, path] of [
    ['an IPv4 client', '198.51.100.4, 203.0.113.7', '203.0.113.7', '/amqp'],
    ['an IPv6 client', '2001:db8::7', '2001:db8::7', '/amqp'],
    ['a client in front of TLS', '203.0.113.8', '203.0.113.8', '/tls'],
  ] as const) {
    it(`shows the broker the address of ${what}`, async () => {
      const subject = `client-${path.slice(1)}-${address.replaceAll(/[.:]/g, '-')}`
      const { connection } = await gateway.connect({ sub: subject }, from(forwarded), path)

      const row = await rowOf(subject)

      assert.equal(row.peer_host, address)
      assert.match(row.name, new RegExp(`^(\\[?)${address.replaceAll('.', '\\.')}`))
      const table = row.client_properties?.['gatehouse'] as { address?: string } | undefined
      assert.equal(table?.address, address)
      assert.ok(String(row.client_properties?.['connection_name']).startsWith(`${subject} ${address} → `))
      await connection.close()
    })
  }

  it('shows it in rabbitmqctl list_connections too', async () => {
    const { connection } = await gateway.connect({ sub: 'ann' }, from('203.0.113.9'))
    await rowOf('ann')
    const listed = await broker.rabbit.ctl('list_connections', 'peer_host', 'user', 'client_properties')
    const line = listed.split('\n').find((row) => row.includes('203.0.113.9')) ?? ''
    assert.match(line, /^203\.0\.113\.9\twebuser-\w+\t/)
    assert.match(line, /"gatehouse",\[\{"subject","ann"\}/)
    // Of a text that is not all ASCII, rabbitmqctl prints the characters' numbers.
    const [, numbers = ''] = /"connection_name",\[([\d,]+)\]/.exec(line) ?? []
    assert.match(String.fromCodePoint(...numbers.split(',').map(Number)), /^ann 203\.0\.113\.9 → webuser-\w+$/)
    await connection.close()
  })

  it('is the very first thing sent, in its binary form', async () => {
    const { connection } = await gateway.connect({}, from('203.0.113.77'))
    const all = tap.connections.map(({ fromClient }) => fromClient)
    const sent = all.find((bytes) => bytes[19] === 77) ?? Buffer.alloc(0)
    assert.equal(sent.subarray(0, 16).toString('hex'), '0d0a0d0a000d0a515549540a2111000c')
    assert.deepEqual([...sent.subarray(16, 20)], [203, 0, 113, 77])
    assert.equal(sent.subarray(28, 36).toString('latin1'), 'AMQP\0\0\x09\x01')
    await connection.close()
  })

  for (const [what, forged] of [
    ['the loopback address', '127.0.0.1'],
    ['the loopback address in IPv6', '::1'],
    ['the loopback address in disguise', '::ffff:127.0.0.1'],
    ['no address at all', 'PROXY UNKNOWN'],
  ] as const) {
    it(`never passes on ${what}: a broker trusts who seems to come from there`, async () => {
      const subject = `forger-${Buffer.from(forged).toString('hex')}`
      const { connection } = await gateway.connect({ sub: subject }, from(forged))
      const { peer_host: host = '' } = await rowOf(subject)
      assert.match(host, /^127\.0\.0\.1$/, 'the address of the gateway itself')
      await connection.close()
    })
  }

  it('believes no X-Forwarded-For of a peer that is no trusted proxy', async () => {
    const { connection } = await distrustful.connect({ sub: 'mallory' }, from('203.0.113.66'))
    const row = await rowOf('mallory')
    assert.equal(row.peer_host, '127.0.0.1')
    await connection.close()
  })

  it('that the broker wants and the gateway does not send, is told to the operator', async () => {
    const at = gateway.lines.length
    const { code, closeCode } = await gateway.outcome({}, '/without')
    assert.deepEqual([code, closeCode], [541, 1013])
    const line = await gateway.line('session-ended', ({ service }) => service === '/without', at)
    assert.match(String(line['cause']), /hung-up|timeout/)
    assert.ok(line['remedy'] !== undefined)
  })
})
