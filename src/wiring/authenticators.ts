/**
 * Authenticators out of the configuration, each made once and shared by all services that name it. Files and modules
 * reach them through the functions handed over here.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  ANONYMOUS,
  type Authenticator,
  type AuthenticatorConfig,
  type AuthenticatorSurroundings,
  descriptorOf,
  InvalidConfiguration,
  type Mistake,
  type Requirement,
} from '../../auth/index.ts'
import type { Config, ServiceConfig } from '../config/schema/schema.ts'

/** A configuration and what was made of its authenticators. */
export interface MadeAuthenticators {
  readonly config: Pick<Config, 'authenticators' | 'services' | 'admin' | 'basePath'>
  readonly authenticators: ReadonlyMap<string, Authenticator>
}

/**
 * By name, those that services and the admin listener name. An authenticator of the same name and settings is taken over from
 * `before`; one with others is made, and continues what `surroundings.state` has kept of it.
 *
 * @throws {InvalidConfiguration}
 */
export async function makeAuthenticators(
  config: MadeAuthenticators['config'],
  surroundings: AuthenticatorSurroundings,
  before?: MadeAuthenticators,
): Promise<ReadonlyMap<string, Authenticator>> {
  const requirements = [...config.services.map(({ authenticate }) => authenticate), config.admin?.authenticate]
  const named = new Set(requirements.flatMap((entries) => (entries ?? []).flatMap(namesIn)))
  const isMoved = before !== undefined && before.config.basePath !== config.basePath
  const made = Object.entries(config.authenticators)
    .filter(([name]) => named.has(name))
    .map(async ([name, one]) => {
      const isKept = !isMoved && isDeepStrictEqual(before?.config.authenticators[name], one)
      const kept = isKept ? before?.authenticators.get(name) : undefined
      return [name, kept ?? (await placed(name, make(name, one, surroundings)))] as const
    })
  return new Map(await allOf(made))
}

/** All of them, or all of their mistakes at once. @throws {InvalidConfiguration} or whatever else failed first */
async function allOf<T>(made: readonly Promise<T>[]): Promise<readonly T[]> {
  const mistakes: Mistake[] = []
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
  return Object.values(config.authenticators).flatMap((one) => descriptorOf(one).identityHeaders?.(one) ?? [])
}

const EVERYONE: Authenticator = {
  name: 'anonymous',
  type: 'anonymous',
  authenticate: async () => ({ kind: 'proven', identity: ANONYMOUS }),
}

/** Whose memories an authenticator continues: those of its name and type, under the same settings where they matter. */
function stateScope(name: string, config: AuthenticatorConfig): string {
  return JSON.stringify([config.type, name, ...(descriptorOf(config).memorySettings?.(config) ?? [])])
}

/** Mistakes in an authenticator are told with its place. */
async function placed<T>(name: string, made: Promise<T>): Promise<T> {
  try {
    return await made
  } catch (error) {
    throw error instanceof InvalidConfiguration ? error.under('authenticators', name) : error
  }
}

async function make(
  name: string,
  config: AuthenticatorConfig,
  surroundings: AuthenticatorSurroundings,
): Promise<Authenticator> {
  return await descriptorOf(config).make({ name, config, scope: stateScope(name, config) }, surroundings)
}

/** What only this machine can tell of authenticators: mistakes as the start would find them, and warnings. */
export async function tryOutAll(
  { authenticators }: Pick<Config, 'authenticators'>,
  load: AuthenticatorSurroundings['load'],
): Promise<Record<'mistakes' | 'warnings', readonly Mistake[]>> {
  const tried = Object.entries(authenticators).map(async ([name, config]) => {
    const { tryOut = async () => [] } = descriptorOf(config)
    const warnings = await placed(name, tryOut({ name, config }, { load }))
    return new InvalidConfiguration(warnings).under('authenticators', name).problems
  })
  try {
    return { mistakes: [], warnings: (await allOf(tried)).flat() }
  } catch (error) {
    if (error instanceof InvalidConfiguration) return { mistakes: error.problems, warnings: [] }
    throw error
  }
}

function namesIn(entry: string | { readonly all: readonly string[] }): readonly string[] {
  return typeof entry === 'string' ? [entry] : entry.all
}

function named(made: ReadonlyMap<string, Authenticator>, name: string): Authenticator {
  const authenticator = made.get(name)
  if (authenticator === undefined) throw new Error(`there is no authenticator ${name}`)
  return authenticator
}
