/** Certificates that a listener reads: refused where somebody may exchange them, also after the configuration's check. */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type ListenerTls, readCertificates } from '../../../../../src/http/server/tls.ts'
import { type Certificates, createCertificates } from '../../../../support/certificates.ts'

const base = mkdtempSync(join(tmpdir(), 'gatehouse-tls-'))
const open = join(base, 'open')
let certificates: Certificates
let good: ListenerTls

before(async () => {
  certificates = await createCertificates()
  const { server, authority } = certificates
  mkdirSync(open)
  for (const [name, file] of Object.entries({ cert: server.certFile, key: server.keyFile, ca: authority.caFile }))
    copyFileSync(file, join(open, name))
  chmodSync(open, 0o777)
  good = {
    cert: server.certFile,
    key: server.keyFile,
    minVersion: 'TLSv1.2',
    clientCertificates: { ca: authority.caFile, mode: 'optional' },
  }
})
after(async () => {
  rmSync(base, { recursive: true, force: true })
  await certificates.remove()
})

describe('the files of a TLS listener', () => {
  it('are read where only their owner may write', () => {
    assert.deepEqual(readCertificates(good).key?.toString(), certificates.server.key)
  })

  it('E5 are refused where everybody may exchange one of them', () => {
    const clientCertificates = { ca: join(open, 'ca'), mode: 'optional' } as const
    for (const bad of [{ cert: join(open, 'cert') }, { key: join(open, 'key') }, { clientCertificates }])
      assert.throws(() => readCertificates({ ...good, ...bad }), /everybody may write to the folder .*\/open /)
    chmodSync(open, 0o755)
    assert.ok(readCertificates({ ...good, cert: join(open, 'cert'), key: join(open, 'key'), clientCertificates }))
  })

  it('say which file is missing', () => {
    assert.throws(() => readCertificates({ ...good, key: join(open, 'none') }), /open\/none: no such file$/)
  })
})
