/**
 * Which pages of other origins may read what `/auth/*` answers: exactly those that the service lists. A page whose
 * origin is not listed gets no header and so no answer. [Fetch §3.2]
 */
import type { IncomingMessage } from 'node:http'

/** A day would outlive a change of the list; browsers cap it anyway. */
const PREFLIGHT_SECONDS = 600

/** For every answer, listed origin or not: caches must not mix them. */
export const VARY = { Vary: 'Origin' } as const

/** For an answer to a page whose origin is listed. */
export function corsHeaders(origin: string): Readonly<Record<string, string>> {
  return {
    ...VARY,
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Expose-Headers': 'Retry-After, WWW-Authenticate',
    'Cross-Origin-Resource-Policy': 'cross-origin',
  }
}

/** Whether a browser asks beforehand whether it may ask. */
export function isPreflight(request: IncomingMessage): boolean {
  return request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined
}

/** For the answer to a preflight of a listed origin. */
export function preflightHeaders(origin: string, methods: readonly string[]): Readonly<Record<string, string>> {
  return {
    ...corsHeaders(origin),
    'Access-Control-Allow-Methods': methods.join(', '),
    'Access-Control-Allow-Headers': 'Authorization, Content-Type, X-Requested-With',
    'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
  }
}
