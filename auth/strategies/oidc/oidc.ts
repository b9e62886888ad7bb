/**
 * The authenticator `oidc`: whoever has a cookie of the gateway's own login. The login itself is oidc-login.ts; here it
 * is joined to its provider, and a request's cookie is turned into an identity, renewed first where it has run out.
 */
import type { AuthenticationRequest, Authenticator, Outcome } from '../../authenticator.ts'
import type { ClientAuthentication } from '../../client-authentication.ts'
import { InvalidConfiguration, StateUnavailable } from '../../errors.ts'
import type { Secret } from '../../secret.ts'
import type { Logins } from '../../state/logins.ts'
import type { PendingLogins } from '../../state/pending-logins.ts'
import { cookieValues } from '../carriers.ts'
import type { RolesSource } from '../claimed-roles.ts'
import { KeySet, type KeySetEvent } from '../jwt/jwks.ts'
import { type Fetch, fetchJson, providerUrlProblem } from '../jwt/jwks-fetch.ts'
import { ASYMMETRIC_ALGORITHMS } from '../jwt/jwks-key.ts'
import { authenticatorOf } from '../strategy.ts'
import { OidcClient } from './client.ts'
import { IdentityMaker } from './identity.ts'
import { OidcLogin } from './login.ts'
import { LogoutTokens } from './logout.ts'

export interface OidcOptions {
  readonly name: string
  readonly issuer: string
  readonly clientId: string
  /** Absent for a public client. */
  readonly readSecret?: (() => Promise<Secret>) | undefined
  /** How the secret is shown; absent: as the provider's metadata asks for. */
  readonly clientAuthentication?: ClientAuthentication | undefined
  /** Whether the provider's UserInfo endpoint is asked, too. */
  readonly userinfo?: boolean | undefined
  /** How browsers reach the gateway; the redirect URI is its origin, the base path and `/auth/callback`. */
  readonly publicUrl: string
  /** What stands before the gateway's paths there; absent: nothing. */
  readonly basePath?: string | undefined
  readonly scope: string
  /** What else the provider wants in the authorization request. */
  readonly parameters?: Readonly<Record<string, string>>
  readonly subject: string
  readonly roles?: RolesSource | undefined
  /** The label in the login cookie's name. */
  readonly cookie: string
  /** A page for people whose login failed; absent: whoever answers tells them. */
  readonly errorUrl?: string | undefined
  /** Life of a login, however often it is refreshed. */
  readonly loginTimeoutMs: number
  /** Most logins kept at once. */
  readonly loginCount: number
  /** Where they are kept; shared with whoever had this name before, as the next ones. */
  readonly logins: Logins
  readonly pendingLogins: PendingLogins
}

export interface OidcSurroundings {
  readonly observe: (event: KeySetEvent) => void
  /** Called where the provider did not take back the refresh token of a login that has ended. */
  readonly notRevoked: (detail: string) => void
  readonly fetch?: Fetch
  readonly nowMs?: () => number
  readonly monotonicMs?: () => number
}

/** The authenticator, with the login that its routes need. */
export interface OidcAuthenticator extends Authenticator {
  readonly type: 'oidc'
  readonly login: OidcLogin
}

/** Those of them that have a login. */
export function oidcAuthenticatorsOf(authenticators: Iterable<Authenticator>): readonly OidcAuthenticator[] {
  return [...authenticators].filter((one): one is OidcAuthenticator => one.type === 'oidc' && 'login' in one)
}

/** @throws {InvalidConfiguration} where a URL must not be used */
export function oidcAuthenticator(options: OidcOptions, surroundings: OidcSurroundings): OidcAuthenticator {
  const { name, issuer, clientId, publicUrl, basePath = '', subject, roles } = options
  const problem = providerUrlProblem(issuer)
  if (problem !== undefined) throw new InvalidConfiguration([{ path: ['issuer'], message: problem }])
  const { observe, notRevoked, fetch = globalThis.fetch, nowMs = Date.now } = surroundings
  const redirectUri = `${new URL(publicUrl).origin}${basePath}/auth/callback`
  const client = new OidcClient({ ...options, redirectUri, fetch })
  const keys = new KeySet({
    source: {
      where: issuer,
      freshMs: 10 * 60 * 1000,
      againMs: 30 * 1000,
      load: async (signal) => fetchJson(fetch, (await client.metadata()).jwks_uri ?? '', signal),
    },
    algorithms: ASYMMETRIC_ALGORITHMS,
    monotonicMs: surroundings.monotonicMs ?? (() => performance.now()),
    observe,
  })
  const login = new OidcLogin({
    ...options,
    client,
    identities: new IdentityMaker({ name, issuer, subject, roles }),
    logoutTokens: new LogoutTokens({ issuer, clientId, keys, algorithms: ASYMMETRIC_ALGORITHMS, nowMs }),
    notRevoked,
    nowMs,
  })
  return {
    ...authenticatorOf({ name, type: 'oidc' }, (request) => proveOrUnknown(request, login, nowMs)),
    type: 'oidc',
    login,
    stillHolds: (identity) => login.holds(identity),
    async readAgain() {
      return () => {
        client.forget()
        return []
      }
    },
    close: () => keys.close(),
  }
}

const ENDED = 'a login cookie of no login, or of one that has ended'

/** A login that cannot be looked up is neither there nor gone: whoever has another credential goes on with that one. */
async function proveOrUnknown(request: AuthenticationRequest, login: OidcLogin, nowMs: () => number): Promise<Outcome> {
  try {
    return await prove(request, login, nowMs)
  } catch (cause) {
    if (!(cause instanceof StateUnavailable)) throw cause
    return { kind: 'refused', detail: cause.message, cause, ambient: true, carrier: `cookie:${login.cookieName}` }
  }
}

async function prove({ http }: AuthenticationRequest, login: OidcLogin, nowMs: () => number): Promise<Outcome> {
  const values = cookieValues(http, login.cookieName)
  const carrier = `cookie:${login.cookieName}`
  if (values.length === 0) return { kind: 'absent' }
  const refused = (detail: string): Outcome => ({ kind: 'refused', detail, ambient: true, carrier })
  if (values.length > 1) return { ...refused('the login cookie is there twice'), malformed: true } as Outcome
  const found = await login.find(http)
  if (found === undefined) return refused(ENDED)
  if ((found.identity.expiresAtMs ?? 0) > nowMs()) return { kind: 'proven', identity: found.identity, carrier }
  switch (await login.refresh(found)) {
    case 'renewed': {
      const renewed = await login.find(http)
      if (renewed === undefined) return refused(ENDED)
      return { kind: 'proven', identity: renewed.identity, carrier }
    }
    case 'unavailable':
      throw new Error('the login has expired, and the identity provider cannot be asked to renew it')
    case 'impossible':
      return refused('the login has expired, and the provider gave no refresh token')
    case 'ended':
      return refused('the provider has ended the login')
  }
}
