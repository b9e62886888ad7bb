/**
 * Asks who somebody is, within a deadline, and turns every way of not knowing into a refusal. The same for upgrades and
 * for `/auth/*`, so that no path is less guarded than another.
 */
import {
  type Authenticated,
  type AuthenticateOptions,
  AuthenticationRefused,
  type AuthenticationRequest,
  authenticate,
  type Requirement,
  StateUnavailable,
  withoutTickets,
} from '../../auth/index.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { Service } from '../services/service.ts'
import type { Bars } from '../sessions/bars.ts'
import { addressLine } from './allow-line.ts'
import type { Exchange } from './auth/request.ts'
import { barredBy } from './barred.ts'
import { isRefusal, type Refusal } from './refusal.ts'

/** Resolves in time, never rejects. */
export async function prove(
  requirement: Requirement,
  request: AuthenticationRequest,
  metrics: Metrics,
  options: AuthenticateOptions = {},
): Promise<Authenticated | Refusal> {
  try {
    const proven = await authenticate(requirement, request, options)
    metrics.authenticated('proven', proven.identity.authenticator)
    return proven
  } catch (error) {
    const refused = error instanceof AuthenticationRefused && error.cause === undefined ? error : undefined
    metrics.authenticated(refused?.code ?? 'failed')
    return refused === undefined ? unavailable(error) : refusalOf(refused)
  }
}

/** The same for a request to `/auth/*`: every credential that the service takes, except tickets, of anybody whom nothing bars. */
export async function proveExchange(
  service: Service,
  { request, origin, hop }: Exchange,
  { metrics, bars }: { readonly metrics: Metrics; readonly bars: Bars },
  options: AuthenticateOptions = {},
): Promise<Authenticated | Refusal> {
  const { address, peerAddress, isSecure } = hop
  if (!service.addresses.allows(address)) {
    return { cause: 'address-not-allowed', detail: 'require.addresses leaves it out', allow: addressLine(address) }
  }
  const asked = { http: request, service: service.path, origin, address, peerAddress, isSecure }
  const proven = await prove(withoutTickets(service.requirement), asked, metrics, options)
  return isRefusal(proven) ? proven : (barredBy(bars, proven.identity) ?? proven)
}

/** What a client hears that is to blame itself. */
export function refusalOf(error: AuthenticationRefused): Refusal {
  if (error.code !== 'throttled')
    return { cause: 'unauthenticated', detail: error.message, challenges: error.challenges }
  const seconds = Math.max(1, Math.ceil(error.retryAfterSeconds ?? 1))
  return { cause: 'too-many-attempts', detail: error.message, headers: { 'Retry-After': String(seconds) } }
}

/** Undefined where it is no failure of the store that gateways share. */
export function stateRefusal(error: unknown): Refusal | undefined {
  const failure = error instanceof Error && error.cause instanceof StateUnavailable ? error.cause : error
  return failure instanceof StateUnavailable ? { cause: 'state-unavailable', detail: failure.message } : undefined
}

function unavailable(error: unknown): Refusal {
  const state = stateRefusal(error)
  if (state !== undefined) return state
  return { cause: 'authentication-unavailable', detail: error instanceof Error ? error.message : 'unknown failure' }
}
