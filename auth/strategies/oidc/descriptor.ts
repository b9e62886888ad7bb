/** The type `oidc`. */
import { z } from 'zod'
import { CLIENT_AUTHENTICATION } from '../../client-authentication.ts'
import type { Mistake } from '../../errors.ts'
import { readerOf } from '../../promotion/secrets/secrets.ts'
import { count, duration, isLoopback, issuerUrl, secret, text, url } from '../../schema/index.ts'
import { checkRoleKeys, claimKeys, missingRoles, rolesSourceOf } from '../claim-keys.ts'
import type { AuthenticatorDescriptor } from '../descriptor.ts'
import { oidcAuthenticator } from './oidc.ts'
import { isReturnPath } from './return.ts'

const { subject, ...roleKeys } = claimKeys

const PAGE_TEXT = 'expected a URL such as https://app.example.com/no-login, or a path such as /no-login'

/** Whoever is led there is a person in a browser. */
const pageAddress = z.string({ error: PAGE_TEXT }).refine((value) => isReturnPath(value) || isSafePage(value), {
  error: `${PAGE_TEXT}; http: is accepted for loopback addresses only`,
})

function isSafePage(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, hostname, username, password } = new URL(value)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

const schema = z.strictObject({
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
    'How browsers reach this gateway; the redirect URI is this, `basePath` and `/auth/callback`.',
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
  ...roleKeys,
  cookie: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'expected the name of a cookie: letters, digits, _ and -' })
    .prefault('gatehouse')
    .describe(
      'The readable part of the login cookie’s name: over TLS it begins with `__Host-`, and it ends with a hash.',
    ),
  errorUrl: pageAddress
    .optional()
    .describe(
      'Where a failed login leads, a URL or a path at `publicUrl`, with `?reason=` added; absent: a small page of the gateway.',
    ),
  loginTimeout: duration('1m', '365d').prefault('12h').describe('Life of a login, however often it is refreshed.'),
  logins: count(1, 10_000_000)
    .prefault(10_000)
    .describe('Most logins kept at once, of about 10 kB each; the oldest goes first.'),
})

export const oidc: AuthenticatorDescriptor<typeof schema> = {
  schema,
  check(config, { basePath = '' }) {
    const found: Mistake[] = checkRoleKeys(config)
    if (config.clientAuthentication !== undefined && config.clientSecret === undefined) {
      const message = 'without meaning: there is no `clientSecret`'
      found.push({ path: ['clientAuthentication'], at: 'key', message })
    }
    const { protocol, hostname, pathname, search } = new URL(config.publicUrl)
    if (protocol !== 'https:' && !isLoopback(hostname)) {
      const message = 'expected https: (http: is accepted for loopback addresses only)'
      found.push({ path: ['publicUrl'], message })
    }
    if (!['/', basePath, `${basePath}/`].includes(pathname) || search !== '') {
      const may = basePath === '' ? 'only' : `only, or ${basePath} behind them`
      const message = `expected scheme, host and port ${may}: ${basePath}/auth/callback is added to it`
      found.push({ path: ['publicUrl'], message })
    }
    if (!config.scope.split(' ').includes('openid')) {
      found.push({ path: ['scope'], message: 'expected `openid` among the scopes' })
    }
    return found
  },
  secrets: ({ clientSecret }) => (clientSecret === undefined ? [] : [{ path: ['clientSecret'], secret: clientSecret }]),
  ambient: () => 'it takes a cookie, which browsers send by themselves',
  rolesKey: missingRoles,
  issuer: ({ issuer }) => issuer,
  returnsTo: ({ publicUrl }) => publicUrl,
  bringsTokens: true,
  unfitForAdmin({ publicUrl }) {
    if (publicUrl !== undefined) return undefined
    return 'a login leads people away and back: set `admin.publicUrl`, by which browsers reach this listener'
  },
  // A cookie of its own: whoever has one of a service has none of the console. The page for errors is one for users.
  forAdmin: (config, publicUrl) => ({ publicUrl, cookie: `${config.cookie}-admin`, errorUrl: undefined }),
  /**
   * A login counts only as long as it would be read the same way again, from the same provider: its refresh token is shown
   * to nobody else, its roles are those of today.
   */
  memorySettings: (config) => [
    config.issuer,
    config.clientId,
    config.userinfo,
    config.subject,
    config.roles,
    config.rolesSeparator,
    config.rolesFrom,
  ],
  make({ name, config, scope }, { sources, state, observeKeys, notRevoked, basePath }) {
    const { clientSecret, loginTimeout, logins } = config
    return oidcAuthenticator(
      {
        name,
        issuer: config.issuer,
        clientId: config.clientId,
        readSecret: clientSecret === undefined ? undefined : readerOf(clientSecret, sources),
        clientAuthentication: config.clientAuthentication,
        userinfo: config.userinfo,
        publicUrl: config.publicUrl,
        basePath,
        scope: config.scope,
        parameters: config.parameters,
        subject: config.subject,
        roles: rolesSourceOf(config),
        cookie: config.cookie,
        errorUrl: config.errorUrl,
        loginTimeoutMs: loginTimeout,
        loginCount: logins,
        logins: state.logins(scope),
        pendingLogins: state.pendingLogins(scope),
      },
      { observe: (event) => observeKeys(name, event), notRevoked: (detail) => notRevoked(name, detail) },
    )
  },
}
