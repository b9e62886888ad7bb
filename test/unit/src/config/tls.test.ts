/** Certificates and keys that a configuration names: whether they are ones, belong together, and are still good. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parseConfig } from '../../../../src/config/reading/load.ts'
import { ConfigError } from '../../../../src/config/reading/problems.ts'
import type { ConfigInput } from '../../../../src/config/schema/schema.ts'
import { type Certificates, createCertificates } from '../../../support/certificates.ts'
import { minimalConfig } from '../../../support/config-files.ts'

let certificates: Certificates
before(async () => {
  certificates = await createCertificates()
})
after(() => certificates.remove())

/** What is said about a listener with these files, warnings or mistakes. */
function judged(tls: { cert: string; key: string; ca?: string }): string[] {
  const { ca, ...own } = tls
  const clientCertificates = ca === undefined ? {} : { clientCertificates: { ca } }
  return said({ ...minimalConfig(), listen: { port: 0, tls: { ...own, ...clientCertificates } } })
}

function said(input: ConfigInput): string[] {
  try {
    const { warnings } = parseConfig(input)
    return warnings
      .filter(({ path }) => path.includes('tls'))
      .map(({ path, message }) => `warning: ${path}: ${message}`)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ path, message }) => `${path}: ${message}`)
  }
}

describe('tls of a listener', () => {
  it('is accepted where certificate and key belong together', () => {
    const { server, authority } = certificates
    assert.deepEqual(judged({ cert: server.certFile, key: server.keyFile, ca: authority.caFile }), [])
  })

  it('is refused with the key of another certificate', () => {
    const { server, client } = certificates
    assert.deepEqual(judged({ cert: server.certFile, key: client.keyFile }), [
      'listen.tls.key: expected the private key (PEM, not encrypted) that belongs to this certificate',
    ])
  })

  it('is refused where files are exchanged, or are no certificates', () => {
    const { server, folder } = certificates
    const garbage = join(folder, 'garbage.pem')
    writeFileSync(garbage, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    assert.match(
      judged({ cert: server.keyFile, key: server.certFile }).join('\n'),
      /listen\.tls\.cert: expected certificates in PEM form/,
    )
    assert.match(
      judged({ cert: garbage, key: server.keyFile }).join('\n'),
      /listen\.tls\.cert: expected certificates in PEM form/,
    )
    assert.match(
      judged({ cert: server.certFile, key: server.keyFile, ca: server.keyFile }).join('\n'),
      /listen\.tls\.clientCertificates\.ca: expected certificates/,
    )
    const { ca: authority } = certificates.authority
    const withoutEnd = server.cert.slice(0, server.cert.indexOf('-----END'))
    for (const text of [
      authority + readFileSync(garbage, 'utf8'),
      authority + withoutEnd,
      withoutEnd + authority,
      authority.trimEnd() + authority,
    ]) {
      const ca = join(folder, 'authorities.pem')
      writeFileSync(ca, text)
      assert.match(
        judged({ cert: server.certFile, key: server.keyFile, ca }).join('\n'),
        /listen\.tls\.clientCertificates\.ca: expected certificates in PEM form/,
      )
    }
  })

  it('may have anything around its certificates, also ones that are commented out', () => {
    const { server, authority, folder } = certificates
    const ca = join(folder, 'authorities.pem')
    const comment = `# replaced in spring:\n${server.cert.trimEnd().replace(/^/gm, '# ')}\n`
    for (const text of [
      `\uFEFF${authority.ca}${comment}`,
      comment + authority.ca,
      `-----END CERTIFICATE-----\nIssuer: CN=A\n${authority.ca}# was -----BEGIN CERTIFICATE-----\n`,
      `${server.key}${authority.ca}${authority.ca}`.replaceAll('\n', '\r\n'),
    ]) {
      writeFileSync(ca, text)
      assert.deepEqual(judged({ cert: server.certFile, key: server.keyFile, ca }), [])
    }
  })

  it('is warned about where the certificate has expired, or everybody may read the key', () => {
    const { expired, server } = certificates
    assert.match(
      judged({ cert: expired.certFile, key: expired.keyFile }).join('\n'),
      /^warning: listen\.tls\.cert: the certificate expired at /,
    )
    chmodSync(server.keyFile, 0o604)
    const [warning] = judged({ cert: server.certFile, key: server.keyFile })
    chmodSync(server.keyFile, 0o600)
    assert.match(warning ?? '', /listen\.tls\.key: .*everybody on this machine may read this secret/)
  })

  it('is refused where everybody may write to the key', () => {
    const { server } = certificates
    chmodSync(server.keyFile, 0o602)
    const [problem] = judged({ cert: server.certFile, key: server.keyFile })
    chmodSync(server.keyFile, 0o600)
    assert.match(problem ?? '', /listen\.tls\.key: .*refused: everybody may write/)
  })
})

describe('tls of a broker', () => {
  it('is judged likewise', () => {
    const { client, server, authority } = certificates
    const broker = (cert: string, key: string) => ({
      ...minimalConfig(),
      brokers: {
        main: {
          urls: ['amqps://127.0.0.1'],
          tls: { ca: authority.caFile, cert, key },
          credentials: { webuser: { mechanism: 'EXTERNAL' as const } },
        },
      },
    })
    assert.deepEqual(said(broker(client.certFile, client.keyFile)), [])
    assert.match(
      said(broker(client.certFile, server.keyFile)).join('\n'),
      /brokers\.main\.tls\.key: expected the private key/,
    )
  })
})
