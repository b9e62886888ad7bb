/** People of a real OpenLDAP: found, proven by their passwords, looked at again; and a directory that is away or refuses. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { Authenticator, Outcome } from '../../auth/authenticator.ts'
import type { Identity } from '../../auth/identity.ts'
import { Secret } from '../../auth/secret.ts'
import { MemoryState } from '../../auth/state/memory/state.ts'
import { type LdapOptions, ldapAuthenticator } from '../../auth/strategies/ldap/ldap.ts'
import { authenticationRequest } from '../support/authentication-request.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { SERVICE_DN, SERVICE_PASSWORD, type Slapd, silentDirectory, startSlapd } from '../support/slapd.ts'

const LDIF = `dn: dc=example
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: cn=gateway,dc=example
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: gateway
userPassword: ${SERVICE_PASSWORD}

dn: ou=people,dc=example
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example
objectClass: organizationalUnit
ou: groups

dn: ou=elsewhere,dc=example
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://127.0.0.1:1/ou=people,dc=example

${['joe.smith', 'ann', 'star*', 'O(1)', 'back\\5Cslash', 'jürgen'].map(person).join('\n')}
dn: cn=traders,ou=groups,dc=example
objectClass: groupOfNames
cn: traders
member: ${dnOf('joe.smith')}
member: ${dnOf('star*')}

dn: cn=staff,ou=groups,dc=example
objectClass: groupOfNames
cn: staff
member: cn=traders,ou=groups,dc=example
member: cn=all,ou=groups,dc=example

dn: cn=all,ou=groups,dc=example
objectClass: groupOfNames
cn: all
member: cn=staff,ou=groups,dc=example
`

function dnOf(uid: string): string {
  return `uid=${uid},ou=people,dc=example`
}

/** As it stands in the name of the entry; the attribute is what that comes to. */
function person(uid: string): string {
  const plain = uid.replace('\\5C', '\\')
  const text = (name: string, value: string) =>
    /^[\x20-\x7e]*$/.test(value) ? `${name}: ${value}` : `${name}:: ${Buffer.from(value).toString('base64')}`
  return [
    text('dn', dnOf(uid)),
    'objectClass: inetOrgPerson',
    text('uid', plain),
    'cn: somebody',
    'sn: somebody',
    text('userPassword', `password of ${plain}`),
    '',
  ].join('\n')
}

const PEOPLE = ['joe.smith', 'ann', 'star*', 'O(1)', 'back\\slash', 'jürgen']

let slapd: Slapd
let certificates: Certificates
const made: Authenticator[] = []

before(async () => {
  certificates = await createCertificates()
  // Not for localhost, which Node would take for a socket that is there already, as StartTLS has one.
  const server = { commonName: 'directory', names: ['127.0.0.1'], usage: 'server' } as const
  const { certFile: cert, keyFile: key } = await certificates.authority.issue(server)
  slapd = await startSlapd(LDIF, { ca: certificates.authority.caFile, cert, key })
})

after(async () => {
  for (const one of made) one.close?.()
  await slapd.stop()
  await certificates.remove()
})

const SEARCH = { dn: SERVICE_DN, readSecret: async () => new Secret(SERVICE_PASSWORD) }
const TEMPLATE = { template: 'uid={user},ou=people,dc=example' }
const USERS = { base: 'ou=people,dc=example', filter: '(&(objectClass=inetOrgPerson)(uid={user}))' }
const GROUPS = { base: 'ou=groups,dc=example', filter: '(member={dn})', role: 'cn', nested: false }

async function ldap(
  options: Partial<Omit<LdapOptions, 'server'>> & { readonly server?: Partial<LdapOptions['server']> } = {},
) {
  const authenticator = await ldapAuthenticator(
    {
      name: 'directory',
      realm: 'Staff',
      recheckMs: 1000,
      attempts: new MemoryState().attempts('ldap'),
      bind: SEARCH,
      users: USERS,
      groups: GROUPS,
      ...options,
      server: { urls: [slapd.url], startTls: false, ca: undefined, ...options.server },
    },
    async () => await import('ldapts'),
  )
  made.push(authenticator)
  return authenticator
}

async function login(authenticator: Authenticator, user: string, password: string): Promise<Outcome> {
  const value = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  return await authenticator.authenticate(authenticationRequest({ headers: [['Authorization', value]] }))
}

async function subjectOf(
  authenticator: Authenticator,
  user: string,
  password = `password of ${user}`,
): Promise<string> {
  const outcome = await login(authenticator, user, password)
  return outcome.kind === 'proven' ? outcome.identity.subject : outcome.kind
}

