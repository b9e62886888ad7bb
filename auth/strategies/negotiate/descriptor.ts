/** The type `negotiate`. */
import { z } from 'zod'
import { filePath, oneOrMany, text } from '../../schema/index.ts'
import type { AuthenticatorDescriptor } from '../descriptor.ts'
import { kerberosProblem } from './gssapi.ts'
import { kerberosLoader } from './kerberos-loader.ts'
import { negotiateAuthenticator } from './negotiate.ts'

const schema = z.strictObject({
  type: z.literal('negotiate').describe('Kerberos by SPNEGO [RFC 4559]; needs the package `kerberos`.'),
  service: z
    .string()
    .regex(/^HTTP(?:[@/][A-Za-z0-9.-]+(?:@[A-Za-z0-9.-]+)?)?$/, {
      error: 'expected a service principal such as HTTP@gateway.example.com',
    })
    .prefault('HTTP')
    .describe("The gateway's own service, as in the key table: `HTTP@host`."),
  keytab: filePath.optional().describe('Key table; absent: what KRB5_KTNAME or the system says.'),
  realms: oneOrMany(text('a realm', 255)).describe('Realms whose users are accepted.'),
  subject: z
    .enum(['principal', 'name'])
    .prefault('principal')
    .describe('The subject: `joe@EXAMPLE.COM`, or `joe` (one realm only).'),
})

export const negotiate: AuthenticatorDescriptor<typeof schema> = {
  schema,
  check({ subject, realms, keytab }, { sameType }) {
    const severalRealms = '`name` drops the realm: with several realms, two people could be one subject'
    // GSSAPI takes the key table from the environment, which a process has one of.
    const first = sameType.find(({ config }) => config.keytab !== undefined)
    const otherTable = `expected the key table of authenticator ${first?.name}: one process has one (ktutil merges them)`
    return [
      ...(subject === 'name' && realms.length > 1 ? [{ path: ['subject'], message: severalRealms }] : []),
      ...(keytab !== undefined && keytab !== first?.config.keytab ? [{ path: ['keytab'], message: otherTable }] : []),
    ]
  },
  files: ({ keytab }) => (keytab === undefined ? [] : [{ path: ['keytab'], file: keytab, holds: 'key' }]),
  ambient: () => 'browsers answer Negotiate by themselves',
  rolesKey: () => '',
  // Tickets of people in many groups are large.
  headBytes: 32 * 1024,
  /** The package is optional, and the gateway itself may run elsewhere. */
  async tryOut(_given, { load }) {
    const message = await kerberosProblem(async () => await load('kerberos'))
    return message === undefined ? [] : [{ path: ['type'], message }]
  },
  async make({ name, config: { service, realms, subject, keytab } }, surroundings) {
    return await negotiateAuthenticator(
      { name, service, realms, subject },
      { load: kerberosLoader(keytab, surroundings) },
    )
  },
}
