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
export interface Admission {
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
/** A refusal, and what the gateway itself broke over, if it did. */
type Refusal = Refused & { readonly cause?: unknown }
type Outcomes = ReadonlyMap<Authenticator, Exclude<Outcome, Refused> | Refusal>

/** @throws AuthenticationRefused with every challenge the requirement's authenticators know */
export async function authenticate(
  requirement: Requirement,
  request: AuthenticationRequest,
  { deadlineMs = DEADLINE_MS, cookieNeedsOrigin = true }: AuthenticateOptions = {},
): Promise<Admission> {
  const outcomes = await ask(requirement, request, deadlineMs)
  const proven = [...outcomes.values()].filter((outcome) => outcome.kind === 'proven')
  const challenges = challengesOf(requirement, request, outcomes)
  refuseBad([...outcomes.values()], proven, challenges)
  refuseDisagreement(proven, challenges)
  const winners = winningEntry(requirement, outcomes)
  if (winners === undefined) {
    const detail = proven.length === 0 ? 'no credential' : 'not every credential that has to come together was there'
    throw new AuthenticationRefused('missing', detail, { challenges })
  }
  if (winners.some(({ authenticator, outcome }) => authenticator.stillHolds?.(outcome.identity) === false)) {
    throw new AuthenticationRefused('rejected', 'the authority ended during the login', { challenges })
  }
  const identity = combine(winners.map((winner) => winner.outcome.identity))
  if (identity.expiresAtMs !== undefined && identity.expiresAtMs <= Date.now()) {
    throw new AuthenticationRefused('rejected', 'the credential has expired', { challenges })
  }
  if (cookieNeedsOrigin && identity.fromCookie && request.origin === undefined) {
    throw new AuthenticationRefused('rejected', 'a credential from a cookie needs an Origin header', { challenges })
  }
  return {
    identity,
    authenticators: winners.map((winner) => winner.authenticator.name),
    responseHeaders: Object.assign({}, ...winners.map((winner) => winner.outcome.responseHeaders)) as Record<
      string,
      string
    >,
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
  return [...new Set(requirement.flatMap((entry) => ('all' in entry ? entry.all : [entry])))]
}

async function ask(requirement: Requirement, request: AuthenticationRequest, deadlineMs: number): Promise<Outcomes> {
  const answers = authenticatorsOf(requirement).map(async (authenticator) => {
    try {
      const work = authenticator.authenticate(request)
      return [authenticator, await within(deadlineMs, `authenticator ${authenticator.name}`, work)] as const
    } catch (cause) {
      const detail = `authenticator ${authenticator.name} failed: ${cause instanceof Error ? cause.message : 'unknown error'}`
      const refusal: Refusal = { kind: 'refused', detail, cause: cause ?? new Error(detail) }
      return [authenticator, refusal] as const
    }
  })
  return new Map(await Promise.all(answers))
}

function refuseBad(
  outcomes: readonly (Outcome | Refusal)[],
  proven: readonly Proven[],
  challenges: readonly string[],
): void {
  const carriers = new Set(proven.flatMap(({ carrier }) => (carrier === undefined ? [] : [carrier])))
  const bad = outcomes
    .filter((outcome): outcome is Refusal => outcome.kind === 'refused')
    .filter((refusal) => !isForgiven(refusal, proven, carriers))
  const first = bad[0]
  if (first === undefined) return
  const detail = bad.map((refusal) => refusal.detail).join('; ')
  const cause = bad.find((refusal) => refusal.cause !== undefined)?.cause
  const waits = bad.flatMap(({ retryAfterSeconds }) => (retryAfterSeconds === undefined ? [] : [retryAfterSeconds]))
  if (waits.length > 0) {
    throw new AuthenticationRefused('throttled', detail, { challenges, cause, retryAfterSeconds: Math.max(...waits) })
  }
  const code = bad.every((refusal) => refusal.malformed === true) ? 'malformed' : 'rejected'
  throw new AuthenticationRefused(code, detail, { challenges, cause })
}

function isForgiven(refusal: Refusal, proven: readonly Proven[], carriers: ReadonlySet<string>): boolean {
  if (proven.length === 0 || refusal.cause !== undefined) return false
  return refusal.ambient === true || (refusal.carrier !== undefined && carriers.has(refusal.carrier))
}

function refuseDisagreement(proven: readonly Proven[], challenges: readonly string[]): void {
  const subjects = new Set(proven.map(({ identity }) => identity.subject))
  if (subjects.size > 1)
    throw new AuthenticationRefused('rejected', 'the credentials name different subjects', { challenges })
}

interface Winner {
  readonly authenticator: Authenticator
  readonly outcome: Proven
}

function winningEntry(requirement: Requirement, outcomes: Outcomes): readonly [Winner, ...Winner[]] | undefined {
  for (const entry of requirement) {
    const needed = 'all' in entry ? entry.all : [entry]
    const winners = needed.flatMap((authenticator): readonly Winner[] => {
      const outcome = outcomes.get(authenticator)
      return outcome?.kind === 'proven' ? [{ authenticator, outcome }] : []
    })
    const [first, ...others] = winners
    if (first !== undefined && winners.length === needed.length) return [first, ...others]
  }
  return undefined
}
