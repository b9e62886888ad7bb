/** Which certificates are watched for their end, and from when on they are no longer valid. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ownCertificates } from '../../../../../src/config/files/own-certificates.ts'
import { parseConfig } from '../../../../../src/config/reading/load.ts'
import { type Certificate, type Certificates, createCertificates } from '../../../../support/certificates.ts'
import { minimalConfig } from '../../../../support/config-files.ts'

let certificates: Certificates
before(async () => {
  certificates = await createCertificates()
})
after(() => certificates.remove())

describe('ownCertificates', () => {
  it('has every certificate that the gateway shows, with its end', async () => {
    const { authority } = certificates
    const ends = new Map<string, Certificate>()
    const made = async (place: string, days: number) => {
      const notAfter = new Date(Date.UTC(2100, 0, days))
      const certificate = await authority.issue({ commonName: 'inner', names: ['inner'], notAfter })
      ends.set(place, certificate)
      return { cert: certificate.certFile, key: certificate.keyFile }
    }
    const base = minimalConfig()
    const { config } = parseConfig({
      ...base,
      listen: [
        { port: 0 },
        { port: 1, tls: await made('listen[1].tls.cert', 1) },
        {
          door: {
            urls: ['tls://door.example.com'],
            name: 'inner',
            tls: { ca: authority.caFile, ...(await made('listen[2].door.tls.cert', 3)) },
          },
          tls: await made('listen[2].tls.cert', 2),
        },
      ],
      admin: { tls: await made('admin.tls.cert', 4) },
      brokers: {
        main: {
          urls: ['amqps://127.0.0.1'],
          tls: await made('brokers.main.tls.cert', 5),
          credentials: { webuser: { username: 'webuser', password: 'webuser-password' } },
        },
      },
      state: {
        urls: ['rediss://127.0.0.1'],
        key: 'A'.repeat(43),
        tls: await made('state.tls.cert', 6),
      },
    })

    const found = Object.fromEntries(ownCertificates(config).map(({ place, endSeconds }) => [place, endSeconds]))

    const day = (days: number) => Date.UTC(2100, 0, days) / 1000
    assert.deepEqual(found, {
      'listen[1].tls.cert': day(1),
      'listen[2].tls.cert': day(2),
      'listen[2].door.tls.cert': day(3),
      'admin.tls.cert': day(4),
      'brokers.main.tls.cert': day(5),
      'state.tls.cert': day(6),
    })
  })

  it('leaves out a file that is none any more', async () => {
    const { certFile: cert, keyFile: key } = certificates.server
    const { config } = parseConfig({ ...minimalConfig(), listen: { port: 0, tls: { cert, key } } })
    assert.equal(ownCertificates(config).length, 1)
    const broken = { ...config, listen: config.listen.map((one) => ({ ...one })) }
    const file = join(certificates.folder, 'broken.pem')
    for (const text of ['', 'no certificate', certificates.server.cert.replace('MII', 'AAA')]) {
      writeFileSync(file, text)
      const [first] = broken.listen
      if (first?.tls !== undefined) first.tls = { ...first.tls, cert: file }
      assert.deepEqual(ownCertificates(broken), [])
    }
  })
})
