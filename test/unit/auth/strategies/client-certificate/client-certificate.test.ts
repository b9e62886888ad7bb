/** Identities out of client certificates, over a real TLS handshake with a private authority. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { connect, createServer, type Server, type TLSSocket } from 'node:tls'
import type { Outcome } from '../../../../../auth/authenticator.ts'
import {
  type CertificateSubject,
  clientCertificateAuthenticator,
  identityOf,
} from '../../../../../auth/strategies/client-certificate/client-certificate.ts'
import { distinguishedName, subjectAlternativeNames } from '../../../../../auth/strategies/client-certificate/names.ts'
import { authenticationRequest } from '../../../../support/authentication-request.ts'
import {
  Authority,
  type Certificate,
  type CertificateOptions,
  type Certificates,
  createCertificates,
} from '../../../../support/certificates.ts'

const ALL = ['uri', 'email', 'dns', 'name'] as const

let certificates: Certificates

before(async () => {
  certificates = await createCertificates()
})

after(() => certificates.remove())

const issue = (options: Partial<CertificateOptions> = {}): Promise<Certificate> =>
  certificates.authority.issue({ commonName: 'joe.smith', organization: 'Example', ...options })

async function read(
  options: Partial<CertificateOptions>,
  subject: readonly CertificateSubject[] = ALL,
  nowMs: number = Date.now(),
) {
  const { cert } = await issue(options)
  return identityOf(new X509Certificate(cert), { name: 'badge', subject, nowMs: () => nowMs })
}

describe('identityOf a certificate', () => {
  it('takes the first kind of name that is there', async () => {
    const names = { names: ['spiffe://example/joe', 'joe@example.com', 'joe.example.com'] }
    assert.equal((await read(names)).subject, 'spiffe://example/joe')
    assert.equal((await read(names, ['dns', 'uri'])).subject, 'joe.example.com')
    assert.equal((await read(names, ['email'])).subject, 'joe@example.com')
    assert.equal((await read(names, ['name'])).subject, 'CN=joe.smith,O=Example')
    assert.equal((await read({})).subject, 'CN=joe.smith,O=Example')
  })

  it('takes the common name, or the one name that a pattern covers', async () => {
    const names = ['joe.people.example.com', 'press-7.example.com', 'joe@example.com', 'joe@example.org']
    assert.equal((await read({ names }, ['cn'])).subject, 'joe.smith')
    assert.equal((await read({ names }, [{ kind: 'dns', glob: '*.people.example.com' }])).subject, names[0])
    assert.equal((await read({ names }, [{ kind: 'email', glob: '*@example.org' }])).subject, 'joe@example.org')
    assert.equal((await read({ names }, [{ kind: 'dns', glob: '*.other' }, 'cn'])).subject, 'joe.smith')
    assert.deepEqual((await read({ names }, ['cn'])).claims['cn'], ['joe.smith'])
    for (const subject of [['dns'], [{ kind: 'dns', glob: '*.example.com' }], [{ kind: 'cn', glob: 'ann' }]] as const) {
      await assert.rejects(read({ names }, subject), /2 names of the kind dns|no cn like "ann"/)
    }
  })

  it('takes a common name as it is, or not at all', async () => {
    for (const commonName of ['Smith, Joe', 'a+b=c', 'jürgen', 'CN=admin', '#x', 'a"b\\c', 'a/CN=b']) {
      assert.equal((await read({ commonName }, ['cn'])).subject, commonName)
    }
    for (const commonName of ['joe\0.evil', 'joe\nCN=admin', ' joe', 'joe ']) {
      await assert.rejects(read({ commonName }, ['cn']), { name: 'AuthenticationRefused' }, JSON.stringify(commonName))
    }
  })

  it('says the names, the serial number and the fingerprint, and ends with the certificate', async () => {
    const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 60_000)
    const identity = await read({ names: ['a.example', 'b.example', 'urn://joe'], notAfter })
    assert.equal(identity.expiresAtMs, notAfter.getTime())
    assert.equal(identity.issuer, 'badge')
    const { dns, issuerName, fingerprint, serialNumber } = identity.claims
    assert.deepEqual(dns, ['a.example', 'b.example'])
    assert.equal(issuerName, 'CN=Test Authority')
    assert.match(String(fingerprint), /^[0-9a-f]{64}$/)
    assert.match(String(serialNumber), /^[0-9A-F]+$/)
  })

  it('refuses two names of the kind, and none of any', async () => {
    await assert.rejects(read({ names: ['a.example', 'b.example'] }, ['dns']), /2 names of the kind dns/)
    await assert.rejects(read({}, ['uri', 'email']), /no uri, email/)
  })

  it('refuses a certificate before and after its time', async () => {
    const dayMs = 86_400_000
    await assert.rejects(read({}, ALL, Date.now() - 2 * dayMs), /not valid at this time/)
    await assert.rejects(read({}, ALL, Date.now() + 11 * dayMs), /not valid at this time/)
  })

  it('cannot be told a name by a name', async () => {
    for (const [commonName, name] of [
      ['joe,OU=admins', 'joe\\,OU=admins'],
      ['joe\nOU=admins', 'joe\\0AOU=admins'],
      ['joe + OU=admins', 'joe \\+ OU=admins'],
      [' #joe"<>;\\', '\\ #joe\\"\\<\\>\\;\\\\'],
    ] as const) {
      assert.equal((await read({ commonName }, ['name'])).subject, `CN=${name},O=Example`)
    }
    assert.equal((await read({ names: ['x://, DNS:admin'] }, ['uri'])).subject, 'x://, DNS:admin')
    await assert.rejects(read({ names: ['x://, DNS:admin'] }, ['dns']), /no dns/)
    await assert.rejects(read({ names: ['joe@example.com", DNS:"admin'] }, ['dns']), /no dns/)
    await assert.rejects(read({ names: ['a.example\u0000.evil.example'] }, ['dns']), /control characters/)
  })
})

describe('subjectAlternativeNames', () => {
  it('reads what Node writes, quoted or not', () => {
    assert.deepEqual(
      subjectAlternativeNames('URI:urn:a, DNS:"x, email:y", IP Address:127.0.0.1, email:j@x, DirName:"CN=x"'),
      {
        uri: ['urn:a'],
        dns: ['x, email:y'],
        email: ['j@x'],
      },
    )
    assert.deepEqual(subjectAlternativeNames(undefined), { uri: [], dns: [], email: [] })
  })

  it('has no names out of a text that it cannot read to the end', () => {
    for (const text of ['DNS:a, ,', 'DNS:a,DNS:b', 'DNS:"a', 'DNS:a, nonsense', 'DNS:a, "x":y']) {
      assert.deepEqual(subjectAlternativeNames(text), { uri: [], dns: [], email: [] }, text)
    }
  })
})

describe('distinguishedName', () => {
  it('puts the most specific first, and joins names of several parts', () => {
    assert.equal(
      distinguishedName('C=US\nO=Acme\\, Inc \\+ more\nOU=a + CN=joe'),
      'OU=a+CN=joe,O=Acme\\, Inc \\+ more,C=US',
    )
    assert.equal(distinguishedName(undefined), '')
  })
})

describe('clientCertificateAuthenticator', () => {
  let server: Server
  const badge = clientCertificateAuthenticator({ name: 'badge', subject: ALL })

  before(async () => {
    const { cert, key } = certificates.server
    server = createServer({ cert, key, ca: certificates.authority.ca, requestCert: true, rejectUnauthorized: false })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })

  after(() => server.close())

  async function shake(certificate?: Certificate): Promise<Outcome> {
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>
    const { port } = server.address() as AddressInfo
    const identity = certificate === undefined ? {} : { cert: certificate.cert, key: certificate.key }
    const client = connect({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: certificates.authority.ca,
      ...identity,
    })
    const [socket] = await accepted
    const outcome = await badge.authenticate(authenticationRequest({ socket }))
    client.destroy()
    socket.destroy()
    return outcome
  }

  it('proves who a certificate of its authority was issued to', async () => {
    const outcome = await shake(certificates.client)
    assert.equal(outcome.kind === 'proven' && outcome.identity.subject, 'joe.smith@example.com')
  })

  it('finds nothing without a certificate, and without TLS', async () => {
    assert.deepEqual(await shake(), { kind: 'absent' })
    assert.deepEqual(await badge.authenticate(authenticationRequest()), { kind: 'absent' })
  })

  for (const [what, pick, why] of [
    ['an expired one', () => certificates.expired, /CERT_HAS_EXPIRED/],
    ['one that is not valid yet', () => certificates.notYetValid, /CERT_NOT_YET_VALID/],
    ['one of a foreign authority of the same name', () => certificates.foreign.client, /UNABLE_TO|SIGNATURE/],
    ['one of another authority', () => another('Another Authority'), /UNABLE_TO/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const certificate = await pick()
      const outcome = await shake(certificate)
      assert.equal(outcome.kind, 'refused')
      assert.match(outcome.kind === 'refused' ? outcome.detail : '', why)
    })
  }
})

async function another(commonName: string): Promise<Certificate> {
  return (await Authority.create(certificates.folder, commonName)).issue({ commonName: 'joe.smith' })
}
