/** Authenticators whose proof somebody else issued: an identity provider, a certificate authority, a Kerberos realm. */
import { z } from 'zod'
import { ASYMMETRIC_ALGORITHMS, SYMMETRIC_ALGORITHMS } from '../../../auth/index.ts'
import { secret } from './secrets.ts'
import {
  CLIENT_AUTHENTICATION,
  claimPath,
  count,
  duration,
  filePath,
  issuerUrl,
  oneOrMany,
  separator,
  text,
  url,
} from './units.ts'

export function isSymmetric(algorithm: string): boolean {
  return SYMMETRIC_ALGORITHMS.some((symmetric) => symmetric === algorithm)
}

const CARRIER_TEXT = 'expected bearer, subprotocol or "cookie:NAME"'
const carrier = z
  .string({ error: CARRIER_TEXT })
  .regex(/^(?:bearer|subprotocol|cookie:[!#$%&'*+.^_`|~A-Za-z0-9-]{1,128})$/, { error: CARRIER_TEXT })

const subject = claimPath.prefault('sub').describe('Claim with the subject.')
const roles = claimPath
  .optional()
  .describe(
    'Claim with the roles: a list, or a text that is one role, such as `realm_access.roles` or `resource_access."com.example.app".roles`; absent: none.',
  )
const rolesSeparator = separator
  .optional()
  .describe(
    'What stands between roles where the claim is one text; absent: a blank in `scope` and `scp`, else nothing.',
  )
const rolesFrom = z
  .enum(['value', 'keys'])
  .prefault('value')
  .describe('Where in the claim the roles are: `keys` where it is an object whose keys are the roles.')

export const jwt = z.strictObject({
  type: z.literal('jwt').describe('Signed tokens (JWT) of an identity provider.'),
  issuer: text('an issuer').describe("The provider's issuer identifier, a URL or a name; compared exactly with `iss`."),
  audience: oneOrMany(text('an audience')).describe('One of these must be among the audiences of the token.'),
  audienceClaim: claimPath
    .prefault('aud')
    .describe('Claim with the audiences of the token, such as `client_id` in access tokens of Amazon Cognito.'),
  jwksUri: url(['https:', 'http:'], 'https://idp.example.com/keys')
    .optional()
    .describe("Address of the provider's key set; kept, refreshed, and the last good one used through outages."),
  jwksFile: filePath.optional().describe('The key set as a file, instead of `jwksUri`.'),
  insecureKeySet: z
    .boolean()
    .prefault(false)
    .describe('Lets `jwksUri` be plain http where its host has private addresses only.'),
  algorithms: z
    .array(z.enum([...ASYMMETRIC_ALGORITHMS, ...SYMMETRIC_ALGORITHMS]))
    .min(1, { error: 'expected at least one algorithm' })
    .prefault(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'])
    .describe('Signature algorithms that are accepted; HS256 to HS512 only alone and with `jwksFile`.'),
  tokenType: text('a token type', 64)
    .optional()
    .describe(
      'What the header `typ` must be, such as `at+jwt`; `id-token` takes ID tokens; absent: any token that is no ID token.',
    ),
  subject,
  roles,
  rolesSeparator,
  rolesFrom,
  from: oneOrMany(carrier)
    .prefault(['bearer', 'subprotocol'])
    .describe('Carriers: `bearer` (Authorization), `subprotocol` (the Kubernetes entry beside `amqp`), `cookie:NAME`.'),
  maxAge: duration('1s', '3650d').optional().describe('Accepts tokens without `exp`, for so long after `iat`.'),
})

export const oidc = z.strictObject({
  type: z
    .literal('oidc')
    .describe('OpenID Connect login for pages that have none: `/auth/login`, a cookie, `/auth/logout`.'),
  issuer: issuerUrl.describe("The provider's issuer identifier; its metadata is found there."),
  clientId: text('a client id').describe('Client id at the provider.'),
  clientSecret: secret.optional().describe('Its secret; absent: a public client.'),
  clientAuthentication: z
    .enum(CLIENT_AUTHENTICATION)
    .optional()
    .describe(
      'How the secret is sent: Authorization header [RFC 6749 §2.3.1], the same without form-encoding, or form field; absent: as the provider says.',
    ),
  publicUrl: url(['https:', 'http:'], 'https://gateway.example.com').describe(
    'How browsers reach this gateway; the redirect URI is this and `/auth/callback`.',
  ),
  scope: text('scopes, separated by spaces')
    .prefault('openid profile email')
    .describe('Scopes to ask for; must contain `openid`.'),
  parameters: z
    .record(text('the name of a parameter', 64), text('a parameter'))
    .prefault({})
    .describe('What else the provider wants to be asked with, such as `prompt: consent` or `access_type: offline`.'),
  userinfo: z
    .boolean()
    .prefault(false)
    .describe("Asks the provider's UserInfo endpoint for the claims that are not in the ID token."),
  subject,
  roles,
  rolesSeparator,
  rolesFrom,
  cookie: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'expected the name of a cookie: letters, digits, _ and -' })
    .prefault('gatehouse')
    .describe(
      'The readable part of the login cookie’s name: over TLS it begins with `__Host-`, and it ends with a hash.',
    ),
  loginTimeout: duration('1m', '365d').prefault('12h').describe('Life of a login, however often it is refreshed.'),
  logins: count(1, 10_000_000)
    .prefault(10_000)
    .describe('Most logins kept at once, of about 10 kB each; the oldest goes first.'),
})

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

export const clientCertificate = z.strictObject({
  type: z.literal('clientCertificate').describe('TLS client certificates; the listener names the authorities.'),
  subject: oneOrMany(certificateSubject)
    .prefault(['uri', 'email', 'dns', 'name'])
    .describe(
      'Where the subject is: subject alternative name of that kind, common name, or RFC 4514 name; the first that is there.',
    ),
})

export const negotiate = z.strictObject({
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
