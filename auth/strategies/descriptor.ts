/**
 * The face of a type of authenticators: all that the house asks about a type, from the keys of the configuration to the
 * authenticator itself. Each type's folder has one descriptor, and `registry.ts` a line for it; nothing else knows types.
 */
import type { z } from 'zod'
import type { Authenticator } from '../authenticator.ts'
import type { Mistake } from '../errors.ts'
import type { SecretSource } from '../schema/index.ts'
import type { AuthenticatorSurroundings } from './surroundings.ts'

/** The keys of a type: a strict object whose `type` is a literal. */
export type AuthenticatorSchema = z.ZodObject<{ readonly type: z.ZodLiteral<string> }, z.core.$strict>

/** An authenticator as the configuration has it. */
export interface ConfiguredAuthenticator<Config> {
  /** Its key in `authenticators`. */
  readonly name: string
  readonly config: Config
}

/** What else of the configuration decides whether an authenticator can work. */
export interface CheckContext<Config> {
  /** All authenticators of this type, in the order in which they are written. */
  readonly sameType: readonly ConfiguredAuthenticator<Config>[]
  /** Whether a listener asks TLS clients for certificates. */
  readonly asksForCertificates: boolean
  /** What stands before every path where browsers see it; undefined: nothing. */
  readonly basePath: string | undefined
}

/** What of the admin listener decides whether an authenticator can prove who manages the gateway. */
export interface AdminContext {
  /** Whether that listener asks TLS clients for certificates. */
  readonly asksForCertificates: boolean
  /** How browsers reach it; undefined: nobody has said. */
  readonly publicUrl: string | undefined
}

/** A file that an authenticator names. */
export interface NamedFile {
  /** Below the authenticator. */
  readonly path: readonly string[]
  readonly file: string
  /** `key` is a secret of bytes, `module` code, `certificates` PEM. */
  readonly holds: 'users' | 'text' | 'key' | 'module' | 'certificates'
  /** Whether `readAgain` is called when it changes. */
  readonly isFollowed?: true
}

/** A secret that an authenticator names. */
export interface NamedSecret {
  /** Below the authenticator. */
  readonly path: readonly string[]
  readonly secret: SecretSource
}

/**
 * Paths of mistakes are below the authenticator. Functions get a configuration that the schema has accepted. They are
 * methods, so that descriptors of all types fit into one list.
 */
export interface AuthenticatorDescriptor<Schema extends AuthenticatorSchema = AuthenticatorSchema> {
  /** Shape and defaults. The descriptions are the reference in the docs; that of `type` says what the type is. */
  readonly schema: Schema
  /** What cannot work: keys that exclude or need each other. */
  check?(config: z.output<Schema>, context: CheckContext<z.output<Schema>>): readonly Mistake[]
  /** What is possible but seldom meant. */
  warnings?(config: z.output<Schema>): readonly Mistake[]
  /** Files that are looked at before the start; those of secrets are not among them. */
  files?(config: z.output<Schema>): readonly NamedFile[]
  secrets?(config: z.output<Schema>): readonly NamedSecret[]
  /** Why browsers or proxies attach the credential without the page's doing; absent: they do not. */
  ambient?(config: z.output<Schema>): string | undefined
  /** Where people have no roles, the key that would give them some; empty where none can. */
  rolesKey?(config: z.output<Schema>): string | undefined
  /** Who vouches for its identities; absent: the authenticator, by its name. */
  issuer?(config: z.output<Schema>): string | undefined
  /** The URL of this gateway to which a login leads people back. */
  returnsTo?(config: z.output<Schema>): string
  /** Headers by which proxies say who somebody is: one alone, spelt with hyphens, may arrive. */
  identityHeaders?(config: z.output<Schema>): readonly string[]
  /** Besides type and name, the settings that must be the same for what it remembers to count. */
  memorySettings?(config: z.output<Schema>): readonly unknown[]
  /** Whether its identities have access tokens, which can be passed on to brokers. */
  readonly bringsTokens?: true
  /** Whether its credential is handed out on another proof, and stands for that. */
  readonly standsForProof?: true
  /** Why it cannot prove who manages the gateway; undefined: it can. Absent: it always can. */
  unfitForAdmin?(context: AdminContext): string | undefined
  /** Keys that it has otherwise for the admin listener, as another one; absent: services and that listener share it. */
  forAdmin?(config: z.output<Schema>, publicUrl: string): Readonly<Record<string, string | undefined>>
  /** The largest head of a request, in bytes, where its credential needs a larger one than usual. */
  readonly headBytes?: number
  /** Tries what only a machine can tell. Resolves to warnings, rejects with InvalidConfiguration where the start would. */
  tryOut?(
    given: ConfiguredAuthenticator<z.output<Schema>>,
    surroundings: Pick<AuthenticatorSurroundings, 'load'>,
  ): Promise<readonly Mistake[]>
  /**
   * @param given `scope` is that of its memories in `AuthState`
   * @throws {InvalidConfiguration}
   */
  make(
    given: ConfiguredAuthenticator<z.output<Schema>> & { readonly scope: string },
    surroundings: AuthenticatorSurroundings,
  ): Authenticator | Promise<Authenticator>
}
