/**
 * Who is it, and what does the broker see instead?
 * Reads no file and no environment, listens nowhere, writes no log; everything it needs is handed in, every failure refuses.
 */
export {
  type Authenticated,
  type AuthenticateOptions,
  authenticate,
  authenticatorsOf,
  NO_CREDENTIAL,
} from './authenticate.ts'
export type { AuthenticationRequest, Authenticator, Requirement } from './authenticator.ts'
export { claimPathProblem } from './claim-path.ts'
export { CLIENT_AUTHENTICATION } from './client-authentication.ts'
export { combine } from './combine.ts'
export { type Entitlement, NO_ENTITLEMENT } from './entitlements/entitlement.ts'
export { type EntitlementOutcome, Entitlements, entitlementKey } from './entitlements/entitlements.ts'
export type { EntitlementQuestion } from './entitlements/input.ts'
export {
  AuthenticationRefused,
  EntitlementRefused,
  EntitlementUnavailable,
  InvalidConfiguration,
  type Mistake,
  PromotionRefused,
  StateUnavailable,
} from './errors.ts'
export { ANONYMOUS, type Identity, identityKey, identityKeys, sessionKeys } from './identity.ts'
export { leftOutDetail, leftOutText } from './left-out-claims.ts'
export { DeviceLogin, DeviceLoginFailed } from './login/device-login.ts'
export { KerberosLoginFailed, kerberosAuthorization } from './login/kerberos-login.ts'
export { type AddressRanges, compileAddresses, networkOf } from './net/addresses.ts'
export { type BrokerName, brokerNames } from './policy/broker-names.ts'
export { ALL_RIGHTS, type BrokerRights, brokerRights } from './policy/broker-rights.ts'
export { MAY_USAGE, may } from './policy/may.ts'
export { Policy } from './policy/permissions.ts'
export { unseparated } from './policy/separation.ts'
export { StampPolicy } from './policy/stamp.ts'
export { compileMatch } from './promotion/conditions/match.ts'
export { type VariableFacts, word } from './promotion/conditions/variables.ts'
export type { PromotedCredential } from './promotion/credentials/broker-credential.ts'
export { type Credentials, checkCredentials, compileCredentials } from './promotion/credentials/credentials.ts'
export type { SecretSources } from './promotion/input.ts'
export { compilePromotion, type Decision, type Promotion, type RuleExplanation } from './promotion/rules.ts'
export {
  decrypt,
  EncryptionError,
  type EncryptionKey,
  encrypt,
  generateKey,
  type Keyring,
  parseKeys,
} from './promotion/secrets/encrypted.ts'
export { readerOf } from './promotion/secrets/secrets.ts'
export { renew } from './renew.ts'
export { Secret } from './secret.ts'
export type { AttemptAllowance, Attempts } from './state/attempts.ts'
export type {
  AddedLogin,
  EndedLogin,
  Login,
  LoginLimits,
  LoginRenewal,
  Logins,
  Refreshed,
} from './state/logins.ts'
export { MemoryAttempts } from './state/memory/attempts.ts'
export { MemoryState } from './state/memory/state.ts'
export { KEPT_SECONDS, type PendingDevice, type PendingLogin, type PendingLogins } from './state/pending-logins.ts'
export type { AuthState } from './state/state.ts'
export type { RevokedKeys, Taken, TicketBinding, TicketLimits, Tickets } from './state/tickets.ts'
export { type AuthenticatorConfig, authenticatorSchema, descriptorOf } from './strategies/authenticator-types.ts'
export { HashQueue } from './strategies/basic/hash-queue.ts'
export { hashPassword } from './strategies/basic/password.ts'
export { usersMistakes } from './strategies/basic/users.ts'
export { usersFileSchema } from './strategies/basic/users-schema.ts'
export type { NamedFile } from './strategies/descriptor.ts'
export type { LoginAnswer, LoginFailure, LoginFailureReason } from './strategies/oidc/answer.ts'
export type { LoginListener } from './strategies/oidc/login.ts'
export {
  type OidcAuthenticator,
  oidcAuthenticatorsOf,
} from './strategies/oidc/oidc.ts'
export type { AuthenticatorSurroundings } from './strategies/surroundings.ts'
export {
  type IssuedTicket,
  isTicketAuthenticator,
  type TicketAuthenticator,
  ticketAuthenticatorOf,
  withoutTickets,
} from './strategies/ticket/ticket.ts'
