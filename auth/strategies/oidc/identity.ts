/**
 * Identities out of what an OpenID provider said: the ID token says who, the access token's life says until when.
 * A renewal without an ID token keeps who it was; one with an ID token builds the identity anew, and for nobody else.
 */
import { randomBytes } from 'node:crypto'
import { AuthenticationRefused } from '../../errors.ts'
import { type Identity, identityKey } from '../../identity.ts'
import type { Login } from '../../state/logins.ts'
import { type RolesSource, readRoles } from '../claimed-roles.ts'
import { checkSubject, deepFreeze, findClaim } from '../claims.ts'
import type { JsonObject } from '../jwt/json.ts'
import type { ProviderTokens } from './client.ts'

export interface IdentityOptions {
  /** The authenticator's name. */
  readonly name: string
  readonly issuer: string
  /** The claim, or path of claims, that names the subject. */
  readonly subject: string
  readonly roles?: RolesSource | undefined
}

const MAX_LIFE_MS = 10 * 366 * 24 * 3600 * 1000

export class IdentityMaker {
  readonly #options: IdentityOptions

  constructor(options: IdentityOptions) {
    this.#options = options
  }

  /** @throws {AuthenticationRefused} where the ID token names nobody, or no time */
  begin(
    tokens: ProviderTokens,
    nowMs: number,
    endsAtMs: number,
  ): Pick<Login, 'identity' | 'idClaims' | 'sub' | 'sid' | 'endsAtMs'> {
    if (tokens.claims === undefined) throw rejected('the provider gave no ID token')
    const { claims } = tokens
    const sid = claims['sid'] === undefined ? undefined : checkSubject(claims['sid'], 'the claim sid')
    const sessionKey = this.#sessionKey(sid ?? `login ${randomBytes(16).toString('base64url')}`)
    const said = { ...tokens.userInfo, ...claims }
    const identity = this.#identity(said, tokens, sessionKey, nowMs, endsAtMs)
    return { identity, idClaims: claims, sub: checkSubject(claims['sub'], 'the claim sub'), sid, endsAtMs }
  }

  /** @throws {AuthenticationRefused} where the provider speaks of somebody else now */
  renew(tokens: ProviderTokens, login: Login, nowMs: number): Identity {
    const claims = tokens.claims ?? login.idClaims
    if (claims['sub'] !== login.sub) throw rejected('the refreshed ID token is of another sub')
    const sessionKey = login.identity.sessionKey ?? this.#sessionKey(login.hash)
    // Of two words about one claim the newer counts; of the same moment, what the ID token has signed.
    const said = tokens.claims === undefined ? { ...claims, ...tokens.userInfo } : { ...tokens.userInfo, ...claims }
    const identity = this.#identity(said, tokens, sessionKey, nowMs, login.endsAtMs)
    if (identityKey(identity) !== identityKey(login.identity))
      throw rejected('the refreshed ID token is of another subject')
    return identity
  }

  /** The keys of what ends when the provider says that these are gone: bearer tokens of the same session or person, too. */
  keysOf({ sub, sid }: { readonly sub: string | undefined; readonly sid: string | undefined }): {
    readonly sessions: readonly string[]
    readonly identities: readonly string[]
  } {
    if (sid !== undefined) return { sessions: [this.#sessionKey(sid)], identities: [] }
    const { issuer } = this.#options
    return { sessions: [], identities: sub === undefined ? [] : [identityKey({ issuer, subject: sub })] }
  }

  #identity(claims: JsonObject, tokens: ProviderTokens, sessionKey: string, nowMs: number, endsAtMs: number): Identity {
    const { name, issuer, subject, roles } = this.#options
    const named = findClaim(claims, subject)
    if (named === undefined) throw rejected(withoutSubject(subject, tokens))
    return {
      issuer,
      subject: checkSubject(named, `the claim ${subject}`),
      authenticator: name,
      roles: readRoles(claims, roles),
      claims: deepFreeze(claims),
      expiresAtMs: Math.min(endsAtMs, expiryOf(tokens, nowMs)),
      fromCookie: true,
      accessToken: tokens.accessToken,
      sessionKey,
    }
  }

  #sessionKey(id: string): string {
    return sessionKeyOf(this.#options.issuer, id)
  }
}

/** The key under which everything of one session at the provider (`sid`) ends together. */
export function sessionKeyOf(issuer: string, sid: string): string {
  return JSON.stringify([issuer, sid])
}

/** Providers may give claims at UserInfo only. [OpenID Connect Core §5.4] */
function withoutSubject(subject: string, { userInfo }: ProviderTokens): string {
  if (userInfo !== undefined) return `neither the ID token nor UserInfo has the claim ${subject}`
  return `the ID token has no claim ${subject}: let the provider add it, or ask for it at UserInfo (userinfo: true)`
}

/** The end of the access token, or of the ID token where the provider does not say. */
function expiryOf({ expiresInSeconds, claims }: ProviderTokens, nowMs: number): number {
  const exp = claims?.['exp']
  const endMs = expiresInSeconds !== undefined ? nowMs + expiresInSeconds * 1000 : Number(exp) * 1000
  if (!Number.isFinite(endMs) || endMs > nowMs + MAX_LIFE_MS)
    throw rejected('the provider does not say when its tokens end')
  return Math.floor(endMs)
}

function rejected(detail: string): AuthenticationRefused {
  return new AuthenticationRefused('rejected', detail)
}
