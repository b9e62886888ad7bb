/**
 * Passport, as the gateway uses it: one strategy, one request, no response, no session, and a verdict that is a value.
 *
 * Passport hangs things on the request it is given, so each run is given one of its own: a view of the client's for a
 * strategy that reads it, and otherwise a new object. A strategy that throws, rejects or calls `error` rejects the run; the
 * caller fails closed.
 */
import type { IncomingMessage } from 'node:http'
import passport, { type Strategy, type StrategyCreatedStatic } from 'passport'
import type { AuthenticationRequest, Authenticator, Outcome } from '../authenticator.ts'

/** What a strategy decided. `pass`: neither yes nor no. `redirect`: it wanted the browser elsewhere, which an upgrade cannot do. */
export type StrategyVerdict =
  | { readonly kind: 'success'; readonly user: unknown; readonly info: unknown }
  | { readonly kind: 'fail'; readonly challenge: unknown; readonly status: number | undefined }
  | { readonly kind: 'pass' }
  | { readonly kind: 'redirect' }

/** Runs the strategy on one request, which must be kept by nobody else. A strategy of our own finds `request` in its options. Rejects when the strategy fails itself. */
export type StrategyRun = (http: object, request?: AuthenticationRequest) => Promise<StrategyVerdict>

type Middleware = (request: unknown, response: unknown, next: (error?: unknown) => void) => void

/** Registers the strategy with a Passport of its own. */
export function strategyRun(strategy: Strategy): StrategyRun {
  const own = new passport.Passport()
  own.use('only', guarded(strategy))
  return (http, request) =>
    new Promise<StrategyVerdict>((resolve, reject) => {
      const decided = (error: unknown, user: unknown, info: unknown, status: unknown) => {
        if (error) reject(asError(error))
        else if (user) resolve({ kind: 'success', user, info })
        else resolve({ kind: 'fail', challenge: info, status: typeof status === 'number' ? status : undefined })
      }
      const undecided = (error?: unknown) => (error ? reject(asError(error)) : resolve({ kind: 'pass' }))
      // Only a redirect writes to the response.
      const response = { statusCode: 0, setHeader: () => undefined, end: () => resolve({ kind: 'redirect' }) }
      const options = request === undefined ? { session: false } : { session: false, request }
      const decide = own.authenticate('only', options, decided) as Middleware
      decide(http, response, undecided)
    })
}

/** A request to hang things on, which reads like this one. Only where it is read: an object that others inherit from is slow. */
export function viewOf(http: IncomingMessage): IncomingMessage {
  return Object.create(http) as IncomingMessage
}

/** A Passport strategy of the gateway's own, made of the one function that decides. */
function strategyOf(name: string, prove: (request: AuthenticationRequest) => Promise<Outcome>): Strategy {
  return {
    name,
    async authenticate(_request: unknown, options: { readonly request: AuthenticationRequest }) {
      // Passport gives every request an object of its own that inherits from the strategy.
      const run = this as unknown as StrategyCreatedStatic
      const outcome = await prove(options.request)
      if (outcome.kind === 'proven') run.success(outcome)
      else if (outcome.kind === 'refused') run.fail({ message: outcome.detail, ...{ outcome } })
      else run.pass()
    },
  }
}

/** An authenticator whose decision is `prove`, run through Passport. */
export function authenticatorOf(
  description: Pick<Authenticator, 'name' | 'type' | 'challenge' | 'scriptChallenge'>,
  prove: (request: AuthenticationRequest) => Promise<Outcome>,
): Authenticator {
  const run = strategyRun(strategyOf(description.type, prove))
  return {
    ...description,
    async authenticate(request) {
      const verdict = await run({}, request)
      switch (verdict.kind) {
        case 'success':
          return verdict.user as Outcome
        case 'fail':
          return (verdict.challenge as { readonly outcome: Outcome }).outcome
        case 'pass':
          return { kind: 'absent' }
        case 'redirect':
          return { kind: 'refused', detail: 'the strategy wants to send the browser elsewhere' }
      }
    },
  }
}

/** Passport ignores what `authenticate` returns; an async strategy's rejection would otherwise end the process. */
function guarded(strategy: Strategy): Strategy {
  const guard = Object.create(strategy) as Strategy
  guard.authenticate = function (this: StrategyCreatedStatic, ...input: Parameters<Strategy['authenticate']>) {
    const returned: unknown = Reflect.apply(strategy.authenticate, this, input)
    if (returned instanceof Promise) returned.catch((error: unknown) => this.error(asError(error)))
  }
  return guard
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('the strategy failed without an error', { cause: thrown })
}
