/** The type `forwarded`. */
import { z } from 'zod'
import type { Mistake } from '../../errors.ts'
import { readerOf } from '../../promotion/secrets/secrets.ts'
import { addressRange, atLeastOne, oneOrMany, secret, separator, text } from '../../schema/index.ts'
import type { AuthenticatorDescriptor } from '../descriptor.ts'
import { forwardedAuthenticator } from './forwarded.ts'

/** A header's name; underscores are refused, since proxies and servers disagree about what they are. */
const HEADER_TEXT = 'expected the name of an HTTP header: letters, digits and -'
const httpHeader = z
  .string({ error: HEADER_TEXT })
  .regex(/^[A-Za-z0-9-]{1,64}$/, { error: HEADER_TEXT })
  .transform((header) => header.toLowerCase())

const schema = z.strictObject({
  type: z.literal('forwarded').describe('A header that a trusted proxy sets after it has logged the user in.'),
  header: httpHeader.prefault('x-forwarded-user').describe('Header with the subject.'),
  rolesHeader: httpHeader.optional().describe('Header with the roles.'),
  rolesSeparator: separator
    .optional()
    .describe(
      'What stands between roles in that header; absent: a comma, and a header with a distinguished name in it is refused.',
    ),
  nobody: oneOrMany(text('a value of the header', 255), 0)
    .prefault(['(null)', '-'])
    .describe('Values by which the proxy says that nobody has logged in: they prove nobody.'),
  trustedProxies: atLeastOne(addressRange, 'address ranges').describe(
    'The only peers from which the header is believed.',
  ),
  secretHeader: httpHeader.prefault('x-gatehouse-secret').describe('Header with the shared secret.'),
  secret: secret.describe('Shared secret that the proxy adds to every request.'),
})

export const forwarded: AuthenticatorDescriptor<typeof schema> = {
  schema,
  check({ header, rolesHeader, rolesSeparator, secretHeader }) {
    const found: Mistake[] = []
    if (rolesSeparator !== undefined && rolesHeader === undefined)
      found.push({ path: ['rolesSeparator'], at: 'key', message: 'without meaning: there is no `rolesHeader`' })
    if (rolesHeader === header) found.push({ path: ['rolesHeader'], message: 'expected another header than `header`' })
    if (secretHeader === header || secretHeader === rolesHeader)
      found.push({ path: ['secretHeader'], message: 'expected a header of its own' })
    return found
  },
  secrets: ({ secret: shared }) => [{ path: ['secret'], secret: shared }],
  ambient: () => 'the proxy adds its header to whatever comes from the browser',
  rolesKey: ({ rolesHeader }) => (rolesHeader === undefined ? 'rolesHeader' : undefined),
  identityHeaders: ({ header, rolesHeader, secretHeader }) =>
    rolesHeader === undefined ? [header, secretHeader] : [header, rolesHeader, secretHeader],
  make({ name, config: { type: _type, secret: shared, ...settings } }, { sources }) {
    return forwardedAuthenticator({ name, ...settings, readSecret: readerOf(shared, sources) })
  },
}
