/**
 * Reads `Authorization: Negotiate`: one header, scheme in any case but whole, strict base64, bounded. [RFC 4559 §4]
 * What is inside is not looked at here.
 */
import type { IncomingMessage } from 'node:http'
import { headerValues } from '../carriers.ts'

export type NegotiateHeader =
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly detail: string }
  /** `text` is the token in base64, `token` the same as bytes. */
  | { readonly kind: 'present'; readonly text: string; readonly token: Buffer }

/** Room for a ticket with many groups; beside it, 8 KiB of the listener's 32 are left for other headers. */
const MAX_TOKEN_CHARACTERS = 24 * 1024
/** auth-scheme, then what follows it. [RFC 9110 §11.4] */
const CREDENTIALS = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(.*)$/s

/** Absent where the header is, or is of another scheme. */
export function readNegotiateHeader(http: IncomingMessage): NegotiateHeader {
  const headers = headerValues(http, 'authorization')
  const parts = headers
    .map((header) => CREDENTIALS.exec(header))
    .find((found) => found?.[1]?.toLowerCase() === 'negotiate')
  if (parts === undefined || parts === null) return { kind: 'absent' }
  if (headers.length > 1) return malformed('more than one Authorization header')
  const rest = parts[2] ?? ''
  if (rest.length > MAX_TOKEN_CHARACTERS + 1) return malformed('the token is too long')
  const text = /^ ([A-Za-z0-9+/]+={0,2})$/.exec(rest)?.[1]
  if (text === undefined) return malformed('not one token in base64 after the scheme and a space')
  const token = Buffer.from(text, 'base64')
  // Node's decoder is lenient; only what it would write again is the one right way to write it.
  if (token.toString('base64') !== text) return malformed('not canonical base64')
  return { kind: 'present', text, token }
}

function malformed(what: string): NegotiateHeader {
  return { kind: 'malformed', detail: `Negotiate credentials: ${what}` }
}
