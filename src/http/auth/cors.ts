/**
 * Which pages of other origins may read what `/auth/*` answers: exactly those that the service lists. A page whose
 * origin is not listed gets no header and so no answer. [Fetch §3.2]
 */
import type { IncomingMessage } from 'node:http'

/** A day would outlive a change of the list; browsers cap it anyway. */
const PREFLIGHT_SECONDS = 600

/** Characters of names of headers that a page may ask for. */
const LONGEST_LIST = 1024

const TOKEN = /^[!#$%&'*+.^_`|~a-z0-9-]+$/

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

export interface Preflight {
  readonly methods: readonly string[]
  /** `Access-Control-Request-Headers`, as sent. */
  readonly asked: string | undefined
  /** Names in lower case of the headers by which a trusted proxy says who somebody is. */
  readonly identityHeaders: readonly string[]
}

/**
 * For the answer to a preflight of a listed origin. Such a page may send any header, as tracing and firewalls add some that
 * nobody here knows; none by which the proxy in front would speak.
 */
export function preflightHeaders(
  origin: string,
  { methods, asked, identityHeaders }: Preflight,
): Readonly<Record<string, string>> {
  const allowed = tokensIn(asked ?? '').filter((name) => !identityHeaders.includes(name.replaceAll('_', '-')))
  return {
    ...corsHeaders(origin),
    'Access-Control-Allow-Methods': methods.join(', '),
    ...(allowed.length > 0 && { 'Access-Control-Allow-Headers': allowed.join(', ') }),
    'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
  }
}

/** In lower case; none where one of them is no name of a header. [RFC 9110 §5.6.2] */
function tokensIn(list: string): readonly string[] {
  if (list.length > LONGEST_LIST) return []
  const names = list.split(',').map((name) => name.trim().toLowerCase())
  return names.every((name) => TOKEN.test(name)) ? names : []
}
