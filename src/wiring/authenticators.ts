/**
 * Authenticators out of the configuration, each made once and shared by all services that name it. Files and modules
 * reach them through the functions handed over here.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  ANONYMOUS,
  type Authenticator,
  type AuthenticatorSurroundings,
  descriptorOf,
  InvalidConfiguration,
  type Mistake,
  type Requirement,
} from '../../auth/index.ts'
import type { Config, ServiceConfig } from '../config/schema/schema.ts'
import { stateScope, type Wanted, type WantingConfig, wantedBy } from './wanted.ts'

/** A configuration and what was made of its authenticators. */
export interface MadeAuthenticators extends Made {
  readonly config: WantingConfig
}

/** What was made of them. */
export interface Made {
  /** By name: those that services name, and those of the admin listener that services could share. */
  readonly authenticators: ReadonlyMap<string, Authenticator>
  /** By name, those that are others for the admin listener. */
  readonly adminAuthenticators: ReadonlyMap<string, Authenticator>
}

const KINDS = ['authenticators', 'adminAuthenticators'] as const

/** All of them, each once. */
export function allMade({ authenticators, adminAuthenticators }: Made): ReadonlySet<Authenticator> {
  return new Set([...authenticators.values(), ...adminAuthenticators.values()])
}

/** As the admin listener asks for them. */
export function forAdmin({ authenticators, adminAuthenticators }: Made): ReadonlyMap<string, Authenticator> {
  return new Map([...authenticators, ...adminAuthenticators])
}

/**
 * Those that services and the admin listener name. An authenticator of the same name and settings is taken over from
 * `before`; one with others is made, and continues what `surroundings.state` has kept of it.
 *
 * @throws {InvalidConfiguration}
 */
export async function makeAuthenticators(
  config: WantingConfig,
  surroundings: AuthenticatorSurroundings,
  before?: MadeAuthenticators,
): Promise<Made> {
  const [wanted, wantedBefore] = [wantedBy(config), before && wantedBy(before.config)]
  const made = await allOf(
    KINDS.flatMap((kind) =>
      [...wanted[kind]].map(async ([name, one]) => {
        const isKept = isDeepStrictEqual(wantedBefore?.[kind].get(name), one)
        const kept = isKept ? before?.[kind].get(name) : undefined
        return { kind, name, one: kept ?? (await placed(name, make(name, one, surroundings))) }
      }),
    ),
  )
  const ofKind = (kind: keyof Made) =>
    new Map(made.filter((each) => each.kind === kind).map(({ name, one }) => [name, one]))
  return { authenticators: ofKind('authenticators'), adminAuthenticators: ofKind('adminAuthenticators') }
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

/** Headers by which proxies say who somebody is: one alone, spelt with hyphens, may come. */
export function identityHeaders(config: Config): readonly string[] {
  return Object.values(config.authenticators).flatMap((one) => descriptorOf(one).identityHeaders?.(one) ?? [])
}

const EVERYONE: Authenticator = {
  name: 'anonymous',
  type: 'anonymous',
  authenticate: async () => ({ kind: 'proven', identity: ANONYMOUS }),
}

/** Mistakes in an authenticator are told with its place. */
async function placed<T>(name: string, made: Promise<T>): Promise<T> {
  try {
    return await made
  } catch (error) {
    throw error instanceof InvalidConfiguration ? error.under('authenticators', name) : error
  }
}

async function make(name: string, wanted: Wanted, surroundings: AuthenticatorSurroundings): Promise<Authenticator> {
  const { settings: config, basePath } = wanted
  return await descriptorOf(config).make(
    { name, config, scope: stateScope(name, wanted) },
    { ...surroundings, basePath },
  )
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

function named(made: ReadonlyMap<string, Authenticator>, name: string): Authenticator {
  const authenticator = made.get(name)
  if (authenticator === undefined) throw new Error(`there is no authenticator ${name}`)
  return authenticator
}
