/**
 * Every kind of credential with every kind of Origin: a foreign page gets in with none of them, however good, and no page
 * at all with what a browser sends by itself.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connectAmqplib, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { CookieBrowser } from '../support/cookie-browser.ts'
import { basic, type Door, ORIGIN, sendRaw, startDoor, upgradeRequest } from '../support/door.ts'
import { FakeOpenidProvider } from '../support/fake-openid-provider.ts'
import { forgeKey, publicJwk, signToken } from '../support/token-forge.ts'

const ISSUER = 'https://issuer.example.com'
const PROXY_SECRET = 'CANARY-secret-of-the-proxy'
const key = forgeKey('ES256', 'key')
const provider = new FakeOpenidProvider()

let folder: string
let certificates: Certificates
let door: Door

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-origins-'))
  const jwksFile = join(folder, 'keys.json')
  await writeFile(jwksFile, JSON.stringify({ keys: [publicJwk(key)] }))
  certificates = await createCertificates()
  await provider.start()
  const { authority, server } = certificates
  const clientCertificates = { ca: authority.caFile, mode: 'optional' } as const
  door = await startDoor({
    listen: [{ port: 0 }, { port: 0, tls: { cert: server.certFile, key: server.keyFile, clientCertificates } }],
    authenticators: {
      sso: {
        type: 'jwt',
        issuer: ISSUER,
        audience: 'amqp',
        jwksFile,
        from: ['bearer', 'subprotocol', 'cookie:at'],
      },
      portal: { type: 'oidc', issuer: provider.issuer, clientId: 'gatehouse', publicUrl: ORIGIN },
      front: { type: 'forwarded', trustedProxies: ['127.0.0.0/8'], secret: PROXY_SECRET },
      badge: { type: 'clientCertificate', subject: 'email' },
    },
    service: {
      authenticate: ['staff', 'sso', 'portal', 'front', 'badge', 'tickets'],
      promote: [{ to: 'smithj' }],
    },
  })
})

after(async () => {
  await door.stop()
  provider.stop()
  await certificates.remove()
  await rm(folder, { recursive: true, force: true })
})

/** What one upgrade shows beside its Origin. */
interface Shown {
  readonly headers?: Readonly<Record<string, string>>
  readonly subprotocols?: readonly string[]
  readonly query?: string
  readonly hasCertificate?: true
}

interface Kind {
  readonly kind: string
  /** Sent by the browser whether the page knows it or not, so that no Origin means no way in. */
  readonly isCookie?: true
  show(): Promise<Shown> | Shown
}

const KINDS: readonly Kind[] = [
  { kind: 'a password in a Basic header', show: () => ({ headers: { authorization: basic() } }) },
  { kind: 'a token in a Bearer header', show: () => ({ headers: { authorization: `Bearer ${token()}` } }) },
  {
    kind: 'a token in the subprotocol',
    show: () => {
      const entry = `base64url.bearer.authorization.k8s.io.${Buffer.from(token()).toString('base64url')}`
      return { subprotocols: ['amqp', entry] }
    },
  },
  { kind: 'a token in a cookie', isCookie: true, show: () => ({ headers: { cookie: `at=${token()}` } }) },
  { kind: 'a login’s cookie', isCookie: true, show: async () => ({ headers: { cookie: await loginCookie() } }) },
  {
    kind: 'a ticket in the query',
    show: async () => {
      const { ticket } = (await (await buyTicket('')).json()) as { ticket: string }
      return { query: `?ticket=${ticket}` }
    },
  },
  {
    kind: 'a ticket’s cookie',
    isCookie: true,
    show: async () => {
      const [cookie = ''] = (await buyTicket('&as=cookie')).headers.getSetCookie()
      return { headers: { cookie: cookie.split(';', 1)[0] ?? '' } }
    },
  },
  {
    kind: 'a login proxy’s header',
    show: () => ({ headers: { 'x-forwarded-user': 'joe.smith', 'x-gatehouse-secret': PROXY_SECRET } }),
  },
  { kind: 'a client certificate', show: () => ({ hasCertificate: true }) },
]

/** None of these is the one that is listed, to the letter. */
const FOREIGN: readonly string[] = [
  'https://evil.example',
  'null',
  'http://app.example.com',
  'https://app.example.com:444',
  'https://app.example.com.evil.example',
  'https://evil.example?https://app.example.com',
  'https://evilapp.example.com',
  'https://app.example.com.',
  'https://app.example.com/',
  'https://APP.example.com',
  'https://app.example.com@evil.example',
  `${ORIGIN}, https://evil.example`,
]

function token(): string {
  const exp = Date.now() / 1000 + 300
  return signToken({ alg: 'ES256', kid: key.kid }, { iss: ISSUER, aud: 'amqp', sub: 'joe.smith', exp }, key)
}

async function loginCookie(): Promise<string> {
  const browser = new CookieBrowser()
  const begun = await browser.fetch(door.http('/auth/login'))
  const back = provider.authorize(begun.headers.get('location') ?? '')
  const done = await browser.fetch(door.http(`/auth/callback?${back.toString()}`))
  assert.equal(done.status, 303)
  return browser.cookies(door.http('/'))
}

async function buyTicket(query: string): Promise<Response> {
  const response = await fetch(door.http(`/auth/ticket?service=/amqp${query}`), {
    method: 'POST',
    headers: { authorization: basic() },
  })
  assert.equal(response.status, 200)
  return response
}

/** `in`, or the status of the refusal. */
async function upgrade(shown: Shown, origin: string | undefined): Promise<string | number> {
  const { headers = {}, subprotocols = [], query = '', hasCertificate } = shown
  const { cert, key: own } = certificates.client
  const secure = hasCertificate ? { ca: certificates.authority.ca, cert, key: own } : {}
  const base = door.gateway.addresses[hasCertificate ? 1 : 0]?.url
  const websocket = { ...secure, headers: { ...headers, ...(origin === undefined ? {} : { origin }) } }
  try {
    const { connection } = await connectAmqplib(`${base}/amqp${query}`, { websocket, subprotocols })
    await connection.close()
    return 'in'
  } catch (error) {
    if (error instanceof UpgradeRefused) return error.status
    throw error
  }
}

describe('origins', () => {
  for (const { kind, isCookie, show } of KINDS) {
    it(`G2 ${kind} is good from a page that is listed`, async () => {
      assert.equal(await upgrade(await show(), ORIGIN), 'in')
    })

    it(`G2 ${kind} is ${isCookie ? 'no good' : 'good'} without an Origin`, async () => {
      const dialled = door.broker.connections.length
      assert.equal(await upgrade(await show(), undefined), isCookie ? 401 : 'in')
      assert.equal(door.broker.connections.length, isCookie ? dialled : dialled + 1)
    })

    it(`G2 ${kind} is no good from any other page, which uses nothing up`, async () => {
      const dialled = door.broker.connections.length
      const shown = await show()
      for (const origin of FOREIGN) assert.equal(await upgrade(shown, origin), 403, origin)
      assert.equal(door.broker.connections.length, dialled)
      assert.equal(await upgrade(shown, ORIGIN), 'in')
    })
  }

  it('G2 two Origin headers are no request, whatever comes first', async () => {
    for (const origins of [
      [ORIGIN, 'https://evil.example'],
      ['https://evil.example', ORIGIN],
    ]) {
      const more = origins.map((origin): [string, string] => ['Origin', origin])
      const request = upgradeRequest('/amqp', { more: [['Authorization', basic()], ...more] })
      const answer = await sendRaw(door.port, request)
      answer.socket.destroy()
      assert.equal(answer.status, 400)
    }
  })
})
