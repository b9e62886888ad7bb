/**
 * Who is it, and what does the broker see instead?
 * Reads no file and no environment, listens nowhere, writes no log; everything it needs is handed in, every failure refuses.
 */
export { type Admission, type AuthenticateOptions, authenticate, authenticatorsOf } from './authenticate.ts'
export type { AuthenticationRequest, Authenticator, Requirement } from './authenticator.ts'
export { combine } from './combine.ts'
export { AuthenticationRefused, InvalidConfiguration, type Problem, PromotionRefused } from './errors.ts'
export { HashQueue } from './hash-queue.ts'
export { ANONYMOUS, type Identity, identityKey, identityKeys, sessionKeys } from './identity.ts'
export { hashPassword } from './password.ts'
export { MAY_USAGE, may } from './policy/may.ts'
export { Policy } from './policy/permissions.ts'
export { StampPolicy } from './policy/stamp.ts'
export { type AddressRanges, compileAddresses, networkOf } from './promotion/addresses.ts'
export type { PromotedCredential } from './promotion/broker-credential.ts'
export { type Credentials, checkCredentials, compileCredentials } from './promotion/credentials.ts'
export {
  decrypt,
  EncryptionError,
  type EncryptionKey,
  encrypt,
  generateKey,
  type Keyring,
  parseKeys,
} from './promotion/encrypted.ts'
export type { SecretSources } from './promotion/input.ts'
export { compileMatch } from './promotion/match.ts'
export { compilePromotion, type Promotion } from './promotion/rules.ts'
export { compileSecret } from './promotion/secrets.ts'
export { type VariableFacts, word } from './promotion/variables.ts'
export { renew } from './renew.ts'
export { Secret } from './secret.ts'
export { basicAuthenticator } from './strategies/basic.ts'
export { clientCertificateAuthenticator } from './strategies/client-certificate.ts'
export { forwardedAuthenticator } from './strategies/forwarded.ts'
export { kerberosProblem } from './strategies/gssapi.ts'
export type { KeySetEvent } from './strategies/jwks.ts'
export { type JwtOptions, jwtAuthenticator } from './strategies/jwt.ts'
export { negotiateAuthenticator } from './strategies/negotiate.ts'
export { type OidcAuthenticator, type OidcOptions, oidcAuthenticator, oidcAuthenticatorsOf } from './strategies/oidc.ts'
export type { LoginAnswer, LoginListener } from './strategies/oidc-login.ts'
export { pluginAuthenticator } from './strategies/plugin.ts'
export {
  type TicketAuthenticator,
  ticketAuthenticator,
  ticketAuthenticatorOf,
  ticketCookie,
  withoutTickets,
} from './strategies/ticket.ts'
export { compileUsers, type UsersInput } from './users.ts'
