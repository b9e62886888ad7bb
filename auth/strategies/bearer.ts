/**
 * Where a request may carry a token: the Authorization header, the subprotocol entry that Kubernetes uses (browsers can
 * set no headers), a named cookie. Never the query, which every log on the way keeps.
 * Finds and unwraps; whether the token is any good is for others to say.
 */
import type { IncomingMessage } from 'node:http'
import { AuthenticationRefused } from '../errors.ts'
import { cookieValues, headerValues } from './carriers.ts'

/** `bearer`, `subprotocol` or `cookie:NAME`. */
export type Carrier = 'bearer' | 'subprotocol' | `cookie:${string}`

export interface CarriedToken {
  readonly token: string
  /** `authorization`, `subprotocol` or `cookie:NAME`. */
  readonly carrier: string
  /** Attached by the browser without the page's doing. */
  readonly fromCookie: boolean
}

/** What comes before the token, base64url and unpadded, in a subprotocol entry (kubernetes/kubernetes#47740). */
const TOKEN_SUBPROTOCOL = 'base64url.bearer.authorization.k8s.io.'

const MAX_ENTRY_BYTES = 16 * 1024
/** [RFC 6750 §2.1] */
const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i
const IS_BEARER = /^bearer(?: |$)/i

/**
 * The token in one carrier of a request; undefined where there is none.
 * @throws {AuthenticationRefused} `malformed`, where the carrier is there twice or holds no token
 */
export function findToken(http: IncomingMessage, from: Carrier): CarriedToken | undefined {
  const fromCookie = isCookieCarrier(from)
  const token = fromCookie
    ? cookieToken(http, from.slice('cookie:'.length))
    : from === 'bearer'
      ? bearerToken(http)
      : subprotocolToken(http)
  return token === undefined ? undefined : { token, carrier: carrierName(from), fromCookie }
}

/** Whether browsers attach it by themselves. */
export function isCookieCarrier(carrier: Carrier): boolean {
  return carrier.startsWith('cookie:')
}

/** How an outcome names the carrier. */
export function carrierName(from: Carrier): string {
  return from === 'bearer' ? 'authorization' : from
}

function cookieToken(http: IncomingMessage, name: string): string | undefined {
  const values = cookieValues(http, name)
  // Two cookies of one name: one of them is somebody else's, set for a wider domain or another path.
  if (values.length > 1) throw malformed(`the cookie ${name} is there ${values.length} times`)
  return values[0] === '' ? undefined : values[0]
}

function bearerToken(http: IncomingMessage): string | undefined {
  const headers = headerValues(http, 'authorization')
  if (headers.length > 1) throw malformed('the header Authorization is there twice')
  const [header] = headers
  if (header === undefined || !IS_BEARER.test(header)) return undefined
  const token = BEARER.exec(header)?.[1]
  if (token === undefined) throw malformed('the header Authorization says Bearer, but holds no token')
  return token
}

function subprotocolToken(http: IncomingMessage): string | undefined {
  const entries = headerValues(http, 'sec-websocket-protocol').flatMap((header) => header.split(','))
  const tokens = entries.map((entry) => entry.trim()).filter((entry) => entry.startsWith(TOKEN_SUBPROTOCOL))
  if (tokens.length > 1) throw malformed('there are two subprotocol entries with a token')
  const encoded = tokens[0]?.slice(TOKEN_SUBPROTOCOL.length)
  if (encoded === undefined) return undefined
  if (encoded.length > MAX_ENTRY_BYTES) throw malformed('the subprotocol entry with a token is too long')
  const bytes = Buffer.from(encoded, 'base64url')
  const token = bytes.toString('latin1')
  if (encoded === '' || bytes.toString('base64url') !== encoded || !/^[\x21-\x7e]+$/.test(token)) {
    throw malformed('the subprotocol entry does not hold a token in base64url without padding')
  }
  return token
}

function malformed(detail: string): AuthenticationRefused {
  return new AuthenticationRefused('malformed', detail)
}
