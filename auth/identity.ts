/**
 * Who a client is proven to be. Made once by an authenticator, never changed; a renewal makes a new one.
 * All state about people (sessions, tickets, caches, revocation) is keyed by issuer and subject together.
 */
export interface Identity {
  /** Who vouches: the token's `iss`, or the authenticator's name where there is no such thing. */
  readonly issuer: string
  readonly subject: string
  /** The authenticator's name in the configuration. */
  readonly authenticator: string
  readonly roles: readonly string[]
  readonly claims: Readonly<Record<string, unknown>>
  /** When the proof itself ends (a token's `exp`), in ms since the epoch. */
  readonly expiresAtMs?: number
  /** Whether a browser attached the winning credential by itself from a cookie: then an Origin is required. */
  readonly fromCookie: boolean
  /** The user's own access token, where promotion may pass it on. Never printed. */
  readonly accessToken?: import('./secret.ts').Secret
  /** What ends with a login session: OIDC `sid`, cookie session id. */
  readonly sessionKey?: string
  /** Where several authenticators vouched together (`all`): what each of them said, the first listed first. */
  readonly parts?: readonly Identity[]
}

/** One key for one person: issuer and subject cannot run into each other. */
export function identityKey(identity: Pick<Identity, 'issuer' | 'subject'>): string {
  return JSON.stringify([identity.issuer, identity.subject])
}

/** Every key under which this identity can lose its authority: its own, and those of all who vouched with it. */
export function identityKeys(identity: Identity): readonly string[] {
  if (identity.parts === undefined) return [identityKey(identity)]
  return [...new Set([identity, ...identity.parts].map(identityKey))]
}

/** Every login session this identity hangs on. */
export function sessionKeys(identity: Identity): readonly string[] {
  return [...new Set([identity, ...(identity.parts ?? [])].flatMap(ownSessionKey))]
}

function ownSessionKey({ sessionKey }: Identity): readonly string[] {
  return sessionKey === undefined ? [] : [sessionKey]
}

/** Who everybody is on a service that says `anonymous: true`. Promotion rules still decide. */
export const ANONYMOUS: Identity = Object.freeze({
  issuer: 'anonymous',
  subject: 'anonymous',
  authenticator: 'anonymous',
  roles: Object.freeze([]),
  claims: Object.freeze({}),
  fromCookie: false,
})
