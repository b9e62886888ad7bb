/** One identity out of what several authenticators said together. */
import type { Identity } from './identity.ts'

/**
 * Combines proofs of one subject. The first gives issuer, subject and authenticator; roles are united; where claims
 * have one name the first listed wins; the proof ends when the first of them ends, and came from a cookie if any did.
 * One proof alone stays as it is.
 */
export function combine(identities: readonly Identity[]): Identity {
  const [first] = identities
  if (first === undefined) throw new RangeError('nothing to combine')
  if (identities.length === 1) return first
  const ends = identities.flatMap(({ expiresAtMs }) => (expiresAtMs === undefined ? [] : [expiresAtMs]))
  const accessToken = identities.find((identity) => identity.accessToken !== undefined)?.accessToken
  const sessionKey = identities.find((identity) => identity.sessionKey !== undefined)?.sessionKey
  return {
    issuer: first.issuer,
    subject: first.subject,
    authenticator: first.authenticator,
    roles: [...new Set(identities.flatMap(({ roles }) => roles))],
    // Later entries overwrite earlier ones, and `fromEntries` defines own properties whatever their names.
    claims: Object.fromEntries(identities.toReversed().flatMap(({ claims }) => Object.entries(claims))),
    fromCookie: identities.some(({ fromCookie }) => fromCookie),
    parts: identities.flatMap((identity) => identity.parts ?? [identity]),
    ...(ends.length > 0 && { expiresAtMs: Math.min(...ends) }),
    ...(accessToken !== undefined && { accessToken }),
    ...(sessionKey !== undefined && { sessionKey }),
  }
}
