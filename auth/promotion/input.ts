/**
 * What promotion is compiled from: the shapes of the configuration file's `credentials`, `promote` and `when`, as plain
 * data. No file is read and nothing is decided here.
 */
import type { ClientAuthentication } from '../client-authentication.ts'
import type { Fetch } from '../strategies/jwt/jwks-fetch.ts'
import type { Keyring } from './secrets/encrypted.ts'

/** One value as written: a text must be equal, a glob or an expression must cover the whole value. */
export type ValueInput = string | number | boolean | { readonly glob: string } | { readonly matches: string }

/** One value, or a list of which any will do. */
export type ValuesInput = ValueInput | readonly ValueInput[]

/** `when` in promotion rules and `for` in permissions: all keys given must match. No key: anyone. */
export interface MatchInput {
  readonly subject?: ValuesInput | undefined
  /** Any of the identity's roles. */
  readonly role?: ValuesInput | undefined
  /** Claim name → value; a claim that is a list matches by any of its members. */
  readonly claim?: Readonly<Record<string, ValuesInput>> | undefined
  readonly issuer?: ValuesInput | undefined
  /** The name of the authenticator that proved the identity. */
  readonly authenticator?: ValuesInput | undefined
  /** Addresses or CIDR ranges. */
  readonly address?: string | readonly string[] | undefined
  /** Any of the tags that the winning promotion rule gave; in permissions only. */
  readonly tag?: ValuesInput | undefined
}

/** Where a secret lives. */
export type SecretInput =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'env'; readonly name: string }
  /** An absolute path; in a rule's template it may hold variables. */
  | { readonly kind: 'file'; readonly path: string }
  /** `place`: the place in the configuration file for which it was encrypted. */
  | { readonly kind: 'encrypted'; readonly value: string; readonly place: string }

/** A broker user and its password; in a rule's template, `username` and a file's path may hold variables. */
export interface PasswordCredentialInput {
  readonly kind?: 'password' | undefined
  readonly username: string
  readonly password: SecretInput
  /** Absent: PLAIN or AMQPLAIN, whichever the broker offers. */
  readonly mechanism?: 'PLAIN' | 'AMQPLAIN' | undefined
  /** Lets the broker user be `guest`, which RabbitMQ admits from its own machine only. */
  readonly allowLoopbackUser?: boolean | undefined
}

/** The broker looks at the gateway's client certificate. */
export interface ExternalCredentialInput {
  readonly kind: 'external'
  /** The user one expects the broker to derive from it; absent: the credential's name is shown instead. */
  readonly username?: string | undefined
}

/** The user's own access token as the password. */
export interface PassOnCredentialInput {
  readonly kind: 'passOn'
  /** The claim from which the broker reads the user; absent: the subject is shown instead. */
  readonly userClaim?: string | undefined
  /** Whether the broker is shown the fresh token that a client brings; by default it is. */
  readonly renew?: boolean | undefined
}

/** A token from client credentials as the password. [RFC 6749 §4.4] */
export interface ClientCredentialsInput {
  readonly kind: 'oauth2'
  /** The user that the broker reads from the token, for logs and stamps. */
  readonly username: string
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: SecretInput
  readonly scope?: string | undefined
  readonly audience?: string | undefined
  /** How id and secret are sent: in the Authorization header (`basic`, the default) or in the form. */
  readonly authentication?: ClientAuthentication | undefined
  /** Whether live sessions go on with fresh tokens; by default they do. */
  readonly renew?: boolean | undefined
}

/** A token that a provider makes of the user's own access token, as the password. [RFC 8693] */
export interface ExchangeCredentialInput {
  readonly kind: 'exchange'
  /** Whose metadata name the token endpoint, where `tokenUrl` does not. */
  readonly issuer?: string | undefined
  readonly tokenUrl?: string | undefined
  readonly clientId: string
  readonly clientSecret: SecretInput
  readonly audience?: string | undefined
  readonly scope?: string | undefined
  readonly authentication?: ClientAuthentication | undefined
  /** The claim from which the broker reads the user; absent: the subject is shown instead. */
  readonly userClaim?: string | undefined
  /** Whether live sessions go on with fresh tokens; by default they do. */
  readonly renew?: boolean | undefined
}

/** A module of the operator's own. */
export interface ModuleCredentialInput {
  readonly kind: 'module'
  /** An absolute path. */
  readonly module: string
  readonly options?: Readonly<Record<string, unknown>> | undefined
  /** For one answer, ms. */
  readonly timeout: number
  /** How long an answer is kept for one identity, ms; 0: not at all. */
  readonly cache: number
}

/** A named credential. */
export type CredentialInput =
  | PasswordCredentialInput
  | ExternalCredentialInput
  | PassOnCredentialInput
  | ClientCredentialsInput
  | ExchangeCredentialInput
  | ModuleCredentialInput

/** `vhost` pins, `vhosts` allows; never both. */
export interface VhostInput {
  readonly vhost?: string | undefined
  readonly vhosts?: readonly string[] | undefined
}

/** One entry of `promote`. `limits` are handed through to whoever makes the session. */
export interface PromotionRuleInput<Limits = unknown> extends VhostInput {
  readonly when?: MatchInput | undefined
  /** The name of one of the broker's credentials, or a template; never beside `refuse`. */
  readonly to?: string | PasswordCredentialInput | undefined
  /** The text with which whoever matches is refused. */
  readonly refuse?: string | undefined
  readonly limits?: Limits | undefined
  /** Labels for `for: { tag }` in permissions. */
  readonly tags?: readonly string[] | undefined
}

/** What promotion reads from outside. Every function may be called for each session. */
export interface SecretSources {
  /**
   * The whole file as it was a second ago at most, up to 64 KiB, in a fresh buffer that is overwritten after use. Rejects
   * when it is missing or its permissions are too wide; the error's text is for operators.
   */
  readFile(path: string): Promise<Buffer>
  env(name: string): string | undefined
  /** The keys that may decrypt what is encrypted in the configuration. */
  readonly keys?: Keyring | undefined
  /** Imports a module by its absolute path; without it, there are no credentials of that kind. */
  load?(module: string): Promise<unknown>
  /** Asks token endpoints; by default the platform's own. */
  readonly fetch?: Fetch
}
