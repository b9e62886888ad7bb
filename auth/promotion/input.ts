/**
 * What promotion is compiled from: the shapes of the configuration file's `credentials`, `promote` and `when`, as plain
 * data. No file is read and nothing is decided here.
 */
import type { SaslMechanism } from '../../proxy/index.ts'

/** One value as written: a text must be equal, a glob or an expression must cover the whole value. */
export type ValueInput = string | number | boolean | { readonly glob: string } | { readonly matches: string }

/** One value, or a list of which any will do. */
export type ValuesInput = ValueInput | readonly ValueInput[]

/** `when` in promotion rules and `for` in permissions: all keys given must match. No key: anyone. */
export interface MatchInput {
  readonly subject?: ValuesInput
  /** Any of the identity's roles. */
  readonly role?: ValuesInput
  /** Claim name → value; a claim that is a list matches by any of its members. */
  readonly claim?: Readonly<Record<string, ValuesInput>>
  readonly issuer?: ValuesInput
  /** The name of the authenticator that proved the identity. */
  readonly authenticator?: ValuesInput
  /** Addresses or CIDR ranges. */
  readonly address?: string | readonly string[]
}

/** Where a secret lives. */
export type SecretInput =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'env'; readonly name: string }
  /** An absolute path; in a rule's template it may hold variables. */
  | { readonly kind: 'file'; readonly path: string }
  /** `place`: the dotted place in the configuration file for which it was encrypted. */
  | { readonly kind: 'encrypted'; readonly text: string; readonly place: string }

/** A named credential, or a rule's template (only there may `username` and a file's path hold variables). */
export interface CredentialInput {
  /** Absent: PLAIN or AMQPLAIN, whichever the broker offers. */
  readonly mechanism?: SaslMechanism
  /** With EXTERNAL: the user one expects the broker to derive from the certificate; may be absent. */
  readonly username?: string
  /** Required, except with EXTERNAL, which has none. */
  readonly password?: SecretInput
  /** Lets the broker user be `guest`, which RabbitMQ admits from its own machine only. */
  readonly allowLoopbackUser?: boolean
}

/** `vhost` pins, `vhosts` allows; never both. */
export interface VhostInput {
  readonly vhost?: string
  readonly vhosts?: readonly string[]
}

/** One entry of `promote`. */
export interface PromotionRuleInput extends VhostInput {
  readonly when?: MatchInput
  /** The name of one of the broker's credentials, or a template. */
  readonly to: string | CredentialInput
}

/** What promotion reads from outside. Every function may be called for each session. */
export interface SecretSources {
  /**
   * The whole file, at most 64 KiB, in a fresh buffer that is overwritten after use. Rejects when it is missing or its
   * permissions are too wide; the error's text is for operators.
   */
  readFile(path: string): Promise<Buffer>
  env(name: string): string | undefined
  /** The keys that may decrypt what is encrypted in the configuration. */
  readonly keys?: import('./encrypted.ts').Keyring
}
