/**
 * Authenticators out of the configuration, each made once and shared by all services that name it. Files and modules
 * reach them through the functions handed over here.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  ANONYMOUS,
  type Authenticator,
  type AuthState,
  basicAuthenticator,
  clientCertificateAuthenticator,
  compileSecret,
  forwardedAuthenticator,
  type HashQueue,
  InvalidConfiguration,
  type JwtOptions,
  jwtAuthenticator,
  type KeySetEvent,
  negotiateAuthenticator,
  type OidcOptions,
  oidcAuthenticator,
  type PluginOptions,
  type Problem,
  pluginAuthenticator,
  type Requirement,
  type RolesSource,
  type SecretSources,
  ticketAuthenticator,
  type UsersInput,
} from '../../auth/index.ts'
import { readProtected } from '../config/files/protected-file.ts'
import { parseUsers } from '../config/reading/load.ts'
import type { AuthenticatorConfig, Config, ServiceConfig } from '../config/schema/schema.ts'
import { kerberosLoader } from './kerberos.ts'

/** What authenticators reach of the world outside. */
export interface Surroundings {
  readonly sources: SecretSources
  /** Shared by all that compute password hashes. */
  readonly hashQueue: HashQueue
  /** What outlives them. */
  readonly state: AuthState
  /** Told when an issuer's keys cannot be had, and when they can again. */
  observeKeys(authenticator: string, event: KeySetEvent): void
  /** Imports a module by a package's name or an absolute path. */
  load(module: string): Promise<unknown>
}

/** A configuration and what was made of its authenticators. */
export interface MadeAuthenticators {
  readonly config: Pick<Config, 'authenticators' | 'services' | 'admin' | 'basePath'>
  readonly authenticators: ReadonlyMap<string, Authenticator>
}

/**
 * By name, those that services and the admin listener name. An authenticator of the same name and settings is taken over from
 * `before`; one with others is made, and continues what `Surroundings.state` has kept of it.
 *
 * @throws {InvalidConfiguration}
 */
export async function makeAuthenticators(
  config: MadeAuthenticators['config'],
  surroundings: Surroundings,
  before?: MadeAuthenticators,
): Promise<ReadonlyMap<string, Authenticator>> {
  const requirements = [...config.services.map(({ authenticate }) => authenticate), config.admin?.authenticate]
  const named = new Set(requirements.flatMap((entries) => (entries ?? []).flatMap(namesIn)))
  const { basePath } = config
  const isMoved = before !== undefined && before.config.basePath !== basePath
  const made = Object.entries(config.authenticators)
    .filter(([name]) => named.has(name))
    .map(async ([name, one]) => {
      const isKept = !isMoved && isDeepStrictEqual(before?.config.authenticators[name], one)
      const kept = isKept ? before?.authenticators.get(name) : undefined
      return [name, kept ?? (await placed(name, makeAuthenticator(name, one, { ...surroundings, basePath })))] as const
    })
  return new Map(await allOf(made))
}

/** All of them, or all of their mistakes at once. @throws {InvalidConfiguration} or whatever else failed first */
async function allOf<T>(made: readonly Promise<T>[]): Promise<readonly T[]> {
  const mistakes: Problem[] = []
  const values = await Promise.all(
    made.map(async (one) => {
      try {
        return [await one]
      } catch (error) {
        if (!(error instanceof InvalidConfiguration)) throw error
        mistakes.push(...error.problems)
        return []
      }
    }),
  )
  if (mistakes.length > 0) throw new InvalidConfiguration(mistakes)
  return values.flat()
}

/** What a service asks for, with authenticators in the place of their names. */
export function requirementOf(service: ServiceConfig, made: ReadonlyMap<string, Authenticator>): Requirement {
  return service.anonymous ? [EVERYONE] : requirementFrom(service.authenticate ?? [], made)
}

