/**
 * TLS towards the broker: EXTERNAL with a client certificate against a real RabbitMQ, several URLs in turn, and brokers
 * whose certificate is not what it should be. What was decrypted and what went over the wire is recorded: the
 * credential is shown to nobody who has not proven to be the broker.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createServer, type Server, type TlsOptions } from 'node:tls'
import type { TestBroker } from '../support/broker.ts'
import { type Certificate, type Certificates, createCertificates } from '../support/certificates.ts'
import { privateBroker } from '../support/live-gateway.ts'
import { type PromotionGateway, startPromotionGateway } from '../support/promotion-gateway.ts'
import { startTap, type Tap } from '../support/tap.ts'
import { until } from '../support/until.ts'

const AWAY = { code: 541, closeCode: 1013, text: 'INTERNAL_ERROR - the broker is not available' }
const PASSWORD = 'CANARY-password-of-webuser'

/** Ends TLS with a certificate of the test's choice in front of the broker, and keeps what it decrypted. */
class Front {
  readonly decrypted: Buffer[] = []
  readonly #server: Server
  tap!: Tap

  constructor({ cert, key }: Certificate, target: { host: string; port: number }, options: TlsOptions = {}) {
    this.#server = createServer({ ...options, cert, key }, (socket) => {
      const onward = connect(target.port, target.host)
      socket.on('data', (chunk: Buffer) => this.decrypted.push(chunk))
      for (const end of [socket, onward]) end.on('error', () => undefined)
      socket.pipe(onward).pipe(socket)
      socket.on('close', () => onward.destroy())
    })
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    assert.ok(address !== null && typeof address === 'object')
    this.tap = await startTap({ host: '127.0.0.1', port: address.port })
    return this
  }

  /** Everything that anybody could have read. */
  get seen(): Buffer {
    return Buffer.concat([...this.decrypted, ...this.tap.connections.map(({ fromClient }) => fromClient)])
  }

  async stop(): Promise<void> {
    await this.tap.close()
    this.#server.close()
  }
}

let certificates: Certificates
let broker: TestBroker
let plain: Tap
let gateway: PromotionGateway
const fronts: Record<string, Front> = {}

before(async () => {
  certificates = await createCertificates()
  const { authority, server, foreign } = certificates
  const day = (offset: number) => new Date(Date.now() + offset * 86_400_000)
  const host = { commonName: 'localhost', names: ['localhost', '127.0.0.1'], usage: 'server' } as const
  broker = await privateBroker({
    plugins: ['rabbitmq_auth_mechanism_ssl'],
    tls: { ca: authority.caFile, cert: server.certFile, key: server.keyFile, clients: 'optional' },
    config: ['auth_mechanisms.1 = PLAIN', 'auth_mechanisms.2 = EXTERNAL', 'ssl_cert_login_from = common_name'],
  })
  const { management, tlsPort = 0 } = broker.rabbit
  const webuser = await broker.user('webuser', { password: PASSWORD })
  await management.addUser('joe.smith', 'nobody knows it')
  await management.permit('joe.smith', broker.vhost)

  const shown: Record<string, Certificate> = {
    good: server,
    expired: await authority.issue({ ...host, notBefore: day(-9), notAfter: day(-1) }),
    future: await authority.issue({ ...host, notBefore: day(1), notAfter: day(9) }),
    otherName: await authority.issue({
      commonName: 'broker.example.com',
      names: ['broker.example.com'],
      usage: 'server',
    }),
    clientsOnly: await authority.issue({ ...host, usage: 'client' }),
    otherAuthority: foreign.server,
  }
  if (shown['otherName'] !== undefined) shown['namedRight'] = shown['otherName']
  for (const [name, certificate] of Object.entries(shown)) fronts[name] = await new Front(certificate, broker).start()
  // OpenSSL speaks versions that old at its lowest level of security only.
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  fronts['old'] = await new Front(server, broker, old).start()
  plain = await startTap(broker)

  const password = { username: webuser.username, password: PASSWORD }
  const tls = { ca: authority.caFile }
  const through = (name: string) => ({
    urls: [`amqps://localhost:${fronts[name]?.tap.port}`],
    tls,
    credentials: { webuser: password },
  })
  const machine = { cert: certificates.client.certFile, key: certificates.client.keyFile }
  const external = { mechanism: 'EXTERNAL', username: 'joe.smith' } as const
  const brokers = {
    main: { urls: [`amqps://localhost:${tlsPort}`], tls, credentials: { webuser: password } },
    byAddress: { urls: [`amqps://127.0.0.1:${tlsPort}`], tls, credentials: { webuser: password } },
    good: through('good'),
    expired: through('expired'),
    future: through('future'),
    otherName: through('otherName'),
    namedRight: { ...through('namedRight'), tls: { ...tls, serverName: 'broker.example.com' } },
    clientsOnly: through('clientsOnly'),
    otherAuthority: through('otherAuthority'),
    noAuthority: { ...through('good'), tls: {} },
    old: through('old'),
    plain: { ...through('good'), urls: [`amqps://localhost:${plain.port}`] },
    external: {
      urls: [`amqps://localhost:${tlsPort}`],
      tls: { ...tls, ...machine },
      credentials: { machine: external },
    },
    noRights: {
      urls: [`amqps://localhost:${tlsPort}`],
      tls: { ...tls, cert: certificates.foreign.client.certFile, key: certificates.foreign.client.keyFile },
      credentials: { machine: external },
    },
    turns: {
      urls: ['amqp://127.0.0.1:1', `amqps://localhost:${fronts['expired']?.tap.port}`, `amqps://localhost:${tlsPort}`],
      tls,
      credentials: { webuser: password },
    },
  }
  gateway = await startPromotionGateway({
    brokers,
    service: { vhost: broker.vhost, promote: [{ to: 'webuser' }] },
    moreServices: Object.entries(brokers).map(([name, { credentials }]) => ({
      path: `/${name}`,
      broker: name,
      vhost: broker.vhost,
      authenticate: ['sso'],
      promote: [{ to: Object.keys(credentials)[0] ?? '' }],
    })),
  })
})

