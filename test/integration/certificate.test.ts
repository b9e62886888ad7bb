/** Client certificates of a real private authority, alone and together with a token. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  type AmqplibConnection,
  connectAmqplib,
  HandshakeRefused,
  openWebSocket,
} from '../support/amqplib-over-websocket.ts'
import { type Certificate, type Certificates, createCertificates } from '../support/certificates.ts'
import { type Door, ORIGIN, startDoor } from '../support/door.ts'
import { encode, forgeKey, publicJwk, signToken } from '../support/token-forge.ts'
import { within } from '../support/until.ts'

const ISSUER = 'https://issuer.example.com'
const key = forgeKey('ES256', 'key')
const rule = { when: { subject: 'joe.smith@example.com' }, to: 'smithj' } as const

let folder: string
let certificates: Certificates
let door: Door

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-certificate-'))
  const jwksFile = join(folder, 'keys.json')
  await writeFile(jwksFile, JSON.stringify({ keys: [publicJwk(key)] }))
  certificates = await createCertificates()
  const { authority, server } = certificates
  const common = { broker: 'main', vhost: '/', origins: [ORIGIN], promote: [rule] }
  door = await startDoor({
    listen: {
      port: 0,
      tls: {
        cert: server.certFile,
        key: server.keyFile,
        clientCertificates: { ca: authority.caFile, mode: 'optional' },
      },
    },
    authenticators: {
      badge: { type: 'clientCertificate', subject: 'email' },
      sso: { type: 'jwt', issuer: ISSUER, audience: 'amqp', jwksFile },
    },
    service: { authenticate: ['badge'], promote: [rule] },
    moreServices: [
      { ...common, path: '/both', authenticate: [{ all: ['badge', 'sso'] }] },
      { ...common, path: '/either', authenticate: ['badge', 'sso'] },
    ],
  })
})

after(async () => {
  await door.stop()
  await certificates.remove()
  await rm(folder, { recursive: true, force: true })
})

function token(claims: object = {}): string {
  const exp = Date.now() / 1000 + 60
  const usual = { iss: ISSUER, aud: 'amqp', sub: 'joe.smith@example.com', exp }
  return signToken({ alg: 'ES256', kid: key.kid }, { ...usual, ...claims }, key)
}

interface Shown {
  readonly certificate?: Certificate
  readonly token?: string
  readonly origin?: string
}

async function enter(path: string, shown: Shown): Promise<AmqplibConnection> {
  const { certificate, token: value, origin } = shown
  const headers = value === undefined ? {} : { authorization: `Bearer ${value}` }
  const own = certificate === undefined ? {} : { cert: certificate.cert, key: certificate.key }
  const websocket = { ca: certificates.authority.ca, headers, ...own, ...(origin === undefined ? {} : { origin }) }
  return await connectAmqplib(door.url(path), { websocket })
}

async function enterAndLeave(path: string, shown: Shown): Promise<void> {
  const { connection } = await enter(path, shown)
  await connection.close()
}

/** What the log says of the last refusal. */
async function refusedWith(path: string, shown: Shown, why: RegExp): Promise<void> {
  door.lines.length = 0
  await assert.rejects(enter(path, shown), { name: 'UpgradeRefused', status: 401 })
  const line = await door.line('authentication-refused')
  assert.match(String(line['detail']), why)
}

