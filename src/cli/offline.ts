/** What of a configuration can be made without a network: credentials and rules, for commands that only look. */
import { dirname, resolve } from 'node:path'
import {
  type Credentials,
  checkCredentials,
  compileCredentials,
  compilePromotion,
  Entitlements,
  InvalidConfiguration,
  type Mistake,
  type Promotion,
  type SecretSources,
} from '../../auth/index.ts'
import type { Environment } from '../config/environment.ts'
import { withPlaces } from '../config/reading/load.ts'
import { ConfigError, formatPath, type Path, type Problem } from '../config/reading/problems.ts'
import type { Config, ServiceConfig } from '../config/schema/schema.ts'
import { tryOutAll } from '../wiring/authenticators.ts'
import { moduleLoader } from '../wiring/modules.ts'
import { secretSources } from '../wiring/secret-sources.ts'

/** A service's rules, ready to be asked. */
export interface OfflineService {
  readonly config: ServiceConfig
  readonly promotion: Promotion
}

export interface Offline {
  readonly file: string
  /** By the broker's name. */
  readonly credentials: ReadonlyMap<string, Credentials>
  readonly services: readonly OfflineService[]
  readonly sources: SecretSources
}

/** No secret is read. @throws ConfigError */
export function offline(config: Config, file: string, env: Environment): Offline {
  const sources = secretSources(config, env, moduleLoader(dirname(resolve(file))))
  const credentials = new Map(
    Object.entries(config.brokers).map(([name, broker]) => [
      name,
      compiled(file, ['brokers', name, 'credentials'], () => compileCredentials(broker.credentials, sources)),
    ]),
  )
  const services = config.services.map((service, index) => {
    const context = { credentials: credentials.get(service.broker) ?? new Map(), vhosts: service, sources }
    const promotion = compiled(file, ['services', index, 'promote'], () => compilePromotion(service.promote, context))
    return { config: service, promotion }
  })
  return { file, credentials, services, sources }
}

/** Reads every secret that needs no identity, and loads every module. Resolves to those that cannot be used. */
export async function secretProblems({ file, credentials, services, sources }: Offline): Promise<readonly Problem[]> {
  const named = [...credentials].map(async ([name, compiled]) =>
    located(file, ['brokers', name, 'credentials'], await checkCredentials(compiled)),
  )
  const own = services.map(async ({ promotion }, index) =>
    located(file, ['services', index, 'promote'], await promotion.check()),
  )
  const asked = services.map(async ({ config }, index) =>
    located(file, ['services', index, 'entitlements'], (await entitlementsOf(config, sources)?.check()) ?? []),
  )
  return (await Promise.all([...named, ...own, ...asked])).flat()
}

/** Whom a service asks; undefined where nobody. */
export function entitlementsOf({ entitlements }: ServiceConfig, sources: SecretSources): Entitlements | undefined {
  return entitlements === undefined ? undefined : new Entitlements(entitlements, sources)
}

/** Tries what only this machine can tell of authenticators: their modules and packages. */
export async function tryAuthenticators(
  config: Config,
  file: string,
): Promise<Record<'problems' | 'warnings', Problem[]>> {
  const { mistakes, warnings } = await tryOutAll(config, moduleLoader(dirname(resolve(file))))
  return { problems: located(file, [], mistakes), warnings: located(file, [], warnings) }
}

function compiled<T>(file: string, place: Path, compile: () => T): T {
  try {
    return compile()
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error
    throw new ConfigError(located(file, place, error.problems), { cause: error })
  }
}

function located(file: string, place: Path, problems: readonly Mistake[]): Problem[] {
  const found = problems.map(({ path, message }) => ({ file, path: formatPath([...place, ...path]), message }))
  return withPlaces(found, file)
}
