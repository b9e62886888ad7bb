/** Authenticators whose proof the gateway checks against something of its own: users, tickets, a proxy's word, an operator's module. */
import { z } from 'zod'
import { secret } from './secrets.ts'
import { addressRange, atLeastOne, claimPath, count, filePath, oneOrMany, separator, text } from './units.ts'
import { user } from './users.ts'

/** A header's name; underscores are refused, since proxies and servers disagree about what they are. */
const HEADER_TEXT = 'expected the name of an HTTP header: letters, digits and -'
const httpHeader = z
  .string({ error: HEADER_TEXT })
  .regex(/^[A-Za-z0-9-]{1,64}$/, { error: HEADER_TEXT })
  .transform((header) => header.toLowerCase())

export const basic = z.strictObject({
  type: z.literal('basic').describe('HTTP Basic [RFC 7617] against a users file.'),
  realm: z
    .string()
    .regex(/^[ !#-[\]-~]{1,128}$/, { error: 'expected printable ASCII without " and \\' })
    .prefault('Gatehouse')
    .describe("Named in the challenge and in the browser's dialog."),
  users: z
    .union([filePath, z.record(text('a user name', 255), user)], {
      error: 'expected the path of a users file, or the users themselves',
    })
    .describe('The users file (watched, re-read when it changes), or users in place.'),
})

export const ticket = z.strictObject({
  type: z.literal('ticket').describe('One-time tickets from `POST /auth/ticket`, used as `?ticket=` or as a cookie.'),
  ttlSeconds: count(1, 600).prefault(30).describe('Life of a ticket, in seconds.'),
})

export const forwarded = z.strictObject({
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

export const passport = z.strictObject({
  type: z.literal('passport').describe('Any Passport strategy that decides on one request.'),
  module: text('the name of an installed package or the path of a module', 4096).describe(
    'Package name, or path beginning with `./`, `../` or `/`.',
  ),
  export: text('the name of an export', 128).prefault('Strategy').describe("The strategy's class in that module."),
  options: z
    .union([filePath, z.record(z.string(), z.unknown()), z.array(z.unknown())], {
      error: 'expected options (key: value), a list of arguments, or the path of a module that gives them',
    })
    .optional()
    .describe(
      "The strategy's options; or a list, where its constructor has several arguments before `verify`; or an ES module whose default export is one of these or a function that gives it.",
    ),
  verify: filePath
    .optional()
    .describe("ES module whose default export is the strategy's verify function, called as the strategy calls it."),
  subject: claimPath.prefault('id').describe('Where in the user object the subject is, keys separated by dots.'),
  roles: claimPath.prefault('roles').describe('Where in the user object the roles are: a list, or one role as text.'),
  rolesSeparator: separator.optional().describe('What stands between roles where they are one text.'),
  challenge: text('a challenge', 256)
    .optional()
    .describe('For `WWW-Authenticate`, such as `Bearer`; absent: what the strategy itself says.'),
  ambient: z
    .boolean()
    .prefault(true)
    .describe('Whether browsers attach this credential by themselves (cookies): if so, `origins: "*"` is refused.'),
})
