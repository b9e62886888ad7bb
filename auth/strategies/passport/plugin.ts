/**
 * The authenticator `passport`: any installed Passport strategy that decides on one request, with the operator's own
 * verify function. What the strategy says is mapped, nothing of it is trusted to be well-formed; a strategy that
 * throws, or that wants to send the browser elsewhere, refuses.
 */
import type { Strategy } from 'passport'
import type { AuthenticationRequest, Authenticator, Outcome } from '../../authenticator.ts'
import { AuthenticationRefused, InvalidConfiguration } from '../../errors.ts'
import type { Identity } from '../../identity.ts'
import { readRoles } from '../claimed-roles.ts'
import { checkSubject, deepFreeze, findClaim } from '../claims.ts'
import { isJsonObject, type JsonObject } from '../jwt/json.ts'
import { strategyRun, type Verdict, viewOf } from '../strategy.ts'

export interface PluginOptions {
  readonly name: string
  /** A package's name or a module's path, as `load` understands it. */
  readonly module: string
  /** The export that is the strategy's class. */
  readonly export: string
  /** The constructor's first argument; where absent, it gets the verify function alone. */
  readonly options?: Readonly<Record<string, unknown>>
  /** A module whose default export is the verify function. */
  readonly verify: string
  /** Where in the user that the strategy gives the subject is, and the roles: names of keys, separated by dots. */
  readonly subject: string
  readonly roles: string
  /** What stands between roles where they are one text; absent: one text is one role. */
  readonly rolesSeparator?: string | undefined
  /** For `WWW-Authenticate`; where absent, what the strategy itself says. */
  readonly challenge?: string
  /** Whether browsers attach this credential by themselves. */
  readonly ambient: boolean
}

export interface PluginSurroundings {
  /** Imports a module by a package's name or an absolute path. */
  readonly load: (module: string) => Promise<unknown>
}

type StrategyClass = new (...input: unknown[]) => Strategy

const CHALLENGE = /^[\x20-\x7e]{1,256}$/

/** @throws {InvalidConfiguration} when the modules do not hold what they should, or the strategy does not take its options */
export async function pluginAuthenticator(
  options: PluginOptions,
  surroundings: PluginSurroundings,
): Promise<Authenticator> {
  const run = strategyRun(await makeStrategy(options, surroundings))
  let saidChallenge: string | undefined
  return {
    name: options.name,
    type: 'passport',
    /** What a strategy wants as a challenge is known from its first refusal on. */
    get challenge() {
      return options.challenge ?? saidChallenge
    },
    async authenticate(request: AuthenticationRequest): Promise<Outcome> {
      const verdict = await run(viewOf(request.http))
      if (verdict.kind === 'fail') saidChallenge = challengeOf(verdict) ?? saidChallenge
      return outcomeOf(verdict, options)
    },
  }
}

async function makeStrategy(options: PluginOptions, { load }: PluginSurroundings): Promise<Strategy> {
  const Constructor = await find(load, options.module, options.export, 'module')
  const verify = await find(load, options.verify, 'default', 'verify')
  const input = options.options === undefined ? [verify] : [{ ...options.options }, verify]
  let strategy: Strategy
  try {
    strategy = new (Constructor as StrategyClass)(...input)
  } catch (cause) {
    throw invalid('options', `${options.module} does not take these options: ${messageOf(cause)}`)
  }
  if (typeof strategy.authenticate === 'function') return strategy
  throw invalid('export', `the export ${options.export} of ${options.module} is no Passport strategy`)
}

/** A function in a module; CommonJS modules hold it in their default export, or are it. */
async function find(
  load: PluginSurroundings['load'],
  module: string,
  name: string,
  key: 'module' | 'verify',
): Promise<unknown> {
  let loaded: unknown
  try {
    loaded = await load(module)
  } catch (cause) {
    throw invalid(key, `${module} cannot be loaded: ${messageOf(cause)}`)
  }
  const inside = property(loaded, name) ?? property(property(loaded, 'default'), name)
  if (typeof inside === 'function') return inside
  throw invalid(key, `${module} has no function ${name === 'default' ? 'as its default export' : name}`)
}

function property(value: unknown, name: string): unknown {
  const holds = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return holds ? (value as Record<string, unknown>)[name] : undefined
}

/** Passport does not tell a credential that is absent from one that is wrong; both give way to another that is proven. */
function outcomeOf(verdict: Verdict, options: PluginOptions): Outcome {
  switch (verdict.kind) {
    case 'success':
      return proven(verdict.user, options)
    case 'fail':
      return { kind: 'refused', detail: `the strategy says no${statusText(verdict.status)}`, ambient: true }
    case 'pass':
      return { kind: 'absent' }
    case 'redirect':
      return { kind: 'refused', detail: 'the strategy wants to send the browser elsewhere', ambient: true }
  }
}

function proven(user: unknown, options: PluginOptions): Outcome {
  try {
    return { kind: 'proven', identity: identityOf(user, options) }
  } catch (error) {
    if (!(error instanceof AuthenticationRefused)) throw error
    return { kind: 'refused', detail: error.message }
  }
}

/** Of the user only what was asked for: subject, roles, its `claims`, and `expiresAt` as a Date or in ms since the epoch. */
function identityOf(user: unknown, options: PluginOptions): Identity {
  const object: JsonObject = typeof user === 'string' ? { [options.subject]: user } : isJsonObject(user) ? user : {}
  const { claims, expiresAt } = object
  const expiresAtMs = expiresAt === undefined ? undefined : Number(expiresAt)
  if (expiresAtMs !== undefined && !(Number.isFinite(expiresAtMs) && expiresAtMs > 0)) {
    throw new AuthenticationRefused('rejected', "the user's expiresAt is no time")
  }
  return {
    issuer: options.name,
    subject: checkSubject(findClaim(object, options.subject), `the user's ${options.subject}`),
    authenticator: options.name,
    roles: readRoles(object, { path: options.roles, separator: options.rolesSeparator }),
    claims: deepFreeze(isJsonObject(claims) ? structuredClone(claims) : {}),
    fromCookie: options.ambient,
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  }
}

function challengeOf({ challenge }: Extract<Verdict, { kind: 'fail' }>): string | undefined {
  return typeof challenge === 'string' && CHALLENGE.test(challenge) ? challenge : undefined
}

function statusText(status: number | undefined): string {
  return status === undefined ? '' : ` (${status})`
}

function invalid(key: string, message: string): InvalidConfiguration {
  return new InvalidConfiguration([{ path: [key], message }])
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