async function rolesOf(authenticator: Authenticator, user: string): Promise<readonly string[]> {
  const outcome = await login(authenticator, user, `password of ${user}`)
  assert.equal(outcome.kind, 'proven')
  return outcome.kind === 'proven' ? outcome.identity.roles.toSorted() : []
}

const identity = (subject: string): Identity => ({
  issuer: 'directory',
  subject,
  authenticator: 'directory',
  roles: [],
  claims: {},
  fromCookie: false,
})

describe('a directory that the gateway searches', () => {
  it('proves people by their passwords, whatever is in their names', async () => {
    const authenticator = await ldap()
    for (const name of PEOPLE) {
      assert.equal(await subjectOf(authenticator, name), name)
      assert.equal(await subjectOf(authenticator, name, 'wrong'), 'refused')
    }
  })

  it('takes the subject as the directory writes it', async () => {
    assert.equal(await subjectOf(await ldap(), 'JOE.Smith', 'password of joe.smith'), 'joe.smith')
  })

  it('B51 finds nobody by what would be syntax', async () => {
    const authenticator = await ldap()
    const tries = [
      '*',
      'joe*',
      'joe.smith)(uid=*',
      '*)(objectClass=*',
      'joe.smith)(|(uid=*',
      '\\2a',
      'uid=ann',
      'ann,ou=people',
      'ann\\',
      '(',
      ')',
      'ann ',
      ' ann',
      'ann\u00a0',
      'an\u00adn',
      '\uff41nn',
      '../ann',
    ]
    for (const name of tries)
      for (const password of ['password of joe.smith', 'password of ann'])
        assert.equal(await subjectOf(authenticator, name, password), 'refused', name)
  })

  it('B51 asks nobody about an empty password, which a directory would take', async () => {
    const outcome = await login(await ldap(), 'ann', '')
    assert.equal(outcome.kind, 'refused')
  })

  it('has roles of groups, and of groups of groups where that is asked for', async () => {
    assert.deepEqual(await rolesOf(await ldap(), 'joe.smith'), ['traders'])
    assert.deepEqual(await rolesOf(await ldap(), 'star*'), ['traders'])
    assert.deepEqual(await rolesOf(await ldap(), 'ann'), [])
    const nested = await ldap({ groups: { ...GROUPS, nested: true } })
    assert.deepEqual(await rolesOf(nested, 'joe.smith'), ['all', 'staff', 'traders'])
    assert.deepEqual(await rolesOf(await ldap({ groups: undefined }), 'joe.smith'), [])
  })

  it('B51 follows no referral', async () => {
    const elsewhere = await ldap({ users: { ...USERS, base: 'ou=elsewhere,dc=example' } })
    await assert.rejects(login(elsewhere, 'ann', 'password of ann'), /refers to another directory/)
  })

  it('fails where the directory does not take the gateway itself, without its password', async () => {
    const readSecret = async () => new Secret('not the password')
    const authenticator = await ldap({ bind: { dn: SERVICE_DN, readSecret } })
    await assert.rejects(login(authenticator, 'ann', 'password of ann'), (error) => {
      assert.ok(error instanceof Error)
      assert.match(error.message, /does not take cn=gateway,dc=example/)
      assert.doesNotMatch(error.message, /not the password|password of ann/)
      return true
    })
  })

  it('counts wrong passwords, in whatever capitals the name is typed', async () => {
    const authenticator = await ldap()
    let outcome = await login(authenticator, 'ann', 'wrong 0')
    for (let n = 1; n < 30 && !(outcome.kind === 'refused' && outcome.retryAfterSeconds !== undefined); n += 1)
      outcome = await login(authenticator, n % 2 === 0 ? 'ann' : 'ANN', `wrong ${n}`)
    assert.ok(outcome.kind === 'refused' && outcome.retryAfterSeconds !== undefined)
  })

  it('looks again at a person: the same, with other groups, or not there any more', async () => {
    const { recheck } = await ldap()
    assert.deepEqual((await recheck?.again(identity('joe.smith')))?.roles, ['traders'])
    assert.equal(await recheck?.again(identity('nobody')), undefined)
    await slapd.modify(`dn: ${dnOf('jürgen')}\nchangetype: delete\n`)
    assert.equal(await recheck?.again(identity('jürgen')), undefined)
  })
})

it('G116 has the groups of now where a password is held: of before, nothing comes back', async () => {
  const authenticator = await ldap()
  const outcome = await login(authenticator, 'star*', 'password of star*')
  assert.ok(outcome.kind === 'proven')
  assert.deepEqual(outcome.identity.roles, ['traders'])
  await slapd.modify(
    `dn: cn=traders,ou=groups,dc=example\nchangetype: modify\ndelete: member\nmember: ${dnOf('star*')}\n`,
  )
  assert.deepEqual((await authenticator.recheck?.again(outcome.identity))?.roles, [])
  assert.deepEqual(await rolesOf(authenticator, 'star*'), [])
})

