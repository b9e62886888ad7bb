/** The people of `logins.ts` in an OpenLDAP; the password of each is `welcome`. */
import { createCertificates } from '../support/certificates.ts'
import { SERVICE_DN, SERVICE_PASSWORD, type Slapd, startSlapd } from '../support/slapd.ts'

export interface People {
  readonly slapd: Slapd
  stop(): Promise<void>
}

export async function startPeople(names: readonly string[]): Promise<People> {
  const certificates = await createCertificates()
  const { certFile: cert, keyFile: key } = certificates.server
  const entries = [
    'dn: dc=example\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example',
    `dn: ${SERVICE_DN}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: gateway\nuserPassword: ${SERVICE_PASSWORD}`,
    ...names.map(
      (uid) =>
        `dn: uid=${uid},dc=example\nobjectClass: inetOrgPerson\nuid: ${uid}\ncn: ${uid}\nsn: ${uid}\nuserPassword: welcome`,
    ),
  ]
  const slapd = await startSlapd(`${entries.join('\n\n')}\n`, { ca: certificates.authority.caFile, cert, key })
  const stop = async () => {
    await slapd.stop()
    await certificates.remove()
  }
  return { slapd, stop }
}

/** The authenticator for them. */
export function ldapOf({ url }: Slapd) {
  return {
    type: 'ldap',
    realm: 'Staff',
    url,
    bind: { dn: SERVICE_DN, password: SERVICE_PASSWORD },
    users: { base: 'dc=example', filter: '(uid={user})' },
  }
}
