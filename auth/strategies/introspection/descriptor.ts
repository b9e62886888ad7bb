/** The type `introspection`. */
import { z } from 'zod'
import { CLIENT_AUTHENTICATION } from '../../client-authentication.ts'
import type { Mistake } from '../../errors.ts'
import { readerOf } from '../../promotion/secrets/secrets.ts'
import { duration, issuerUrl, oneOrMany, secret, text } from '../../schema/index.ts'
import { isCookieCarrier } from '../bearer.ts'
import { carrierKey } from '../carrier-schema.ts'
import { checkRoleKeys, claimKeys, missingRoles, rolesSourceOf } from '../claim-keys.ts'
import type { AuthenticatorDescriptor } from '../descriptor.ts'
import { introspectionAuthenticator } from './introspection.ts'

const schema = z.strictObject({
  type: z.literal('introspection').describe('Opaque tokens, about which their provider is asked [RFC 7662].'),
  issuer: issuerUrl
    .optional()
    .describe("The provider's issuer identifier: its metadata name the endpoint, and it vouches for people."),
  url: issuerUrl.optional().describe('The introspection endpoint, where no metadata name it.'),
  clientId: text('a client id').describe('Client id of the gateway at the provider.'),
  clientSecret: secret.describe('Its secret.'),
  clientAuthentication: z
    .enum(CLIENT_AUTHENTICATION)
    .prefault('basic')
    .describe(
      'How client id and secret are sent: Authorization header [RFC 6749 §2.3.1], the same without form-encoding, or form fields.',
    ),
  audience: oneOrMany(text('an audience'))
    .optional()
    .describe('One of these must be among the audiences of the token; absent: any token of the provider.'),
  ...claimKeys,
  cache: duration('0s', '1h').prefault('60s').describe('How long an answer is kept for one token; 0s: not at all.'),
  recheck: duration('1s', '24h')
    .prefault('60s')
    .describe('How often the tokens of live sessions are asked about again.'),
  from: oneOrMany(carrierKey).prefault(['bearer', 'subprotocol']).describe('Carriers, as for `jwt`.'),
})

export const introspection: AuthenticatorDescriptor<typeof schema> = {
  schema,
  check(config) {
    const found: Mistake[] = checkRoleKeys(config)
    if (config.issuer === undefined && config.url === undefined)
      found.push({ path: ['issuer'], message: 'missing: `issuer`, or the endpoint as `url`' })
    return found
  },
  warnings({ audience }) {
    const message = 'no `audience`: every token of this provider gets in, whomever it was made for'
    return audience === undefined ? [{ path: ['type'], message }] : []
  },
  secrets: ({ clientSecret }) => [{ path: ['clientSecret'], secret: clientSecret }],
  ambient: ({ from }) =>
    from.some(isCookieCarrier) ? 'it takes tokens from a cookie, which browsers send by themselves' : undefined,
  rolesKey: missingRoles,
  issuer: ({ issuer }) => issuer,
  bringsTokens: true,
  make({ name, config }, { sources }) {
    const { issuer, url, clientId, clientSecret, clientAuthentication, audience, subject, cache, recheck, from } =
      config
    return introspectionAuthenticator({
      name,
      issuer,
      url,
      clientId,
      clientAuthentication,
      readSecret: readerOf(clientSecret, sources),
      fetch: sources.fetch,
      audience,
      subject,
      roles: rolesSourceOf(config),
      from,
      cacheMs: cache,
      recheckMs: recheck,
    })
  },
}
