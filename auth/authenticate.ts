/**
 * Admits a request or refuses it: every authenticator of a service looks at it, and all that they find must agree.
 *
 * - An explicit credential that is no good refuses, even when another one is good; a bad cookie, which the browser
 *   attached by itself, counts as absent when another credential succeeds.
 * - All credentials proven in one request must name one subject.
 * - The first satisfied entry of the requirement wins. Of an `all`, the first listed authenticator gives issuer, claims
 *   before those of the others, and its name; roles are those of all together; the proof ends when the first part ends.
 * - An authenticator that throws or does not answer in time refuses: nobody gets in by the gateway's own failure.
 */
import type { AuthenticationRequest, Authenticator, Outcome, Requirement } from './authenticator.ts'
import { combine } from './combine.ts'
import { within } from './deadline.ts'
import { AuthenticationRefused } from './errors.ts'
import type { Identity } from './identity.ts'
import { headerValues } from './strategies/carriers.ts'

const DEADLINE_MS = 5000

/** A client that was let in. */
export interface Authenticated {
  readonly identity: Identity
  /** Names of the authenticators of the entry that won. */
  readonly authenticators: readonly string[]
  /** To be sent with the 101 or 200. */
  readonly responseHeaders: Readonly<Record<string, string>>
}

export interface AuthenticateOptions {
  /** For each authenticator. */
  readonly deadlineMs?: number
  /**
   * Whether a cookie's credential needs an Origin header, as on every upgrade. False only where the request changes
   * nothing and its answer cannot be read by another site (`GET /auth/whoami`).
   */
  readonly cookieNeedsOrigin?: boolean
}

type Proven = Extract<Outcome, { kind: 'proven' }>
type Refused = Extract<Outcome, { kind: 'refused' }>
type Outcomes = ReadonlyMap<Authenticator, Outcome>

/** @throws AuthenticationRefused with every challenge the requirement's authenticators know */
export async function authenticate(
  requirement: Requirement,
  request: AuthenticationRequest,
  { deadlineMs = DEADLINE_MS, cookieNeedsOrigin = true }: AuthenticateOptions = {},
): Promise<Authenticated> {
  const outcomes = await ask(requirement, request, deadlineMs)
  const decision = decide(requirement, request, { outcomes, cookieNeedsOrigin })
  if (!('denied' in decision)) return decision
  const { denied, detail, ...more } = decision
  const challenges = challengesOf(requirement, request, outcomes)
  throw new AuthenticationRefused(denied, detail, { ...more, challenges })
}

/** Why nobody is let in. */
interface Denial {
  readonly denied: AuthenticationRefused['code']
  readonly detail: string
  readonly cause?: unknown
  readonly retryAfterSeconds?: number
}

interface Asked {
  readonly outcomes: Outcomes
  readonly cookieNeedsOrigin: boolean
}

/** The detail of a refusal where nothing was sent that proves anything. */
export const NO_CREDENTIAL = 'no credential'

function decide(
  requirement: Requirement,
  request: AuthenticationRequest,
  { outcomes, cookieNeedsOrigin }: Asked,
): Authenticated | Denial {
  const all = [...outcomes.values()]
  const proven = all.filter(isProven)
  const denial = badDenial(all.filter(isRefused), proven) ?? disagreementDenial(proven)
  if (denial !== undefined) return denial
  const winners = winningEntry(requirement, outcomes)
  if (winners === undefined) {
    const detail = proven.length === 0 ? NO_CREDENTIAL : 'not every credential that has to come together was there'
    return { denied: 'missing', detail }
  }
  if (winners.some(hasEnded)) return { denied: 'rejected', detail: 'the authority ended during the login' }
  const identity = combine(winners.map(identityOf))
  if (identity.expiresAtMs !== undefined && identity.expiresAtMs <= Date.now())
    return { denied: 'rejected', detail: 'the credential has expired' }
  if (cookieNeedsOrigin && identity.fromCookie && request.origin === undefined)
    return { denied: 'rejected', detail: 'a credential from a cookie needs an Origin header' }
  return {
    identity,
    authenticators: winners.map(nameOf),
    responseHeaders: Object.assign({}, ...winners.map(responseHeadersOf)) as Record<string, string>,
  }
}

