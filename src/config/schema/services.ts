/** One path that clients connect to: who gets in, as whom, to which broker, and within which limits. */
import { z } from 'zod'
import { originProblem } from '../origin-pattern.ts'
import { entitlements } from './entitlements.ts'
import { limits } from './limits.ts'
import { permission } from './permissions.ts'
import { promote, vhost } from './promotion.ts'
import { addressRange, atLeastOne, duration, name, oneOrMany, path, text } from './units.ts'

export const origin = z
  .string({ error: 'expected an origin such as https://app.example.com' })
  .superRefine((value, context) => {
    const message = originProblem(value)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })

const all = z.strictObject({
  all: atLeastOne(name, 'authenticators').describe('Every one of these must prove the same subject.'),
})
export const authenticateEntries = oneOrMany(
  z.union([name, all], { error: 'expected the name of an authenticator or { all: [NAMES] }' }),
).describe('Authenticators, any of which admits.')

const require = z.strictObject({
  roles: oneOrMany(text('a role'), 0).prefault([]).describe('Roles that an identity must have, all of them.'),
  addresses: z
    .strictObject({
      allow: oneOrMany(addressRange).optional().describe('Client addresses that may come in; absent: all.'),
      deny: oneOrMany(addressRange).optional().describe('Client addresses that may not, whatever `allow` says.'),
    })
    .prefault({})
    .describe('Client addresses, after trusted proxies.'),
})

const HEADER_TEXT = 'expected the name of a message header, at most 128 bytes, other than CC and BCC'
const headerName = z.string().regex(/^(?!(?:cc|bcc)$)[\x21-\x7e]{1,128}$/i, { error: HEADER_TEXT })

const stamp = z.strictObject({
  userId: z
    .enum(['broker', 'subject', 'remove'])
    .prefault('broker')
    .describe(
      'The `user-id` of every message: the broker user, the subject (its broker user needs the tag `impersonator`), or none.',
    ),
  appId: text('an application id', 255).optional().describe('The `app-id` of every message; variables are filled in.'),
  timestamp: z.boolean().prefault(false).describe("Replaces `timestamp` by the gateway's clock."),
  headers: z
    .record(headerName, text('the text of a header', 1024))
    .prefault({})
    .describe(
      'Header → text; variables are filled in. What the client sent under that name, in any spelling, is removed.',
    ),
})

const audit = z.strictObject({
  include: z
    .array(z.enum(['declare', 'bind', 'delete', 'consume', 'publish']))
    .prefault([])
    .describe('Events beside sessions and refusals, which are always written.'),
  onFailure: z
    .enum(['count', 'refuse'])
    .prefault('count')
    .describe('When an event cannot be written: count it and go on, or refuse what it was about.'),
})

const service = z.strictObject({
  path: path.describe('Path of the WebSocket, compared exactly.'),
  broker: name.describe('One of `brokers`.'),
  vhost: vhost.optional().describe("Replaces the vhost that the client asks for. A rule's own goes before it."),
  vhosts: atLeastOne(vhost, 'vhosts').optional().describe('Vhosts among which the client chooses.'),
  origins: oneOrMany(origin, 0)
    .prefault([])
    .describe(
      'Origins whose pages may connect; `https://*.preview.example.com` for all hosts below one; absent: no browser gets in.',
    ),
  authenticate: authenticateEntries.optional(),
  anonymous: z.boolean().prefault(false).describe('Instead of `authenticate`: everyone is the subject `anonymous`.'),
  require: require.prefault({}).describe('What an identity must have beside its proof.'),
  promote: promote.describe('Rules from identities to credentials; the first that matches wins, none: refused.'),
  permissions: z
    .array(permission)
    .optional()
    .describe('What each identity may do, by default nothing; absent: the broker decides.'),
  entitlements: entitlements
    .optional()
    .describe(
      'Who is asked what each identity may do; its answers are added to `permissions`, which are enforced then.',
    ),
  enforce: z.boolean().prefault(true).describe('`false`: what `permissions` would refuse is logged and let through.'),
  stamp: stamp.optional().describe('What every published message carries, whatever the client sent.'),
  sessionTimeout: duration('1s', '3650d')
    .prefault('24h')
    .describe("Hard lifetime of a session; a token's expiry, if earlier, wins."),
  refusal: z
    .enum(['auto', 'http', 'amqp'])
    .prefault('auto')
    .describe('How the gateway refuses: by HTTP status, in AMQP after the upgrade, or in AMQP to browsers only.'),
  development: z
    .boolean()
    .prefault(false)
    .describe('Clients read why they are refused, as operators do; on listeners at loopback addresses only.'),
  limits: limits.prefault({}).describe('What sessions may take.'),
  audit: audit.prefault({}).describe('Which audit events are written.'),
})

export const services = atLeastOne(service, 'services')
