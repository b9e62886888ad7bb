/**
 * Reads `Authorization: Basic`, to the letter of RFC 7617 and nothing else: scheme in any case but whole, strict
 * base64, strict UTF-8, the first colon ends the name, no control characters, bounded.
 */
import type { IncomingMessage } from 'node:http'
import { hasControlCharacter } from '../../promotion/conditions/variables.ts'
import { headerValues } from '../carriers.ts'
import { MAX_PASSWORD_BYTES } from './password.ts'

/** What the header holds. `user` and `password` are as sent, not empty. */
export type BasicHeader =
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'present'; readonly user: string; readonly password: string }

const MAX_USER_BYTES = 255
const MAX_ENCODED_CHARACTERS = 4 * Math.ceil((MAX_USER_BYTES + 1 + MAX_PASSWORD_BYTES) / 3)
/** auth-scheme, then what follows it. [RFC 9110 §11.4] */
const CREDENTIALS = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(.*)$/s
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Absent where the header is, or is of another scheme. */
export function readBasicHeader(http: IncomingMessage): BasicHeader {
  const headers = headerValues(http, 'authorization')
  const basic = headers
    .map((header) => CREDENTIALS.exec(header))
    .filter((parts) => parts?.[1]?.toLowerCase() === 'basic')
  const [parts] = basic
  if (parts === undefined || parts === null) return { kind: 'absent' }
  if (headers.length > 1) return malformed('more than one Authorization header')
  return readCredentials(parts[2] ?? '')
}

function readCredentials(rest: string): BasicHeader {
  const encoded = /^ +([A-Za-z0-9+/]+={0,2})$/.exec(rest)?.[1]
  if (encoded === undefined) return malformed('not base64 after the scheme and a space')
  if (encoded.length > MAX_ENCODED_CHARACTERS) return malformed('too long')
  const bytes = Buffer.from(encoded, 'base64')
  // Node's decoder is lenient; only what it would write again is the one right way to write it.
  if (bytes.toString('base64') !== encoded) return malformed('not canonical base64')
  const text = decoded(bytes)
  bytes.fill(0)
  if (text === undefined) return malformed('not UTF-8')
  const colon = text.indexOf(':')
  if (colon === -1) return malformed('no colon between name and password')
  const user = text.slice(0, colon)
  const password = text.slice(colon + 1)
  if (user === '' || password === '') return malformed('an empty name or password')
  if (hasControlCharacter(text)) return malformed('control characters')
  if (Buffer.byteLength(user) > MAX_USER_BYTES) return malformed('the name is too long')
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return malformed('the password is too long')
  return { kind: 'present', user, password }
}

function decoded(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function malformed(what: string): BasicHeader {
  return { kind: 'malformed', detail: `Basic credentials: ${what}` }
}
