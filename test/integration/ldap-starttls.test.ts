/** Somebody on the way to a directory with StartTLS: who answers in its place before TLS, or ends the connection. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { Authenticator, Outcome } from '../../auth/authenticator.ts'
import { Secret } from '../../auth/secret.ts'
import { MemoryState } from '../../auth/state/memory/state.ts'
import { type LdapOptions, ldapAuthenticator } from '../../auth/strategies/ldap/ldap.ts'
import { authenticationRequest } from '../support/authentication-request.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { SERVICE_DN, SERVICE_PASSWORD, type Slapd, startSlapd } from '../support/slapd.ts'
import { within } from '../support/until.ts'

const LDIF = `dn: dc=example
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ${SERVICE_DN}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: gateway
userPassword: ${SERVICE_PASSWORD}

dn: uid=ann,dc=example
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: Ann
userPassword: of ann
`

let slapd: Slapd
let certificates: Certificates

before(async () => {
  certificates = await createCertificates()
  const server = { commonName: 'directory', names: ['127.0.0.1'], usage: 'server' } as const
  const { certFile: cert, keyFile: key } = await certificates.authority.issue(server)
  slapd = await startSlapd(LDIF, { ca: certificates.authority.caFile, cert, key })
})

after(async () => {
  await slapd.stop()
  await certificates.remove()
})

async function directory(url: string, bind: LdapOptions['bind']): Promise<Authenticator> {
  return await ldapAuthenticator(
    {
      name: 'directory',
      realm: 'Staff',
      recheckMs: 1000,
      attempts: new MemoryState().attempts('ldap'),
      bind,
      users: { base: 'dc=example', filter: '(uid={user})' },
      groups: undefined,
      server: { urls: [url], startTls: true, ca: readFileSync(certificates.authority.caFile) },
    },
    async () => await import('ldapts'),
  )
}

async function login(authenticator: Authenticator, password: string): Promise<Outcome> {
  const value = `Basic ${Buffer.from(`ann:${password}`).toString('base64')}`
  return await authenticator.authenticate(authenticationRequest({ headers: [['Authorization', value]] }))
}

/** Yes to the bind with this id, but for as many bytes of its text as are still to come. [RFC 4511 §4.2.2] */
function yesWithout(id: number, bytes: number): Buffer {
  return Buffer.from([0x30, 12 + bytes, 2, 1, id, 0x61, 7 + bytes, 10, 1, 0, 4, 0, 4, bytes])
}

/** A way to the directory on which `added` stands behind the answer to StartTLS, in the same packet. */
async function wayWith(added: Buffer): Promise<{ readonly url: string; cut(): void; close(): void }> {
  const sockets = new Set<Socket>()
  const way = createServer((near) => {
    const far = connect(Number(new URL(slapd.url).port), '127.0.0.1')
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined))
    near.pipe(far)
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
    far.once('data', (answer: Buffer) => {
      near.write(Buffer.concat([answer, added]))
      far.pipe(near)
    })
  })
  await once(way.listen(0, '127.0.0.1'), 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `ldap://127.0.0.1:${(way.address() as AddressInfo).port}`,
    cut,
    close() {
      way.close()
      cut()
    },
  }
}

const TEMPLATE = { template: 'uid={user},dc=example' }
const SEARCH = { dn: SERVICE_DN, readSecret: async () => new Secret(SERVICE_PASSWORD) }
/** Of the answer of this directory to a wrong password. */
const REFUSAL_BYTES = 14

describe('StartTLS', () => {
  it('B52 proves nobody by what was said before TLS', async (t) => {
    for (const added of [yesWithout(3, REFUSAL_BYTES), yesWithout(3, REFUSAL_BYTES).subarray(0, 1)]) {
      const way = await wayWith(added)
      t.after(() => way.close())
      const authenticator = await directory(way.url, TEMPLATE)
      await assert.rejects(login(authenticator, 'wrong'), /more than the answer to StartTLS was said before TLS/)
    }
  })

  it('B52 proves people where nothing else was said', async (t) => {
    const way = await wayWith(Buffer.alloc(0))
    t.after(() => way.close())
    const authenticator = await directory(way.url, TEMPLATE)
    assert.equal((await login(authenticator, 'wrong')).kind, 'refused')
    assert.equal((await login(authenticator, 'of ann')).kind, 'proven')
  })

  it('waits for no answer on a connection that was kept and has ended meanwhile', async (t) => {
    const way = await wayWith(Buffer.alloc(0))
    t.after(() => way.close())
    const authenticator = await directory(way.url, SEARCH)
    assert.equal((await login(authenticator, 'wrong')).kind, 'refused')
    way.cut()
    // Until somebody else has logged in, this process has seen the end of the connection.
    assert.equal((await login(await directory(slapd.url, TEMPLATE), 'of ann')).kind, 'proven')
    // The package itself gives up after five seconds, which is as long as a login may take.
    assert.equal((await within(login(authenticator, 'of ann'), 'the login', 4000)).kind, 'proven')
    authenticator.close?.()
  })
})
