/** Logins of people and machines at `gatehouse connect`: a code in a browser, a certificate. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createSecureContext } from 'node:tls'
import { type Gateway, startGateway } from '../../src/index.ts'
import { certificateLogin } from '../../src/tunnel/connect/login/constant.ts'
import { deviceTokens } from '../../src/tunnel/connect/login/person.ts'
import { TokenLogin } from '../../src/tunnel/connect/login/token.ts'
import { type BrokerUser, type TestBroker, testBroker } from '../support/broker.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { startConnectPort } from '../support/connect-port.ts'
import { CookieBrowser, type Visit } from '../support/cookie-browser.ts'
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

describe('a login in a browser of this machine', () => {
  let provider: OpenidProvider
  before(async () => {
    provider = await startOpenidProvider({
      accessTokenSeconds: TOKEN_SECONDS,
      deviceFlow: false,
      robotSecret: 'secret of the robot',
      robotRoles: [],
      people: { 'joe.smith': { roles: ['trader'] } },
    })
  })
  after(() => provider.stop())

  const tokensOf = (opened: (url: string) => void) => {
    const asked: string[] = []
    const tokens = deviceTokens({
      issuer: provider.issuer,
      clientId: 'terminal',
      scope: 'openid offline_access',
      write: (line) => {
        asked.push(line)
        opened(/open (\S+) in a browser of this machine$/.exec(line)?.[1] ?? assert.fail(line))
      },
    })
    return { asked, tokens }
  }

  const addressIn = async (asked: readonly string[]) =>
    /open (\S+) in/.exec(await until(() => asked[0], 'the address', DEADLINE_MS))?.[1] ?? ''

  it('takes the place of a code where the provider has none, and is renewed without the person', async () => {
    const { asked, tokens } = tokensOf((url) => void visit(url))
    let page: Promise<Visit> | undefined
    const visit = (url: string) => {
      assert.equal(new URL(url).searchParams.get('code_challenge_method'), 'S256')
      const browser = new CookieBrowser()
      page = browser.visit(url).then(async (form) => await browser.visit(form.url, { name: 'joe.smith' }))
    }
    const first = await within(tokens.read(), 'the first token', DEADLINE_MS)
    assert.match((await page)?.body ?? '', /close this page/)
    const second = await within(tokens.read(), 'the second one', DEADLINE_MS)
    assert.notEqual(second.text, first.text)
    assert.equal(asked.length, 1)
    tokens.close?.()
  })

  it('G111 listens to nobody who does not know its state, and to nobody afterwards', async () => {
    const { asked, tokens } = tokensOf(() => undefined)
    const refused = assert.rejects(tokens.read(), { name: 'LoginFailed', message: /the provider says access_denied/ })
    const params = new URL(await addressIn(asked)).searchParams
    const [redirect = '', state = ''] = [params.get('redirect_uri') ?? '', params.get('state') ?? '']
    const statusOf = async (query: string, method = 'GET') => (await fetch(`${redirect}${query}`, { method })).status
    for (const query of [
      '',
      '?code=x',
      '?code=x&state=',
      `?code=x&state=${state}x`,
      `?state=${state}&state=${state}`,
      'favicon.ico',
    ])
      assert.equal(await statusOf(query), 404, query)
    assert.equal(await statusOf(`?state=${state}`, 'POST'), 404)
    assert.equal(await statusOf(`?error=access_denied&state=${state}&iss=${encodeURIComponent(provider.issuer)}`), 200)
    await refused
    await assert.rejects(fetch(redirect))
  })

  it('ends with the program', async () => {
    const { asked, tokens } = tokensOf(() => undefined)
    const token = assert.rejects(tokens.read(), { name: 'LoginFailed' })
    const redirect = new URL(await addressIn(asked)).searchParams.get('redirect_uri') ?? ''
    tokens.close?.()
    await token
    await assert.rejects(fetch(redirect))
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

  it('is a login of its own, and the gateway has to show one of the named authority', async () => {
    const { authority, client } = certificates
    const context = createSecureContext({ ca: authority.ca, cert: client.cert, key: client.key })
    const port = await startConnectPort(url(), { login: certificateLogin(), secureContext: async () => context })
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
    const context = createSecureContext({ cert: client.cert, key: client.key })
    const port = await startConnectPort(url(), { login: certificateLogin(), secureContext: async () => context })
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
