/** The type `clientCertificate`. */
import { z } from 'zod'
import { oneOrMany, text } from '../../schema/index.ts'
import type { AuthenticatorDescriptor } from '../descriptor.ts'
import { clientCertificateAuthenticator } from './client-certificate.ts'

const certificateName = z.enum(['uri', 'dns', 'email', 'cn', 'name'])
const certificateSubject = z.union(
  [
    certificateName,
    z.strictObject({
      kind: certificateName.describe('A kind of name.'),
      glob: text('a pattern', 255).describe('Which of them: `*` stands for any run of characters, `?` for one.'),
    }),
  ],
  { error: 'expected one of uri, dns, email, cn, name, or { kind: KIND, glob: PATTERN }' },
)

const schema = z.strictObject({
  type: z.literal('clientCertificate').describe('TLS client certificates; the listener names the authorities.'),
  subject: oneOrMany(certificateSubject)
    .prefault(['uri', 'email', 'dns', 'name'])
    .describe(
      'Where the subject is: subject alternative name of that kind, common name, or RFC 4514 name; the first that is there.',
    ),
})

export const clientCertificate: AuthenticatorDescriptor<typeof schema> = {
  schema,
  check(_config, { asksForCertificates }) {
    if (asksForCertificates) return []
    const message = 'no listener asks for client certificates: set `tls: { clientCertificates: { ca } }` of one'
    return [{ path: ['type'], message, refersTo: ['listen'] }]
  },
  unfitForAdmin({ asksForCertificates }) {
    if (asksForCertificates) return undefined
    return 'the admin listener asks for no client certificates: set `admin.tls: { clientCertificates: { ca } }`'
  },
  ambient: () => 'browsers show certificates by themselves',
  rolesKey: () => '',
  make: ({ name, config: { subject } }) => clientCertificateAuthenticator({ name, subject }),
}