/** Values for `WWW-Authenticate`: one for each scheme, those meant for scripts where a page's script asks. [Fetch §4.6] */
export function challengesOf(
  requirement: Requirement,
  request: Pick<AuthenticationRequest, 'http'>,
  outcomes: ReadonlyMap<Authenticator, Outcome> = new Map(),
): readonly string[] {
  const modes = headerValues(request.http, 'sec-fetch-mode')
  const isScript = modes.some((mode) => mode === 'cors' || mode === 'same-origin')
  const challenges = authenticatorsOf(requirement).map((authenticator) => {
    const outcome = outcomes.get(authenticator)
    const challenge = (outcome?.kind === 'refused' ? outcome.challenge : undefined) ?? authenticator.challenge
    return isScript ? (authenticator.scriptChallenge ?? challenge) : challenge
  })
  return [...new Set(challenges.filter((challenge) => challenge !== undefined))]
}

/** Every authenticator of a requirement, once. */
export function authenticatorsOf(requirement: Requirement): readonly Authenticator[] {
  return [...new Set(requirement.flatMap(membersOf))]
}

/** Who must prove somebody for this entry to admit. */
function membersOf(entry: Requirement[number]): readonly Authenticator[] {
  return 'all' in entry ? entry.all : [entry]
}

async function ask(requirement: Requirement, request: AuthenticationRequest, deadlineMs: number): Promise<Outcomes> {
  const authenticators = authenticatorsOf(requirement)
  return new Map(await Promise.all(authenticators.map((authenticator) => answer(authenticator, request, deadlineMs))))
}

async function answer(
  authenticator: Authenticator,
  request: AuthenticationRequest,
  deadlineMs: number,
): Promise<readonly [Authenticator, Outcome]> {
  try {
    const work = authenticator.authenticate(request)
    return [authenticator, await within(deadlineMs, `authenticator ${authenticator.name}`, work)]
  } catch (cause) {
    const detail = `authenticator ${authenticator.name} failed: ${cause instanceof Error ? cause.message : 'unknown error'}`
    return [authenticator, { kind: 'refused', detail, cause: cause ?? new Error(detail) }]
  }
}

function isProven(outcome: Outcome): outcome is Proven {
  return outcome.kind === 'proven'
}

function isRefused(outcome: Outcome): outcome is Refused {
  return outcome.kind === 'refused'
}

function badDenial(refusals: readonly Refused[], proven: readonly Proven[]): Denial | undefined {
  if (refusals.length === 0) return undefined
  const carriers = new Set(proven.flatMap(({ carrier }) => (carrier === undefined ? [] : [carrier])))
  const bad = refusals.filter((refusal) => !isForgiven(refusal, proven, carriers))
  if (bad.length === 0) return undefined
  const detail = bad.map((refusal) => refusal.detail).join('; ')
  const cause = bad.find((refusal) => refusal.cause !== undefined)?.cause
  const waits = bad.flatMap(({ retryAfterSeconds }) => (retryAfterSeconds === undefined ? [] : [retryAfterSeconds]))
  if (waits.length > 0) {
    return { denied: 'throttled', detail, cause, retryAfterSeconds: Math.max(...waits) }
  }
  const denied = bad.every((refusal) => refusal.malformed === true) ? 'malformed' : 'rejected'
  return { denied, detail, cause }
}

function isForgiven(refusal: Refused, proven: readonly Proven[], carriers: ReadonlySet<string>): boolean {
  if (proven.length === 0) return false
  if (refusal.ambient === true) return true
  if (refusal.cause !== undefined) return false
  return refusal.carrier !== undefined && carriers.has(refusal.carrier)
}

function disagreementDenial([first, ...others]: readonly Proven[]): Denial | undefined {
  if (others.every(({ identity }) => identity.subject === first?.identity.subject)) return undefined
  return { denied: 'rejected', detail: 'the credentials name different subjects' }
}

interface Winner {
  readonly authenticator: Authenticator
  readonly outcome: Proven
}

function winningEntry(requirement: Requirement, outcomes: Outcomes): readonly [Winner, ...Winner[]] | undefined {
  for (const entry of requirement) {
    const needed = membersOf(entry)
    const winners: Winner[] = []
    for (const authenticator of needed) {
      const outcome = outcomes.get(authenticator)
      if (outcome?.kind === 'proven') winners.push({ authenticator, outcome })
    }
    const [first, ...others] = winners
    if (first !== undefined && winners.length === needed.length) return [first, ...others]
  }
  return undefined
}

function hasEnded({ authenticator, outcome }: Winner): boolean {
  return authenticator.stillHolds?.(outcome.identity) === false
}

function nameOf({ authenticator }: Winner): string {
  return authenticator.name
}

function identityOf({ outcome }: Winner): Identity {
  return outcome.identity
}

function responseHeadersOf({ outcome }: Winner): Proven['responseHeaders'] {
  return outcome.responseHeaders
}