after(async () => {
  await gateway?.stop()
  for (const front of Object.values(fronts)) await front.stop()
  await plain?.close()
  await broker?.stop()
  await certificates?.remove()
})

describe('a broker behind TLS', () => {
  for (const path of ['/main', '/byAddress', '/good', '/namedRight']) {
    it(`is reached at ${path} when chain and name are right`, async () => {
      assert.equal((await gateway.outcome({}, path)).code, 200)
    })
  }

  it('sees the credential only inside TLS', () => {
    const good = fronts['good']
    assert.ok(good !== undefined)
    assert.ok(Buffer.concat(good.decrypted).includes(PASSWORD), 'the recording would show it')
    assert.ok(!Buffer.concat(good.tap.connections.map(({ fromClient }) => fromClient)).includes(PASSWORD))
  })

  for (const [name, detail] of [
    ['expired', /certificate has expired/],
    ['future', /certificate is not yet valid/],
    ['otherName', /does not match certificate's altnames/],
    ['clientsOnly', /unsuitable certificate purpose/],
    ['otherAuthority', /certificate signature failure|self.signed certificate/],
    ['noAuthority', /unable to verify the first certificate|self.signed certificate/],
  ] as const) {
    it(`A23 is not spoken to when its certificate is wrong (${name})`, async () => {
      const front = fronts[name] ?? fronts['good']
      const before = front?.decrypted.length
      const from = gateway.lines.length

      const seen = await gateway.outcome({}, `/${name}`)

      assert.deepEqual(seen, AWAY)
      const line = await gateway.line('session-ended', ({ service }) => service === `/${name}`, from)
      assert.deepEqual([line['level'], line['cause']], ['debug', 'tls'])
      assert.match(String(line['detail']), detail)
      assert.equal(front?.decrypted.length, before, 'not a byte of AMQP')
      if (name !== 'noAuthority') assert.ok(!front?.seen.includes(PASSWORD))
    })
  }

  it('A23 is not spoken to by a TLS older than 1.2', async () => {
    const from = gateway.lines.length

    assert.deepEqual(await gateway.outcome({}, '/old'), AWAY)

    const line = await gateway.line('session-ended', ({ service }) => service === '/old', from)
    assert.deepEqual([line['level'], line['cause']], ['debug', 'tls'])
    assert.match(String(line['detail']), /protocol/)
    assert.deepEqual(fronts['old']?.decrypted, [])
    assert.ok((fronts['old']?.tap.connections.length ?? 0) > 0, 'it was dialled')
  })

  it('A23 is not spoken to in plain text where TLS was asked for', async () => {
    assert.deepEqual(await gateway.outcome({}, '/plain'), AWAY)
    const sent = Buffer.concat(plain.connections.map(({ fromClient }) => fromClient))
    assert.ok(sent.length > 0)
    assert.equal(sent[0], 0x16, 'a TLS handshake')
    assert.ok(!sent.includes(PASSWORD) && !sent.includes('AMQP'))
  })

  it('is found behind URLs that do not answer, or answer wrongly', async () => {
    assert.equal((await gateway.outcome({}, '/turns')).code, 200)
    assert.ok(!fronts['expired']?.seen.includes(PASSWORD))
  })
})

describe('EXTERNAL', () => {
  it('opens the connection as the user of the client certificate, with no password at all', async () => {
    const { connection } = await gateway.connect({ sub: 'ann' }, {}, '/external')
    const mine = await until(async () => {
      const all = await broker.connections()
      return all.find(({ user, client_properties: properties }) => user === 'joe.smith' && properties !== undefined)
    }, 'the connection in the list of the broker')
    assert.deepEqual([mine.auth_mechanism, mine.ssl, mine.vhost], ['EXTERNAL', true, broker.vhost])
    assert.equal(mine.client_properties?.['connection_name'], 'ann 127.0.0.1 → joe.smith')
    await connection.close()
  })

  it('with a certificate of another authority is refused by the broker, and told to the operator', async () => {
    const from = gateway.lines.length
    assert.deepEqual(await gateway.outcome({}, '/noRights'), AWAY)
    const line = await gateway.line('session-ended', ({ service }) => service === '/noRights', from)
    assert.equal(line['cause'], 'tls', String(line['detail']))
  })
})