describe('a client certificate', () => {
  it('says who somebody is, from programs and from pages of a listed origin', async () => {
    await enterAndLeave('/amqp', { certificate: certificates.client })
    await enterAndLeave('/amqp', { certificate: certificates.client, origin: ORIGIN })
    assert.equal(door.lines.at(-1)?.['subject'], 'joe.smith@example.com')
  })

  it('is of no use to pages of another origin', async () => {
    const shown = { certificate: certificates.client, origin: 'https://evil.example' }
    await assert.rejects(enter('/amqp', shown), { name: 'UpgradeRefused', status: 403 })
  })

  it('is missing', () => refusedWith('/amqp', {}, /no credential/))
  it('has expired', () => refusedWith('/amqp', { certificate: certificates.expired }, /CERT_HAS_EXPIRED/))
  it('is not valid yet', () => refusedWith('/amqp', { certificate: certificates.notYetValid }, /CERT_NOT_YET_VALID/))
  it('is of a foreign authority of the same name', () =>
    refusedWith('/amqp', { certificate: certificates.foreign.client }, /UNABLE_TO|SIGNATURE/))

  it('has no name of the kind that is asked for', async () => {
    const nameless = await certificates.authority.issue({ commonName: 'joe.smith@example.com', usage: 'client' })
    await refusedWith('/amqp', { certificate: nameless }, /no email/)
  })

  it('G19 is not what a header says it is', async () => {
    const headers = {
      'x-client-cert': encodeURIComponent(certificates.client.cert),
      'x-ssl-cert': certificates.client.cert.replaceAll('\n', ' '),
      'x-ssl-client-verify': 'SUCCESS',
      'x-ssl-client-s-dn': 'CN=joe.smith',
      'x-forwarded-client-cert': `Hash=${certificates.client.fingerprint256};URI=mailto:joe.smith@example.com`,
      'x-arr-clientcert': certificates.client.cert.replaceAll(/-----[^-]+-----|\n/g, ''),
    }
    const dialled = door.broker.connections.length
    const { ca } = certificates.authority
    for (const path of ['/amqp', '/either']) {
      await assert.rejects(openWebSocket(door.url(path), { websocket: { ca, headers } }), { status: 401 })
    }
    assert.equal(door.broker.connections.length, dialled)
  })

  it('ends its session when it ends itself', async () => {
    const notAfter = new Date(Math.ceil(Date.now() / 1000 + 2) * 1000)
    const names = ['joe.smith@example.com']
    const short = await certificates.authority.issue({ commonName: 'joe', names, usage: 'client', notAfter })
    const { closed } = await enter('/amqp', { certificate: short })
    assert.equal((await within(closed, 'the end of the certificate')).code, 4401)
    assert.ok(Date.now() >= notAfter.getTime())
  })
})

describe('a certificate and a token together', () => {
  const client = () => certificates.client

  it('are both needed, and name one person', async () => {
    await enterAndLeave('/both', { certificate: client(), token: token() })
  })

  it('are refused alone', async () => {
    await refusedWith('/both', { certificate: client() }, /come together/)
    await refusedWith('/both', { token: token() }, /come together/)
  })

  it('G3 are refused when either is no good, or they name two people', async () => {
    await refusedWith('/both', { certificate: certificates.expired, token: token() }, /CERT_HAS_EXPIRED/)
    await refusedWith('/both', { certificate: client(), token: token({ exp: 1 }) }, /expired/)
    await refusedWith('/both', { certificate: client(), token: token({ sub: 'eve' }) }, /different subjects/)
    await refusedWith('/either', { certificate: client(), token: token({ sub: 'eve' }) }, /different subjects/)
  })

  it('are enough one by one where either will do', async () => {
    await enterAndLeave('/either', { certificate: client() })
    await enterAndLeave('/either', { token: token() })
  })

  it('end their session with the earlier of the two', async () => {
    const { closed } = await enter('/both', { certificate: client(), token: token({ exp: Date.now() / 1000 + 2 }) })
    assert.equal((await within(closed, 'the end of the token')).code, 4401)
  })
})

describe('a token bound to a certificate', () => {
  const bound = () => {
    const thumbprint = encode(Buffer.from(certificates.client.fingerprint256.replaceAll(':', ''), 'hex'))
    return token({ cnf: { 'x5t#S256': thumbprint } })
  }

  it('G15 is good on that client’s connection only', async () => {
    await enterAndLeave('/either', { certificate: certificates.client, token: bound() })
    await refusedWith('/either', { token: bound() }, /lacks/)
    const names = ['joe.smith@example.com']
    const other = await certificates.authority.issue({ commonName: 'joe', names, usage: 'client' })
    await refusedWith('/either', { certificate: other, token: bound() }, /lacks/)
  })
})

describe('a certificate where no listener asks for one', () => {
  it('is nothing', async () => {
    const plain = await startDoor({
      authenticators: { sso: { type: 'jwt', issuer: ISSUER, audience: 'amqp', jwksFile: join(folder, 'keys.json') } },
      service: { authenticate: ['sso'], promote: [rule] },
    })
    await assert.rejects(openWebSocket(plain.url()), { status: 401 })
    await assert.rejects(connectAmqplib(plain.url(), { websocket: { origin: ORIGIN } }), HandshakeRefused)
    await plain.stop()
  })
})