/** Entries of `authenticate`, with authenticators in the place of their names. */
export function requirementFrom(
  entries: NonNullable<ServiceConfig['authenticate']>,
  made: ReadonlyMap<string, Authenticator>,
): Requirement {
  return entries.map((entry) =>
    typeof entry === 'string' ? named(made, entry) : { all: entry.all.map((name) => named(made, name)) },
  )
}

/** The scopes of what the authenticators of a configuration remember. */
export function stateScopes({ authenticators }: Pick<Config, 'authenticators'>): ReadonlySet<string> {
  return new Set(Object.entries(authenticators).map(([name, one]) => stateScope(name, one)))
}

/** Headers by which proxies say who somebody is: one alone, spelt with hyphens, may come. */
export function identityHeaders(config: Config): readonly string[] {
  const forwarded = Object.values(config.authenticators).filter((one) => one.type === 'forwarded')
  return forwarded.flatMap(({ header, rolesHeader, secretHeader }) =>
    rolesHeader === undefined ? [header, secretHeader] : [header, rolesHeader, secretHeader],
  )
}

const EVERYONE: Authenticator = {
  name: 'anonymous',
  type: 'anonymous',
  authenticate: async () => ({ kind: 'proven', identity: ANONYMOUS }),
}

/**
 * Whose memories an authenticator continues: those of its name and type. A login counts only as long as it would be read
 * the same way again, from the same provider: its refresh token is shown to nobody else, its roles are those of today.
 */
function stateScope(name: string, config: AuthenticatorConfig): string {
  if (config.type !== 'oidc') return JSON.stringify([config.type, name])
  const { issuer, clientId, userinfo, subject, roles, rolesSeparator, rolesFrom } = config
  return JSON.stringify([config.type, name, issuer, clientId, userinfo, subject, roles, rolesSeparator, rolesFrom])
}

/** Mistakes in an authenticator are told with its place. */
async function placed<T>(name: string, made: Promise<T>): Promise<T> {
  try {
    return await made
  } catch (error) {
    throw error instanceof InvalidConfiguration ? error.under('authenticators', name) : error
  }
}

/** Where browsers see them, for cookies and return addresses. */
interface Placing extends Surroundings {
  readonly basePath: string | undefined
}

async function makeAuthenticator(name: string, config: AuthenticatorConfig, of: Placing): Promise<Authenticator> {
  const scope = stateScope(name, config)
  switch (config.type) {
    case 'basic':
      return basicAuthenticator({
        name,
        realm: config.realm,
        ...(await usersOf(config.users)),
        queue: of.hashQueue,
        attempts: of.state.attempts(scope),
      })
    case 'ticket':
      return ticketAuthenticator({
        name,
        ttlSeconds: config.ttlSeconds,
        tickets: of.state.tickets(scope),
        basePath: of.basePath,
      })
    case 'jwt':
      return jwtAuthenticator(jwtOptions(name, config), {
        // A key set is no secret, and read rarely: a reload must not find it in what is kept of secrets.
        readFile: readProtected,
        observe: (event) => of.observeKeys(name, event),
      })
    case 'oidc':
      return oidcAuthenticator(
        {
          ...oidcOptions(name, config, of.sources),
          basePath: of.basePath,
          logins: of.state.logins(scope),
          pendingLogins: of.state.pendingLogins(scope),
        },
        {
          observe: (event) => of.observeKeys(name, event),
        },
      )
    case 'forwarded': {
      const { header, rolesHeader, rolesSeparator, nobody, secretHeader, trustedProxies } = config
      const secret = compileSecret(config.secret, of.sources, { template: false })
      const roles = rolesHeader === undefined ? {} : { rolesHeader }
      const readSecret = async () => await secret.read(undefined)
      const about = { header, ...roles, rolesSeparator, nobody }
      return forwardedAuthenticator({ name, ...about, secretHeader, trustedProxies, readSecret })
    }
    case 'clientCertificate':
      return clientCertificateAuthenticator({ name, subject: config.subject })
    case 'passport':
      return await pluginAuthenticator(pluginOptions(name, config), { load: of.load })
    case 'negotiate': {
      const { service, realms, subject, keytab } = config
      return await negotiateAuthenticator({ name, service, realms, subject }, { load: kerberosLoader(keytab, of.load) })
    }
  }
}

