/**
 * The cookies that the gateway sets, as `Set-Cookie` values [RFC 6265 §4.1].
 *
 * A cookie says nothing of who set it: a sibling domain can put one of its own beside ours, or in its place, and have a
 * visitor act as somebody else. Only its name can keep others out: browsers take `__Host-…` from this very host over TLS
 * and from nobody else [RFC 6265bis §4.1.3.2]. They take no such name over plain http, where only loopback addresses are.
 */
import { createHash } from 'node:crypto'

const HASH_CHARACTERS = 8

export interface CookieScope {
  readonly name: string
  readonly secure: boolean
  /** `Lax` where a provider's redirect has to bring it back, `Strict` otherwise. */
  readonly sameSite: 'Lax' | 'Strict'
}

/** Whose cookie it is. */
export interface CookieOwner {
  /** For people who look into their browser; a prefix that browsers know is left out. */
  readonly label: string
  /** The path that it is for, as browsers see it. Every `__Host-` cookie goes to all paths of a host: the name tells them apart. */
  readonly path: string
  /** Whether the browser speaks TLS. */
  readonly secure: boolean
}

/** The name of a cookie on this scheme, the same in every process of one configuration. */
export function cookieName({ label, path, secure }: CookieOwner): string {
  const bare = label.replace(/^__(?:Host|Secure)-/i, '')
  const hash = createHash('sha256').update(path).digest('hex').slice(0, HASH_CHARACTERS)
  return `${secure ? '__Host-' : ''}${bare}-${hash}`
}

export function setCookie({ name, secure, sameSite }: CookieScope, value: string, maxAgeSeconds: number): string {
  const attributes = ['Path=/', `Max-Age=${maxAgeSeconds}`, 'HttpOnly', `SameSite=${sameSite}`]
  return [`${name}=${value}`, ...attributes, ...(secure ? ['Secure'] : [])].join('; ')
}

export function clearCookie(scope: CookieScope): string {
  return setCookie(scope, '', 0)
}