describe('a directory that people bind to by a template', () => {
  it('proves them, and reads their own entries and groups as themselves', async () => {
    const authenticator = await ldap({ bind: TEMPLATE, users: undefined })
    assert.equal(await subjectOf(authenticator, 'JOE.smith', 'password of joe.smith'), 'joe.smith')
    assert.deepEqual(await rolesOf(authenticator, 'joe.smith'), ['traders'])
    assert.equal(await subjectOf(authenticator, 'O(1)'), 'O(1)')
    assert.equal(await subjectOf(authenticator, 'ann', 'wrong'), 'refused')
    assert.equal(authenticator.recheck, undefined)
  })

  it('B51 keeps a name within its part of the template', async () => {
    const authenticator = await ldap({ bind: TEMPLATE, users: undefined })
    for (const name of ['ann,ou=people,dc=example', 'ann,ou=people', 'x+uid=ann', 'ann#', '"ann"', 'ann\u0000'])
      assert.equal(await subjectOf(authenticator, name, 'password of ann'), 'refused', name)
  })
})

describe('the way to a directory', () => {
  const ca = () => readFileSync(certificates.authority.caFile)

  it('may be ldaps, or StartTLS', async () => {
    const secure = await ldap({ server: { urls: [slapd.tlsUrl], ca: ca() } })
    assert.equal(await subjectOf(secure, 'ann'), 'ann')
    const started = await ldap({ server: { startTls: true, ca: ca() } })
    assert.equal(await subjectOf(started, 'ann'), 'ann')
  })

  it('is not taken where the certificate is of another authority, and no password is sent', async () => {
    for (const server of [{ urls: [slapd.tlsUrl] }, { startTls: true }]) {
      const foreign = await ldap({ server: { ...server, ca: Buffer.from(certificates.foreign.authority.ca) } })
      await assert.rejects(login(foreign, 'ann', 'password of ann'), /cannot be reached/)
    }
  })

  it('tries the next URL where one does not answer', async () => {
    const both = await ldap({ server: { urls: ['ldap://127.0.0.1:1', slapd.url] } })
    assert.equal(await subjectOf(both, 'ann'), 'ann')
  })

  it('tries the next URL where one is silent', async (t) => {
    const silent = await silentDirectory()
    t.after(() => silent.close())
    const both = await ldap({ server: { urls: [silent.url, slapd.url] } })
    assert.equal(await subjectOf(both, 'ann'), 'ann')
  })

  it('gives up a handshake that does not come to an end, and is not busy with it afterwards', async (t) => {
    const silent = await silentDirectory()
    t.after(() => silent.close())
    const started = await ldap({ server: { urls: [silent.url], startTls: true, ca: ca() } })
    const all = await Promise.allSettled(Array.from({ length: 16 }, (_, n) => login(started, `u${n}`, 'x')))
    for (const one of all) assert.match(String(one.status === 'rejected' && one.reason), /took longer than/)
    silent.close()
    await assert.rejects(login(started, 'ann', 'x'), /cannot be reached/)
  })

  it('names a password of the gateway that cannot be read, and blames no URL', async () => {
    const readSecret = async () => await Promise.reject(new Error('no such file'))
    const authenticator = await ldap({ bind: { dn: SERVICE_DN, readSecret } })
    await assert.rejects(login(authenticator, 'ann', 'x'), /: there is no password for cn=gateway.*: no such file$/)
  })

  it('fails while the directory is away, counts no guess, and works again afterwards', async () => {
    const authenticator = await ldap()
    assert.equal(await subjectOf(authenticator, 'ann'), 'ann')
    await slapd.halt()
    for (let n = 0; n < 30; n += 1) await assert.rejects(login(authenticator, 'O(1)', `p${n}`), /cannot be reached/)
    // Whoever was right a moment ago is not asked for.
    assert.equal(await subjectOf(authenticator, 'ann'), 'ann')
    await assert.rejects(async () => await authenticator.recheck?.again(identity('ann')))
    await slapd.restart()
    assert.equal(await subjectOf(authenticator, 'O(1)'), 'O(1)')
  })
})

describe('the package', () => {
  it('is named where it is missing', async () => {
    await assert.rejects(
      ldapAuthenticator(
        {
          name: 'd',
          realm: 'R',
          recheckMs: 1,
          attempts: new MemoryState().attempts('x'),
          bind: TEMPLATE,
          users: undefined,
          groups: undefined,
          server: { urls: [slapd.url], startTls: false, ca: undefined },
        },
        async () => await Promise.reject(new Error("Cannot find package 'ldapts'")),
      ),
      /npm install ldapts@8/,
    )
  })
})
