/** Logins of people and machines at `gatehouse connect`: a code in a browser, a certificate. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Gateway, startGateway } from '../../src/index.ts'
import { certificateLogin } from '../../src/tunnel/connect/login/constant.ts'
import { deviceTokens } from '../../src/tunnel/connect/login/person.ts'
import { TokenLogin } from '../../src/tunnel/connect/login/token.ts'
import { type BrokerUser, type TestBroker, testBroker } from '../support/broker.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { startConnectPort } from '../support/connect-port.ts'
import { CookieBrowser } from '../support/cookie-browser.ts'
import { type OpenidProvider, startOpenidProvider } from '../support/openid-provider.ts'
import { until, within } from '../support/until.ts'

const DEADLINE_MS = 60_000
/** Renewed when a fifth of it is left. */
const TOKEN_SECONDS = 10

let broker: TestBroker
let webuser: BrokerUser
before(async () => {
  broker = await testBroker()
  webuser = await broker.user('webuser')
})
after(() => broker.stop())

describe('a device login', () => {
  let provider: OpenidProvider
  let gateway: Gateway
  before(async () => {
    provider = await startOpenidProvider({
      accessTokenSeconds: TOKEN_SECONDS,
      robotSecret: 'secret of the robot',
      robotRoles: [],
      people: { 'joe.smith': { roles: ['trader'] } },
    })
    gateway = await startGateway(
      {
        listen: { host: '127.0.0.1', port: 0 },
        brokers: { main: { urls: [broker.url], credentials: { webuser } } },
        authenticators: {
          sso: { type: 'jwt', issuer: provider.issuer, audience: 'amqp', jwksUri: provider.jwksUri, roles: 'roles' },
        },
        services: [
          {
            path: '/amqp',
            broker: 'main',
            vhost: broker.vhost,
            authenticate: ['sso'],
            promote: [{ when: { role: 'trader' }, to: 'webuser' }],
          },
        ],
        drain: '0s',
      },
      { logTo: { write: () => undefined } },
    )
  })
  after(async () => {
    await gateway.close()
    await provider.stop()
  })

  /** What the person does who reads the line. */
  async function logIn(line: string): Promise<void> {
    const [, url = ''] = /open (\S+) in/.exec(line) ?? []
    const browser = new CookieBrowser()
    const input = await browser.visit(url)
    const confirm = await browser.visit(new URL('/device', url).href, fieldsOf(input.body))
    const form = await browser.visit(new URL('/device', url).href, { ...fieldsOf(confirm.body), confirm: 'yes' })
    const done = await browser.visit(form.url, { name: 'joe.smith' })
    assert.match(done.body, /Done/)
  }

  it('asks the person once, and is renewed by the refresh token while a client lives', async () => {
    const asked: string[] = []
    const tokens = deviceTokens({
      issuer: provider.issuer,
      clientId: 'terminal',
      scope: 'openid offline_access',
      write: (line) => {
        asked.push(line)
        void logIn(line)
      },
    })
    const login = new TokenLogin(tokens, () => {})
    const url = `${gateway.addresses[0]?.url}/amqp`
    const port = await within(startConnectPort(url, { login }), 'the login', DEADLINE_MS)
    try {
      const client = await port.client()
      const channel = await client.createChannel()
      await until(() => port.connect.health.renewals > 1, 'two renewals', DEADLINE_MS)
      await channel.assertQueue('', { exclusive: true })
      assert.equal(asked.length, 1)
    } finally {
      await port.stop()
    }
  })

  it('fails in words where the provider knows no such client', async () => {
    const tokens = deviceTokens({ issuer: provider.issuer, clientId: 'nobody', scope: 'openid', write: () => {} })
    await assert.rejects(tokens.read(), { name: 'LoginFailed', message: /the provider says invalid_client/ })
    const plain = { issuer: 'http://login.example.com', clientId: 'x', scope: 'openid', write: () => {} }
    assert.throws(() => deviceTokens(plain), { name: 'LoginFailed', message: /expected https/ })
  })
})

describe('a certificate', () => {
  let certificates: Certificates
  let gateway: Gateway
  before(async () => {
    certificates = await createCertificates()
    const { authority, server } = certificates
    gateway = await startGateway(
      {
        listen: {
          host: '127.0.0.1',
          port: 0,
          tls: {
            cert: server.certFile,
            key: server.keyFile,
            clientCertificates: { ca: authority.caFile, mode: 'required' },
          },
        },
        brokers: { main: { urls: [broker.url], credentials: { webuser } } },
        authenticators: { badge: { type: 'clientCertificate', subject: 'email' } },
        services: [
          {
            path: '/amqp',
            broker: 'main',
            vhost: broker.vhost,
            authenticate: ['badge'],
            promote: [{ when: { subject: 'joe.smith@example.com' }, to: 'webuser' }],
          },
        ],
        drain: '0s',
      },
      { logTo: { write: () => undefined } },
    )
  })
  after(async () => {
    await gateway.close()
    await certificates.remove()
  })

  const url = () => `wss://localhost:${gateway.addresses[0]?.port}/amqp`
  const bytes = (text: string) => Buffer.from(text)

  it('is a login of its own, and the gateway has to show one of the named authority', async () => {
    const { authority, client } = certificates
    const tls = { ca: bytes(authority.ca), cert: bytes(client.cert), key: bytes(client.key) }
    const port = await startConnectPort(url(), { login: certificateLogin(), tls: async () => tls })
    try {
      const connection = await port.client()
      await (await connection.createChannel()).assertQueue('', { exclusive: true })
      await until(async () => (await broker.connections()).length === 1, 'the broker connection', DEADLINE_MS)
    } finally {
      await port.stop()
    }
  })

  it('G102 is not shown to a gateway that nobody vouches for: the client reads 320', async () => {
    const { client } = certificates
    const tls = { ca: undefined, cert: bytes(client.cert), key: bytes(client.key) }
    const port = await startConnectPort(url(), { login: certificateLogin(), tls: async () => tls })
    try {
      await assert.rejects(port.client(), /320 .*no safe way to the gateway at localhost/)
    } finally {
      await port.stop()
    }
  })
})

/** The hidden fields of a form. */
function fieldsOf(body: string): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [input] of body.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]+)"/.exec(input)?.[1]
    const value = /value="([^"]*)"/.exec(input)?.[1]
    if (name !== undefined && value !== undefined) fields[name] = value
  }
  return fields
}
