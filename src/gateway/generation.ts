/**
 * A generation: everything that is compiled from one configuration, as one immutable value. Requests read the current one
 * once, at their beginning. It holds no state: what has to outlive it is in `Lasting`.
 */
import { type Authenticator, type AuthenticatorSurroundings, oidcAuthenticatorsOf } from '../../auth/index.ts'
import { type Access, compileAccess } from '../admin/access.ts'
import { type Broker, makeBrokers, tryBrokerCredentials } from '../brokers/broker.ts'
import type { Environment } from '../config/environment.ts'
import { readProtected } from '../config/files/protected-file.ts'
import { parseUsers } from '../config/reading/load.ts'
import { ConfigError, formatPath } from '../config/reading/problems.ts'
import type { Config, ServiceConfig } from '../config/schema/schema.ts'
import { makeRoutes } from '../http/auth/make-routes.ts'
import { BasePath } from '../http/base-path.ts'
import type { Serving } from '../http/serving.ts'
import { AuditTrail } from '../ops/audit.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import { makeServices } from '../services/compile.ts'
import type { Service } from '../services/service.ts'
import { allMade, identityHeaders, makeAuthenticators } from '../wiring/authenticators.ts'
import { moduleLoader } from '../wiring/modules.ts'
import { secretSources } from '../wiring/secret-sources.ts'
import { stateScopes } from '../wiring/wanted.ts'
import type { Lasting } from './lasting.ts'

export interface Generation extends Serving {
  /** From 1; each one that is applied counts one more. */
  readonly number: number
  readonly config: Config
  readonly brokers: ReadonlyMap<string, Broker>
  readonly authenticators: ReadonlyMap<string, Authenticator>
  /** By name, those that are others for the admin listener: they have a login of their own there. */
  readonly adminAuthenticators: ReadonlyMap<string, Authenticator>
  /** Who may manage the gateway; undefined where nobody may. */
  readonly access: Access | undefined
}

/** What a generation is compiled with. */
export interface Compiling {
  readonly number: number
  readonly lasting: Lasting
  readonly metrics: Metrics
  readonly log: Log
  readonly env: Environment
  /** What modules with relative paths are relative to. */
  readonly folder: string
  /** The one that it follows; absent for the first. */
  readonly before?: Generation | undefined
}

/** A generation that is ready and not yet in force. Either function is called, once. */
export interface Compiled {
  readonly generation: Generation
  /**
   * To be called in the turn of the event loop in which it comes into force. Returns the keys (`identityKey`) of people who
   * lost their proof by it.
   */
  comesIntoForce(): readonly string[]
  /** Gives back what was made for it. */
  abandon(): void
}

/**
 * Compiles a configuration: reads its secrets, certificates, users and modules.
 *
 * @throws {ConfigError} with every secret that cannot be had
 * @throws {InvalidConfiguration} for a rule, a permission or an authenticator that cannot be
 */
export async function compileGeneration(config: Config, compiling: Compiling): Promise<Compiled> {
  const { number, lasting, metrics, log, env, folder, before } = compiling
  const load = moduleLoader(folder)
  const sources = secretSources(config, env, load)
  const brokers = makeBrokers(config, sources, lasting)
  await tryBrokerCredentials(brokers)
  const surroundings: AuthenticatorSurroundings = {
    sources,
    hashQueue: lasting.hashQueue,
    state: lasting.authState,
    observeKeys: (authenticator, { kind, where, ...rest }) =>
      log.write(kind, { authenticator, url: where, detail: 'detail' in rest ? rest.detail : `${rest.keyCount} keys` }),
    notRevoked: (authenticator, detail) => log.write('revocation-failed', { authenticator, detail }),
    load,
    // Read rarely, so that a reload must not find it in what is kept of secrets.
    readFile: readProtected,
    readUsers: async (path) => parseUsers((await readProtected(path)).toString(), path),
    processEnv: process.env,
    basePath: config.basePath,
  }
  const { authenticators, adminAuthenticators } = await makeAuthenticators(config, surroundings, before)
  const all = allMade({ authenticators, adminAuthenticators })
  const earlier = before === undefined ? new Set<Authenticator>() : allMade(before)
  const made = [...all].filter((one) => !earlier.has(one))
  const readAgain = await readTakenOver([...all].filter((one) => earlier.has(one)))
  const auditOf = ({ path, audit }: ServiceConfig) => new AuditTrail(log, path, audit.onFailure)
  const usagesOf = (path: string) => lasting.usages(path)
  const talliedBefore = (path: string) => before?.services.get(path)?.tallied
  const services = makeServices(config.services, {
    brokers,
    authenticators,
    sources,
    auditOf,
    usagesOf,
    talliedBefore,
    observeEntitlement: (...asked) => metrics.entitlementAsked(...asked),
  })
  await checkEntitlements(services)
  const basePath = new BasePath(config)
  const adminLogins = oidcAuthenticatorsOf(adminAuthenticators.values())
  const { bars, ticketCookies } = lasting
  const routes = makeRoutes({ basePath, services, adminLogins, metrics, log, bars, ticketCookies })
  const generation: Generation = {
    number,
    config,
    brokers,
    authenticators,
    adminAuthenticators,
    access: compileAccess(config, { authenticators, adminAuthenticators }),
    basePath,
    services,
    routes,
    identityHeaders: identityHeaders(config),
  }
  return {
    generation,
    comesIntoForce() {
      const left = [...earlier].filter((one) => !all.has(one))
      for (const one of left) one.close?.()
      lasting.authState.keepOnly(stateScopes(config))
      return [...readAgain.flatMap((use) => use()), ...left.flatMap((one) => lostBy(one, authenticators))]
    },
    abandon() {
      for (const one of made) one.close?.()
      if (before !== undefined) lasting.authState.keepOnly(stateScopes(before.config))
    },
  }
}

/** Loads every module and reads every secret, so that one that is no good stops the start. @throws {ConfigError} */
async function checkEntitlements(services: ReadonlyMap<string, Service>): Promise<void> {
  const found = [...services.values()].map(async ({ entitlements }, index) => {
    const problems = (await entitlements?.check()) ?? []
    return problems.map(({ path, message }) => ({
      path: formatPath(['services', index, 'entitlements', ...path]),
      message,
    }))
  })
  const problems = (await Promise.all(found)).flat()
  if (problems.length > 0) throw new ConfigError(problems)
}

/** What authenticators hold from outside is read again, and used only once everything has been read. */
async function readTakenOver(authenticators: readonly Authenticator[]): Promise<readonly (() => readonly string[])[]> {
  const reading = authenticators.map(async (one) => await one.readAgain?.())
  return (await Promise.all(reading)).filter((use) => use !== undefined)
}

/** Who cannot be proven any more by whatever came in an authenticator's place. */
function lostBy(left: Authenticator, authenticators: ReadonlyMap<string, Authenticator>): readonly string[] {
  return authenticators.get(left.name)?.lostSince?.(left) ?? []
}