function pluginOptions(name: string, config: Extract<AuthenticatorConfig, { type: 'passport' }>): PluginOptions {
  const { type: _type, options, verify, challenge, ...rest } = config
  return {
    name,
    ...rest,
    ...(options === undefined ? {} : { options }),
    ...(verify === undefined ? {} : { verify }),
    ...(challenge === undefined ? {} : { challenge }),
  }
}

/** What is wrong with foreign strategies, as the start would find it. */
export async function pluginMistakes(config: Config, load: Surroundings['load']): Promise<readonly Problem[]> {
  const made = Object.entries(config.authenticators).map(async ([name, one]) =>
    one.type === 'passport' ? await placed(name, pluginAuthenticator(pluginOptions(name, one), { load })) : undefined,
  )
  try {
    await allOf(made)
    return []
  } catch (error) {
    if (error instanceof InvalidConfiguration) return error.problems
    throw error
  }
}

/** The schema has seen to it that carriers and algorithms are some. */
function jwtOptions(name: string, config: Extract<AuthenticatorConfig, { type: 'jwt' }>): JwtOptions {
  const { issuer, audience, audienceClaim, algorithms, subject, from, jwksUri, jwksFile, tokenType, maxAge } = config
  return {
    name,
    issuer,
    audience,
    audienceClaim,
    insecureKeySet: config.insecureKeySet,
    algorithms,
    subject,
    from: from as JwtOptions['from'],
    ...(jwksUri === undefined ? {} : { jwksUri }),
    ...(jwksFile === undefined ? {} : { jwksFile }),
    ...(tokenType === undefined ? {} : { tokenType }),
    roles: rolesSourceOf(config),
    ...(maxAge === undefined ? {} : { maxAgeMs: maxAge }),
  }
}

function oidcOptions(
  name: string,
  config: Extract<AuthenticatorConfig, { type: 'oidc' }>,
  sources: SecretSources,
): Omit<OidcOptions, 'logins' | 'pendingLogins'> {
  const { issuer, clientId, clientSecret, publicUrl, scope, parameters, subject, cookie } = config
  const secret = clientSecret === undefined ? undefined : compileSecret(clientSecret, sources, { template: false })
  return {
    name,
    issuer,
    clientId,
    ...(secret === undefined ? {} : { readSecret: async () => await secret.read(undefined) }),
    clientAuthentication: config.clientAuthentication,
    userinfo: config.userinfo,
    publicUrl,
    scope,
    parameters,
    subject,
    roles: rolesSourceOf(config),
    cookie,
    loginTimeoutMs: config.loginTimeout,
    loginCount: config.logins,
  }
}

function rolesSourceOf(config: Extract<AuthenticatorConfig, { type: 'jwt' | 'oidc' }>): RolesSource | undefined {
  const { roles, rolesSeparator, rolesFrom } = config
  return roles === undefined ? undefined : { path: roles, separator: rolesSeparator, from: rolesFrom }
}

/** Users in place stay as they are; those in a file can be read again. */
async function usersOf(users: string | UsersInput) {
  if (typeof users !== 'string') return { users }
  const loadUsers = async (): Promise<UsersInput> => parseUsers((await readProtected(users)).toString(), users)
  return { users: await loadUsers(), loadUsers }
}

function namesIn(entry: string | { readonly all: readonly string[] }): readonly string[] {
  return typeof entry === 'string' ? [entry] : entry.all
}

function named(made: ReadonlyMap<string, Authenticator>, name: string): Authenticator {
  const authenticator = made.get(name)
  if (authenticator === undefined) throw new Error(`there is no authenticator ${name}`)
  return authenticator
}
