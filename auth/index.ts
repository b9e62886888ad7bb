/**
 * Who is it, and what does the broker see instead?
 * Reads no file and no environment, listens nowhere, writes no log; everything it needs is handed in, every failure refuses.
 */
export {
  type Admission,
  type AuthenticateOptions,
  authenticate,
  authenticatorsOf,
  challengesOf,
} from './authenticate.ts'
export type { AuthenticationRequest, Authenticator, Outcome, Requirement } from './authenticator.ts'
export { combine } from './combine.ts'
export {
  type AuthenticationCode,
  AuthenticationRefused,
  InvalidConfiguration,
  type Problem,
  type PromotionCode,
  PromotionRefused,
} from './errors.ts'
export { HashQueue, type HashQueueLimits } from './hash-queue.ts'
export { ANONYMOUS, type Identity, identityKey, identityKeys, sessionKeys } from './identity.ts'
export { DEFAULT_PARAMETERS, hashPassword, type ScryptParameters } from './password.ts'
export type { PermissionInput } from './policy/input.ts'
export { Policy, type SessionAuthorizer } from './policy/permissions.ts'
export { type AddressRanges, compileAddresses, networkOf } from './promotion/addresses.ts'
export { type Credential, type Credentials, checkCredentials, compileCredentials } from './promotion/credentials.ts'
export {
  decrypt,
  EncryptionError,
  type EncryptionKey,
  encrypt,
  generateKey,
  isEncrypted,
  type Keyring,
  parseKeys,
} from './promotion/encrypted.ts'
export type {
  CredentialInput,
  ExternalCredentialInput,
  MatchInput,
  PasswordCredentialInput,
  PromotionRuleInput,
  SecretInput,
  SecretSources,
  ValueInput,
  ValuesInput,
  VhostInput,
} from './promotion/input.ts'
export { compileMatch, type Match, type MatchFacts } from './promotion/match.ts'
export {
  compilePromotion,
  type Explanation,
  type Promoted,
  type Promotion,
  type PromotionContext,
  type PromotionFacts,
  type RuleExplanation,
} from './promotion/rules.ts'
export { compileSecret, type SecretReader } from './promotion/secrets.ts'
export { compileTemplate, plain, type Template, type VariableFacts, word } from './promotion/variables.ts'
export { renew } from './renew.ts'
export { Secret } from './secret.ts'
export { type BasicAuthenticator, type BasicOptions, basicAuthenticator } from './strategies/basic.ts'
export { clientCertificateAuthenticator } from './strategies/client-certificate.ts'
export { forwardedAuthenticator } from './strategies/forwarded.ts'
export type { KeySetEvent } from './strategies/jwks.ts'
export { type JwtOptions, jwtAuthenticator } from './strategies/jwt.ts'
export {
  type OidcAuthenticator,
  type OidcOptions,
  oidcAuthenticator,
  oidcAuthenticatorsOf,
} from './strategies/oidc.ts'
export type { LoginAnswer, LoginListener } from './strategies/oidc-login.ts'
export { pluginAuthenticator } from './strategies/plugin.ts'
export {
  type IssuedTicket,
  TICKET_COOKIE,
  type TicketAuthenticator,
  type TicketOptions,
  ticketAuthenticator,
  ticketAuthenticatorOf,
  ticketCookie,
  withoutTickets,
} from './strategies/ticket.ts'
export { compileUsers, type UserInput, type UsersInput } from './users.ts'
