/**
 * Who is it, and what does the broker see instead?
 * Reads no file and no environment, listens nowhere, writes no log; everything it needs is handed in, every failure refuses.
 */
export { type Admission, type AuthenticateOptions, authenticate, authenticatorsOf } from './authenticate.ts'
export type { AuthenticationRequest, Authenticator, Requirement } from './authenticator.ts'
export { claimPathProblem } from './claim-path.ts'
export { combine } from './combine.ts'
export { AuthenticationRefused, InvalidConfiguration, type Problem, PromotionRefused } from './errors.ts'
export { ANONYMOUS, type Identity, identityKey, identityKeys, sessionKeys } from './identity.ts'
export { leftOutText } from './left-out-claims.ts'
export { type AddressRanges, compileAddresses, networkOf } from './net/addresses.ts'
export { MAY_USAGE, may } from './policy/may.ts'
export { Policy } from './policy/permissions.ts'
export { unseparated } from './policy/separation.ts'
export { StampPolicy } from './policy/stamp.ts'
export { compileMatch } from './promotion/conditions/match.ts'
export { type VariableFacts, word } from './promotion/conditions/variables.ts'
export type { PromotedCredential } from './promotion/credentials/broker-credential.ts'
export { type Credentials, checkCredentials, compileCredentials } from './promotion/credentials/credentials.ts'
export type { SecretSources } from './promotion/input.ts'
export { compilePromotion, type Decision, type Promotion } from './promotion/rules.ts'
export {
  decrypt,
  EncryptionError,
  type EncryptionKey,
  encrypt,
  generateKey,
  type Keyring,
  parseKeys,
} from './promotion/secrets/encrypted.ts'
export { compileSecret } from './promotion/secrets/secrets.ts'
export { renew } from './renew.ts'
export { Secret } from './secret.ts'
export { MemoryState } from './state/memory/state.ts'
export type { AuthState } from './state/state.ts'
export type { RevokedKeys } from './state/tickets.ts'
export { basicAuthenticator } from './strategies/basic/basic.ts'
export { HashQueue } from './strategies/basic/hash-queue.ts'
export { hashPassword } from './strategies/basic/password.ts'
export { compileUsers, type UsersInput } from './strategies/basic/users.ts'
export type { RolesSource } from './strategies/claimed-roles.ts'
export { clientCertificateAuthenticator } from './strategies/client-certificate/client-certificate.ts'
export { forwardedAuthenticator } from './strategies/forwarded/forwarded.ts'
export type { KeySetEvent } from './strategies/jwt/jwks.ts'
export { keySetUrlProblem } from './strategies/jwt/jwks-fetch.ts'
export { ASYMMETRIC_ALGORITHMS, SYMMETRIC_ALGORITHMS } from './strategies/jwt/jwks-key.ts'
export { type JwtOptions, jwtAuthenticator } from './strategies/jwt/jwt.ts'
export { kerberosProblem } from './strategies/negotiate/gssapi.ts'
export { negotiateAuthenticator } from './strategies/negotiate/negotiate.ts'
export type { LoginAnswer, LoginListener } from './strategies/oidc/login.ts'
export {
  type OidcAuthenticator,
  type OidcOptions,
  oidcAuthenticator,
  oidcAuthenticatorsOf,
} from './strategies/oidc/oidc.ts'
export { type PluginOptions, pluginAuthenticator } from './strategies/passport/plugin.ts'
export {
  type IssuedTicket,
  isTicketAuthenticator,
  type TicketAuthenticator,
  ticketAuthenticator,
  ticketAuthenticatorOf,
  withoutTickets,
} from './strategies/ticket/ticket.ts'
