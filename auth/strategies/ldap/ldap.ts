/**
 * Names and passwords of a directory, by HTTP Basic. The subject is the name as the directory writes it, so that nobody is two
 * people by typing capitals. Roles are groups. Sessions are looked at again, where the gateway itself may search.
 */
import type { Authenticator, Outcome } from '../../authenticator.ts'
import type { Identity } from '../../identity.ts'
import type { Attempts } from '../../state/attempts.ts'
import { basicChallenge } from '../basic/challenge.ts'
import { readBasicHeader } from '../basic/header.ts'
import { checkSubject } from '../claims.ts'
import { ldapClients } from './client.ts'
import { Directory, type DirectoryOptions, type DirectoryPerson } from './directory.ts'
import { LoginCheck, type LoginVerdict } from './login-check.ts'

export interface LdapOptions extends DirectoryOptions {
  readonly name: string
  /** Printable ASCII. */
  readonly realm: string
  /** How often the people of live sessions are looked for again. */
  readonly recheckMs: number
  readonly attempts: Attempts
}

const CARRIER = 'authorization'

/**
 * @param load imports the package `ldapts`
 * @throws {InvalidConfiguration} where the package is not there, or the realm cannot be sent
 */
export async function ldapAuthenticator(options: LdapOptions, load: () => Promise<unknown>): Promise<Authenticator> {
  const { name, realm, recheckMs, attempts } = options
  const challenge = basicChallenge(realm)
  const directory = new Directory(await ldapClients(load), options)
  const check = new LoginCheck(directory, attempts)
  return {
    name,
    type: 'ldap',
    challenge,
    // A page's own login must not meet the browser's dialog, which opens for every scheme called Basic.
    scriptChallenge: `x${challenge}`,
    async authenticate({ http, address }) {
      const header = readBasicHeader(http)
      if (header.kind === 'absent') return header
      if (header.kind === 'malformed')
        return { kind: 'refused', detail: header.detail, malformed: true, carrier: CARRIER }
      return outcomeOf(await check.check(header.user, header.password, address), name)
    },
    recheck: directory.canLookAgain
      ? {
          everyMs: recheckMs,
          keyOf: ({ subject }) => subject,
          async again({ subject }) {
            const person = await check.again(subject, () => directory.again(subject))
            return person === undefined ? undefined : identityOf(person, name)
          },
        }
      : undefined,
    close: () => directory.close(),
  }
}

function outcomeOf(verdict: LoginVerdict, issuer: string): Outcome {
  switch (verdict.kind) {
    case 'right':
      return { kind: 'proven', identity: identityOf(verdict.person, issuer), carrier: CARRIER }
    case 'wrong':
      return { kind: 'refused', detail: 'wrong name or password', carrier: CARRIER }
    case 'throttled':
      return { kind: 'refused', detail: verdict.detail, retryAfterSeconds: verdict.retryAfterSeconds, carrier: CARRIER }
  }
}

function identityOf({ name, dn, roles }: DirectoryPerson, issuer: string): Identity {
  const subject = checkSubject(name, 'the name in the directory')
  return { issuer, subject, authenticator: issuer, roles, claims: { dn }, fromCookie: false }
}
