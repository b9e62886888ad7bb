/** The closed set of ways in which the door stays shut. `detail` and `message` are for operators, never for the client. */

export type AuthenticationCode = 'missing' | 'malformed' | 'rejected' | 'throttled'

export class AuthenticationRefused extends Error {
  override readonly name = 'AuthenticationRefused'
  readonly code: AuthenticationCode
  /** For `WWW-Authenticate`, one entry for each scheme the service accepts. */
  readonly challenges: readonly string[]
  readonly retryAfterSeconds: number | undefined

  /** `cause` is set where the gateway itself failed (an authenticator threw or took too long), not the client. */
  constructor(
    code: AuthenticationCode,
    detail: string,
    options: { challenges?: readonly string[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.challenges = options.challenges ?? []
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

export type PromotionCode = 'no-rule' | 'rule-refused' | 'bad-value' | 'secret-unavailable'

export class PromotionRefused extends Error {
  override readonly name = 'PromotionRefused'
  readonly code: PromotionCode
  /** The text that the rule has for the client, where a rule refused. */
  readonly forClient: string | undefined

  constructor(code: PromotionCode, detail: string, options: { cause?: unknown; forClient?: string } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.forClient = options.forClient
  }
}

/** An entitlement service says no. */
export class EntitlementRefused extends Error {
  override readonly name = 'EntitlementRefused'
  /** The service's own text for the client, if it has one. */
  readonly forClient: string | undefined

  constructor(reason: string | undefined) {
    super(reason === undefined ? 'the entitlement service refuses' : `the entitlement service refuses: ${reason}`)
    this.forClient = reason
  }
}

/** An entitlement service gave no answer in time, or none that is one. */
export class EntitlementUnavailable extends Error {
  override readonly name = 'EntitlementUnavailable'
}

/** The state that several processes share cannot be reached now: nothing is known, neither yes nor no. */
export class StateUnavailable extends Error {
  override readonly name = 'StateUnavailable'
}

/** One mistake in what an operator wrote: where (keys and indices below the object that was compiled), and what to do. */
export interface Mistake {
  readonly path: readonly (string | number)[]
  readonly message: string
  /** Whether the key itself is the mistake; absent: its value. */
  readonly at?: 'key' | 'value' | undefined
  /** The place, from the top of the configuration, whose own mistakes would explain this one. */
  readonly refersTo?: readonly string[] | undefined
}

/** The configuration cannot work. Carries all mistakes at once. */
export class InvalidConfiguration extends Error {
  override readonly name = 'InvalidConfiguration'
  readonly problems: readonly Mistake[]

  constructor(problems: readonly Mistake[]) {
    super(
      problems.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`)).join('\n'),
    )
    this.problems = problems
  }

  /** The same mistakes, seen from an object that holds the compiled one at this path. */
  under(...path: readonly (string | number)[]): InvalidConfiguration {
    return new InvalidConfiguration(this.problems.map((problem) => ({ ...problem, path: [...path, ...problem.path] })))
  }
}
