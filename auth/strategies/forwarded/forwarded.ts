/**
 * The authenticator `forwarded`: a header in which a proxy says who has logged in at it. Believed only from the
 * operator's own proxies, by address and by a shared secret together; what only looks like such a header refuses.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { AuthenticationRequest, Authenticator, Outcome } from '../../authenticator.ts'
import { AuthenticationRefused } from '../../errors.ts'
import { compileAddresses } from '../../net/addresses.ts'
import type { Secret } from '../../secret.ts'
import { checkRoles, splitRoles } from '../claimed-roles.ts'
import { checkSubject } from '../claims.ts'
import { authenticatorOf } from '../strategy.ts'

export interface ForwardedOptions {
  readonly name: string
  /** Lower-case names of headers, without `_`. */
  readonly header: string
  readonly rolesHeader?: string | undefined
  /** What stands between roles; absent: a comma, and a header with a distinguished name in it refuses. */
  readonly rolesSeparator?: string | undefined
  /** Values by which the proxy says that nobody has logged in. */
  readonly nobody: readonly string[]
  readonly secretHeader: string
  /** The only peers that are believed: addresses and ranges. */
  readonly trustedProxies: readonly string[]
  /** Read for each request, so that it can be rotated. */
  readonly readSecret: () => Promise<Secret>
}

/** A part of a distinguished name, by the types that have a short name [RFC 4514 §3]. */
const RELATIVE_NAME = /^(?:CN|OU|DC|O|C|L|ST|STREET|UID)\s*=/i
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws {InvalidConfiguration} for a range that is none */
export function forwardedAuthenticator(options: ForwardedOptions): Authenticator {
  const proxies = compileAddresses(options.trustedProxies)
  const carrier = options.header
  return authenticatorOf({ name: options.name, type: 'forwarded' }, async (request): Promise<Outcome> => {
    try {
      const found = readHeaders(request, options)
      if (found === undefined) return { kind: 'absent' }
      if (!proxies.contain(request.peerAddress)) {
        throw rejected(`the header ${options.header} comes from ${request.peerAddress}, which is no trusted proxy`)
      }
      await checkSecret(found.secret, options)
      if (options.nobody.includes(found.subject)) return { kind: 'absent' }
      const { name } = options
      const identity = { issuer: name, subject: found.subject, authenticator: name, roles: found.roles, claims: {} }
      return { kind: 'proven', identity: { ...identity, fromCookie: false }, carrier }
    } catch (error) {
      if (!(error instanceof AuthenticationRefused)) throw error
      return { kind: 'refused', detail: error.message, carrier }
    }
  })
}

interface Found {
  readonly subject: string
  readonly roles: readonly string[]
  readonly secret: string | undefined
}

function readHeaders(request: AuthenticationRequest, options: ForwardedOptions): Found | undefined {
  const subject = single(request, options.header)
  const secret = single(request, options.secretHeader)
  const roles = options.rolesHeader === undefined ? undefined : single(request, options.rolesHeader)
  if (subject === undefined) return undefined
  return {
    subject: checkSubject(decode(subject, options.header), `the header ${options.header}`),
    roles: readRoles(roles, options),
    secret,
  }
}

/** The one value of a header; other spellings of its name, which some servers take for the same, refuse. */
function single({ http }: AuthenticationRequest, name: string): string | undefined {
  const values: string[] = []
  for (let index = 0; index + 1 < http.rawHeaders.length; index += 2) {
    const spelled = http.rawHeaders[index]?.toLowerCase() ?? ''
    if (spelled.replaceAll('_', '-') !== name) continue
    if (spelled !== name) throw rejected(`the header ${name} is spelled ${spelled}`)
    values.push(http.rawHeaders[index + 1] ?? '')
  }
  if (values.length > 1) throw rejected(`the header ${name} is there ${values.length} times`)
  return values[0]
}

function readRoles(value: string | undefined, options: ForwardedOptions): readonly string[] {
  const { rolesHeader, rolesSeparator, nobody } = options
  if (value === undefined || rolesHeader === undefined) return []
  const text = decode(value, rolesHeader)
  // A proxy writes a header that it has no value for as it writes a user whom it does not know.
  if (nobody.includes(text)) return []
  const roles = splitRoles(text, rolesSeparator ?? ',')
  if (rolesSeparator === undefined && roles.length > 1 && roles.some((role) => RELATIVE_NAME.test(role))) {
    throw rejected(`the header ${rolesHeader} has a distinguished name, which has commas itself: set rolesSeparator`)
  }
  return checkRoles(roles, `the header ${rolesHeader}`)
}

/** Node reads header values as Latin-1; names of people arrive in UTF-8. */
function decode(value: string, name: string): string {
  try {
    return utf8.decode(Buffer.from(value, 'latin1'))
  } catch {
    throw rejected(`the header ${name} is not UTF-8`)
  }
}

async function checkSecret(sent: string | undefined, { readSecret, secretHeader }: ForwardedOptions): Promise<void> {
  if (sent === undefined) throw rejected(`the header ${secretHeader} is missing`)
  const expected = (await readSecret()).reveal()
  const equal = timingSafeEqual(digest(expected), digest(Buffer.from(sent, 'latin1')))
  expected.fill(0)
  if (!equal) throw rejected(`the header ${secretHeader} does not hold the shared secret`)
}

/** Brings both to one length, so that comparing them takes the same time whatever was sent. */
function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function rejected(detail: string): AuthenticationRefused {
  return new AuthenticationRefused('rejected', detail)
}
