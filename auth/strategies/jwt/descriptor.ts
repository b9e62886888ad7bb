/** The type `jwt`. */
import { z } from 'zod'
import type { Mistake } from '../../errors.ts'
import { claimPlace, duration, filePath, isLoopback, oneOrMany, text, url } from '../../schema/index.ts'
import { isCookieCarrier } from '../bearer.ts'
import { carrierKey } from '../carrier-schema.ts'
import { checkRoleKeys, claimKeys, missingRoles, rolesSourceOf } from '../claim-keys.ts'
import type { AuthenticatorDescriptor } from '../descriptor.ts'
import { keySetUrlProblem } from './jwks-fetch.ts'
import { ASYMMETRIC_ALGORITHMS, isSymmetric, SYMMETRIC_ALGORITHMS } from './jwks-key.ts'
import { jwtAuthenticator } from './jwt.ts'

const schema = z.strictObject({
  type: z.literal('jwt').describe('Signed tokens (JWT) of an identity provider.'),
  issuer: text('an issuer').describe("The provider's issuer identifier, a URL or a name; compared exactly with `iss`."),
  audience: oneOrMany(text('an audience')).describe('One of these must be among the audiences of the token.'),
  audienceClaim: claimPlace
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
  ...claimKeys,
  from: oneOrMany(carrierKey)
    .prefault(['bearer', 'subprotocol'])
    .describe('Carriers: `bearer` (Authorization), `subprotocol` (the Kubernetes entry beside `amqp`), `cookie:NAME`.'),
  maxAge: duration('1s', '3650d').optional().describe('Accepts tokens without `exp`, for so long after `iat`.'),
})

export const jwt: AuthenticatorDescriptor<typeof schema> = {
  schema,
  check(config) {
    const { jwksUri, jwksFile, insecureKeySet, algorithms } = config
    const found: Mistake[] = checkRoleKeys(config)
    if (jwksUri === undefined && jwksFile === undefined) {
      found.push({ path: ['jwksUri'], message: 'missing: the keys are needed, as `jwksUri` or as `jwksFile`' })
    }
    const wrongUri = jwksUri === undefined ? undefined : keySetUrlProblem(jwksUri, insecureKeySet)
    if (wrongUri !== undefined) found.push({ path: ['jwksUri'], message: wrongUri })
    if (jwksUri !== undefined && jwksFile !== undefined) {
      found.push({ path: ['jwksFile'], at: 'key', message: 'expected either `jwksUri` or `jwksFile`, not both' })
    }
    const symmetricCount = algorithms.filter(isSymmetric).length
    if (symmetricCount > 0 && symmetricCount < algorithms.length) {
      const message = 'HS256 to HS512 stand alone: beside others, a public key could be taken for a shared one'
      found.push({ path: ['algorithms'], message })
    }
    if (symmetricCount > 0 && jwksFile === undefined) {
      found.push({ path: ['algorithms'], message: 'HS256 to HS512 need a shared key, in `jwksFile`' })
    }
    return found
  },
  /** Whoever can change the keys on their way can sign any token. */
  warnings({ insecureKeySet, jwksUri }) {
    if (!insecureKeySet) return []
    const { protocol, hostname } = new URL(jwksUri ?? 'file:')
    if (protocol === 'http:' && !isLoopback(hostname)) {
      const message = 'whoever can change these keys on their way here can be anybody: use https:'
      return [{ path: ['jwksUri'], message }]
    }
    const message = 'without meaning: no key set is fetched over http: from another machine'
    return [{ path: ['insecureKeySet'], at: 'key', message }]
  },
  files: ({ jwksFile }) => (jwksFile === undefined ? [] : [{ path: ['jwksFile'], file: jwksFile, holds: 'text' }]),
  ambient: ({ from }) =>
    from.some(isCookieCarrier) ? 'it takes tokens from a cookie, which browsers send by themselves' : undefined,
  rolesKey: missingRoles,
  issuer: ({ issuer }) => issuer,
  bringsTokens: true,
  make({ name, config }, { readFile, observeKeys }) {
    const { type: _type, roles: _roles, rolesSeparator: _separator, rolesFrom: _from, maxAge, ...settings } = config
    return jwtAuthenticator(
      { name, ...settings, roles: rolesSourceOf(config), maxAgeMs: maxAge },
      { readFile, observe: (event) => observeKeys(name, event) },
    )
  },
}
