/**
 * The authenticator `passport`: any installed Passport strategy that decides on one request, with the operator's own
 * verify function. What the strategy says is mapped, nothing of it is trusted to be well-formed; a strategy that
 * throws, or that wants to send the browser elsewhere, refuses.
 */
import type { AuthenticationRequest, Authenticator, Outcome } from '../../authenticator.ts'
import { AuthenticationRefused, InvalidConfiguration } from '../../errors.ts'
import type { Identity } from '../../identity.ts'
import { readRoles } from '../claimed-roles.ts'
import { checkSubject, deepFreeze, findClaim } from '../claims.ts'
import { isJsonObject, type JsonObject } from '../jwt/json.ts'
import { type StrategyVerdict, strategyRun } from '../strategy.ts'
import type { Load, StrategyParts } from './plugin-parts.ts'
import { pluginRequest } from './plugin-request.ts'
import { makeStrategy } from './plugin-strategy.ts'
import { tryStrategy } from './plugin-trial.ts'

export interface PluginOptions extends StrategyParts {
  readonly name: string
  /** Where in the user that the strategy gives the subject is, and the roles: names of keys, separated by dots. */
  readonly subject: string
  readonly roles: string
  /** What stands between roles where they are one text; absent: one text is one role. */
  readonly rolesSeparator?: string | undefined
  /** For `WWW-Authenticate`; where absent, what the strategy itself says. */
  readonly challenge?: string | undefined
  /** Whether browsers attach this credential by themselves. */
  readonly ambient: boolean
}

export interface PluginSurroundings {
  /** Imports a module by a package's name or an absolute path. */
  readonly load: Load
}

const CHALLENGE = /^[\x20-\x7e]{1,256}$/

/** @throws {InvalidConfiguration} when the strategy cannot be made, or could never decide about an upgrade */
export async function pluginAuthenticator(
  options: PluginOptions,
  { load }: PluginSurroundings,
): Promise<Authenticator> {
  const run = strategyRun(await makeStrategy(options, load))
  const { mistake, verdict: first } = await tryStrategy(run, options.module)
  if (mistake !== undefined) throw new InvalidConfiguration([{ path: ['module'], message: mistake }])
  let saidChallenge = first?.kind === 'fail' ? challengeOf(first) : undefined
  return {
    name: options.name,
    type: 'passport',
    /** What a strategy wants as a challenge is known from its refusals. */
    get challenge() {
      return options.challenge ?? saidChallenge
    },
    async authenticate(request: AuthenticationRequest): Promise<Outcome> {
      const verdict = await run(pluginRequest(request.http))
      if (verdict.kind === 'fail') saidChallenge = challengeOf(verdict) ?? saidChallenge
      return outcomeOf(verdict, options)
    },
  }
}

/** Passport does not tell a credential that is absent from one that is wrong; both give way to another that is proven. */
function outcomeOf(verdict: StrategyVerdict, options: PluginOptions): Outcome {
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

function challengeOf({ challenge }: Extract<StrategyVerdict, { kind: 'fail' }>): string | undefined {
  return typeof challenge === 'string' && CHALLENGE.test(challenge) ? challenge : undefined
}

function statusText(status: number | undefined): string {
  return status === undefined ? '' : ` (${status})`
}
