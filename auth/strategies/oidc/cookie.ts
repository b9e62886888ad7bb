/**
 * The cookies of a login, as `Set-Cookie` values [RFC 6265 §4.1]. Under TLS they are bound to the host by their name
 * (`__Host-`); a browser on plain http, which only a loopback address is, takes no such name, so it loses its prefix.
 */

export interface CookieScope {
  readonly name: string
  readonly secure: boolean
  /** `Lax` where a provider's redirect has to bring it back, `Strict` otherwise. */
  readonly sameSite: 'Lax' | 'Strict'
}

/** The name a browser will take on this scheme. */
export function cookieName(name: string, secure: boolean): string {
  return secure ? name : name.replace(/^__(?:Host|Secure)-/, '')
}

export function setCookie({ name, secure, sameSite }: CookieScope, value: string, maxAgeSeconds: number): string {
  const attributes = ['Path=/', `Max-Age=${maxAgeSeconds}`, 'HttpOnly', `SameSite=${sameSite}`]
  return [`${name}=${value}`, ...attributes, ...(secure ? ['Secure'] : [])].join('; ')
}

export function clearCookie(scope: CookieScope): string {
  return setCookie(scope, '', 0)
}
